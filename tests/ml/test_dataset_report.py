"""Report on labeled digits before training."""

import io
import re

import numpy as np
import pytest
from PIL import Image

from ml.preprocessing.strokes import rasterize
from ml.training import data, dataset_report
from ml.training.dataset_folder import LabeledDigits
from ml.training.stroke_files import NON_DIGIT, StrokeSample
from tools.samples import SEVEN


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


@pytest.mark.parametrize(
    ("turn", "name"),
    [
        (lambda images: images.swapaxes(1, 2), "transposed, like EMNIST's"),
        (lambda images: images[:, :, ::-1], "mirrored"),
        (lambda images: images[:, ::-1], "upside down"),
        (lambda images: images[:, ::-1, ::-1], "turned by 180 degrees"),
        (lambda images: np.stack([np.rot90(image) for image in images]), "turned to the left"),
        (lambda images: np.stack([np.rot90(image, -1) for image in images]), "turned to the right"),
    ],
)
def test_compare_turned_digits_gives_a_warning(mnist, shipped, turn, name):
    images, labels = mnist
    (warning,) = dataset_report.compare_orientation(digits(turn(images), labels), shipped)
    assert warning.startswith(f"The digits look {name}: the shipped model reads ")
    assert re.search(r"(99|100)% after correction", warning)


@pytest.mark.parametrize("wrong", [0, 1], ids=["correct labels", "wrong labels"])
def test_compare_upright_digits_gives_no_warning(mnist, shipped, wrong):
    images, labels = mnist
    upright = digits(images, (labels + wrong) % 10)
    assert dataset_report.compare_orientation(upright, shipped) == []
    assert dataset_report.compare_orientation(upright.non_digits(), shipped) == []


def test_compare_orientation_of_few_digits_gives_no_warning(mnist, shipped):
    images, labels = mnist
    turned = digits(images[:20, :, ::-1], labels[:20])
    assert dataset_report.compare_orientation(turned, shipped) == []


def test_stroke_examples_are_some_digits_and_non_digits_of_each_label():
    labels = ["7"] * 30 + ["?", "0", "77"]
    samples = [StrokeSample(SEVEN, label, str(n)) for n, label in enumerate(labels)]
    examples = dataset_report.stroke_examples(samples)
    assert sorted(examples.labels.tolist()) == [NON_DIGIT, 0, *[7] * 24]
    assert {"0", "29", "30", "31"} <= set(examples.drawings)
    assert np.array_equal(examples.images[0], rasterize(SEVEN))


def test_describe_counts_names_every_label():
    assert dataset_report.describe_counts([0, 0, 7, NON_DIGIT]) == (
        "0: 2, 1: 0, 2: 0, 3: 0, 4: 0, 5: 0, 6: 0, 7: 1, 8: 0, 9: 0, non-digits: 1"
    )


def test_contact_sheet_has_a_row_of_images_for_each_label_of_each_group(mnist):
    images = mnist[0][:40]
    groups = digits(images[:39], np.array([NON_DIGIT] * 39)), digits(images[39:], np.array([5]))
    sheet = Image.open(io.BytesIO(dataset_report.contact_sheet(*groups)))
    levels = np.asarray(sheet)[::2, ::2]
    assert levels.shape == (2 * 30, 36 + 24 * 30)
    assert np.array_equal(levels[1:29, 36:64], images[0])
    assert np.array_equal(levels[1:29, -30:-2], images[38])
    assert np.array_equal(levels[31:59, 36:64], images[39])
    assert (levels[30:, 66:] == 64).all()
