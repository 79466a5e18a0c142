"""Report on labeled digits before training."""

import io
import re

import numpy as np
import pytest
from PIL import Image

from ml.training import data, dataset_report
from ml.training.dataset_folder import LabeledDigits
from ml.training.stroke_files import NON_DIGIT


@pytest.fixture(scope="module")
def mnist():
    images, labels = data.mnist(train=False).subset(slice(500))
    return images.numpy(), labels.numpy()


def digits(images, labels):
    return LabeledDigits(images, labels, ("",) * len(labels))


def test_compare_mnist_with_itself_gives_no_warning(mnist):
    assert dataset_report.compare_with_mnist(digits(*mnist)) == []


@pytest.mark.parametrize(
    ("change", "warning"),
    [
        (lambda images: 255 - images, r"^The border has the mean level 25\d.*invert the pixels"),
        (lambda images: images // 2, r"^The mean ink is 4\d pixels, MNIST's 102"),
        (lambda images: np.roll(images, 2, axis=2), "^The mean center is 16.* from the left"),
        (lambda images: np.roll(images, 2, axis=1), "^The mean center is 16.* from the top"),
        (
            lambda images: np.pad(2 * (images[:, ::2, ::2] // 2), ((0, 0), (7, 7), (7, 7))),
            r"(?s)The mean size is (9|10)\.\d pixels, MNIST's 20",
        ),
    ],
    ids=["inverted", "pale", "right", "low", "small"],
)
def test_compare_changed_images_gives_a_warning(mnist, change, warning):
    images, labels = mnist
    warnings = dataset_report.compare_with_mnist(digits(change(images), labels))

    assert re.search(warning, "\n".join(warnings))


def test_compare_non_digits_gives_no_warning(mnist):
    images, labels = mnist
    assert dataset_report.compare_with_mnist(digits(images, labels * 0 + NON_DIGIT)) == []


def test_describe_counts_names_every_label(mnist):
    labels = np.array([0, 0, 7, NON_DIGIT])
    assert dataset_report.describe_counts(digits(mnist[0][:4], labels)) == (
        "0: 2, 1: 0, 2: 0, 3: 0, 4: 0, 5: 0, 6: 0, 7: 1, 8: 0, 9: 0, non-digits: 1"
    )


def test_contact_sheet_has_a_row_of_images_for_each_label(mnist):
    images = mnist[0][:40]
    labels = np.array([NON_DIGIT] * 39 + [5])
    sheet = Image.open(io.BytesIO(dataset_report.contact_sheet(digits(images, labels))))
    levels = np.asarray(sheet)[::2, ::2]
    assert levels.shape == (2 * 30, 36 + 24 * 30)
    assert np.array_equal(levels[1:29, 36:64], images[0])
    assert np.array_equal(levels[1:29, -30:-2], images[38])
    assert np.array_equal(levels[31:59, 36:64], images[39])
    assert (levels[30:, 66:] == 64).all()
