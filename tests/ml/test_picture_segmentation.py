"""Segmentation of pictures."""

import numpy as np
import pytest
from PIL import Image

from ml.evaluation import synthetic_numbers
from ml.preprocessing import picture_segmentation
from ml.preprocessing.ink import Ink
from ml.preprocessing.lattice import MAX_PARTS
from ml.preprocessing.picture_segmentation import segment_picture
from ml.recognition import predict_picture
from ml.training import data


@pytest.fixture(scope="module")
def digits():
    return data.mnist(train=True).subset(slice(-5_000, None))


def ink(levels):
    return Ink(np.array(levels, dtype=np.uint8), 10, 20, 2.0)


def uniform(candidates):
    return np.full((len(candidates), 10), 0.1, dtype=np.float32)


def certain(candidates):
    return np.tile(np.eye(1, 10, dtype=np.float32), (len(candidates), 1))


def segment(ink, predict):
    candidates, lattice = segment_picture(ink)
    return [candidates[i] for i, _, _ in lattice.best_path(predict(candidates))]


def test_segment_picture_of_separate_bars_gives_boxes():
    levels = np.zeros((100, 120), dtype=np.uint8)
    levels[:, :10] = levels[5:, 110:] = 255
    left, right = segment(ink(levels), certain)
    assert left.box == (20, 40, 20, 200)
    assert right.box == (20 + 220, 40 + 10, 20, 190)
    assert (left.levels == 255).all()


def test_segment_picture_of_a_narrow_component_proposes_one_candidate():
    (whole,), _ = segment_picture(ink(np.full((100, 10), 255)))
    assert whole.levels.shape == (100, 10)


@pytest.mark.parametrize(("predict", "count"), [(certain, 2), (uniform, 1)])
def test_segment_picture_cuts_touching_digits_if_the_model_prefers_two(predict, count):
    levels = np.zeros((100, 100), dtype=np.uint8)
    levels[:, :10] = levels[:, 90:] = levels[95:] = 255

    def prefer_halves(candidates):
        narrow = np.array([one.levels.shape[1] < 60 for one in candidates])
        return np.where(narrow[:, None], predict(candidates), uniform(candidates))

    assert len(segment(ink(levels), prefer_halves)) == count


def test_predict_picture_of_numbers(shipped, digits):
    numbers = list(synthetic_numbers.generate_pictures(digits, 40, seed=3))
    correct = sum(predict_picture(shipped, picture).text == text for picture, text in numbers)
    assert correct >= 34


def test_predict_picture_of_a_one_close_to_another_digit(shipped, digits):
    """A 4 and a 1 have the width of one digit, and some pairs resemble one."""
    rng = np.random.default_rng(0)
    ones = digits.images[digits.labels == 1]
    correct = 0
    for grid, label in zip(digits.images[:100], digits.labels, strict=False):
        pair = [grid.numpy(), ones[rng.integers(len(ones))].numpy()]
        picture = synthetic_numbers.join_grids(pair, rng, gaps=(0.05, 0.2))
        correct += predict_picture(shipped, picture).text == f"{label}1"
    assert correct >= 99


def test_predict_picture_of_single_digits_keeps_one_digit(shipped, digits):
    enlarged = (Image.fromarray(image).resize((140, 140)) for image in digits.images[:400].numpy())
    # An 8 whose pen left a gap has two parts; one in 2,000 validation digits is split.
    assert sum(len(predict_picture(shipped, picture).digits) != 1 for picture in enlarged) <= 1


def test_segment_picture_of_thousands_of_components_keeps_one_candidate():
    levels = np.zeros((200, 200), dtype=np.uint8)
    levels[::2, ::2] = 255
    whole = ink(levels)
    assert segment(whole, certain) == [whole]


def test_split_of_a_long_line_bounds_the_pieces():
    """Every cut is compared with all others, and such a picture has only a hundred bytes."""
    levels = np.zeros((7, 3_000), dtype=np.uint8)
    levels[3] = levels[:, 0] = levels[:, -1] = 255
    pixels = np.array(np.nonzero(levels)[::-1])
    assert len(picture_segmentation._split(pixels, 7)) <= MAX_PARTS + 1
