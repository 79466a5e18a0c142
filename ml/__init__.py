"""LeNet and all that is not Django: ink, pictures, data, training, evaluation, export, serving."""
