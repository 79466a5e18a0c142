"""The model without Django: preprocessing, recognition, training and evaluation."""
