"""Properties of input images and their reference values."""

import numpy as np
import pytest

from ml.evaluation import input_properties
from ml.training import data


def test_mnist_reference_values_match_the_training_images():
    measured = input_properties.measure(data.mnist(train=True).images.numpy())
    assert {name: input_properties.Moments.of(values) for name, values in measured.items()} == {
        name: pytest.approx(moments, abs=6e-4) for name, moments in input_properties.MNIST.items()
    }


def test_measure_a_bar_returns_its_size_and_position():
    image = np.zeros((1, 28, 28), np.uint8)
    image[0, 4:24, 10:14] = 255
    measured = {name: values.tolist() for name, values in input_properties.measure(image).items()}
    assert measured == {"ink": [80], "aspect": [0.2], "across": [12], "down": [14]}
