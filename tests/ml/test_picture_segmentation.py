"""Taking pictures apart into digits."""

import numpy as np
import pytest
from PIL import Image

from ml.evaluation import synthetic_numbers
from ml.preprocessing import picture_segmentation, pictures, segmentation
from ml.recognition import predict_picture
from ml.training import data


@pytest.fixture(scope="module")
def digits():
    return data.mnist(train=True).subset(slice(-5_000, None))


def ink(levels):
    return pictures.Ink(np.array(levels, dtype=np.uint8), 10, 20, 2.0)


def equal(supposed):
    return np.full((len(supposed), 10), 0.1, dtype=np.float32)


def certain(supposed):
    return np.tile(np.eye(1, 10, dtype=np.float32), (len(supposed), 1))


def test_patches_touch_at_corners_too():
    found = picture_segmentation._patches(
        np.array([[1, 0, 0, 1], [0, 1, 0, 1], [0, 0, 0, 0]], dtype=bool)
    )
    assert sorted(patch.shape[1] for patch in found) == [2, 2]


def test_bars_apart_are_digits_and_know_where_they_are():
    levels = np.zeros((100, 120), dtype=np.uint8)
    levels[:, :10] = levels[5:, 110:] = 255
    left, right = picture_segmentation.digits(ink(levels), certain)
    assert left.box == (20, 40, 20, 200)
    assert right.box == (20 + 220, 40 + 10, 20, 190)
    assert (left.levels == 255).all()


def test_a_single_narrow_patch_is_one_digit_without_asking():
    levels = np.full((100, 10), 255)
    (whole,) = picture_segmentation.digits(
        ink(levels), lambda supposed: pytest.fail("the judge was asked")
    )
    assert whole.levels.shape == (100, 10)


@pytest.mark.parametrize(("judge", "count"), [(certain, 2), (equal, 1)])
def test_what_touches_is_cut_where_the_judge_sees_two_digits(judge, count):
    levels = np.zeros((100, 100), dtype=np.uint8)
    levels[:, :10] = levels[:, 90:] = levels[95:] = 255

    def prefer(supposed):
        """Only halves are digits, or nothing is."""
        narrow = np.array([levels.shape[1] < 60 for levels in supposed])
        return np.where(narrow[:, None], judge(supposed), equal(supposed))

    assert len(picture_segmentation.digits(ink(levels), prefer)) == count


def test_reads_numbers_in_pictures(shipped, digits):
    made = list(synthetic_numbers.generate_pictures(digits, 40, seed=3))
    right = sum(predict_picture(shipped, picture).text == text for picture, text in made)
    assert right >= 34


def test_a_one_close_to_its_neighbor_is_a_digit_of_its_own(shipped, digits):
    """A 4 and a 1 fit into the frame of one digit, and some look like one."""
    rng = np.random.default_rng(0)
    ones = digits.images[digits.labels == 1]
    right = 0
    for grid, label in zip(digits.images[:100], digits.labels, strict=False):
        pair = [grid.numpy(), ones[rng.integers(len(ones))].numpy()]
        picture = synthetic_numbers.join_grids(pair, rng, gaps=(0.05, 0.2))
        right += predict_picture(shipped, picture).text == f"{label}1"
    assert right >= 95


def test_single_digits_stay_whole(shipped, digits):
    enlarged = (Image.fromarray(image).resize((140, 140)) for image in digits.images[:400].numpy())
    assert all(len(predict_picture(shipped, picture).digits) == 1 for picture in enlarged)


def test_thousands_of_patches_are_no_writing():
    levels = np.zeros((200, 200), dtype=np.uint8)
    levels[::2, ::2] = 255
    whole = ink(levels)
    assert picture_segmentation.digits(whole, certain) == [whole]


def test_a_long_line_is_not_cut_into_thousands():
    """Such a picture has a hundred bytes; that many cuts were each compared with all others."""
    levels = np.zeros((7, 3_000), dtype=np.uint8)
    levels[3] = levels[:, 0] = levels[:, -1] = 255
    pixels = np.array(np.nonzero(levels)[::-1])
    assert len(picture_segmentation._cut(pixels, 7)) <= segmentation.MOST + 1
