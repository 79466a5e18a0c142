"""Taking drawings and pictures apart into digits, and the numbers that this is measured with."""

from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from HersheyFonts import HersheyFonts
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ml import data, image, ink, numbers, segment
from ml.strokes import WrittenDigit

BAR = [[0.0, 0.0], [2.0, 100.0]]
RING = [[50 + 30 * np.cos(a), 50 + 50 * np.sin(a)] for a in np.linspace(0, 6.2, 40)]
# One digit in strokes that do not touch, or hardly.
FOUR = [[[30, 0], [0, 60], [58, 60]], [[60, 20], [58, 100]]]
FIVE = [[[10, 5], [8, 45], [35, 38], [55, 60], [40, 95], [5, 98]], [[14, 0], [60, -3]]]
SEVEN = [[[0, 0], [60, 0], [20, 100]], [[15, 50], [65, 48]]]

coordinates = st.floats(0, 300)
drawings = st.lists(
    st.lists(st.tuples(coordinates, coordinates).map(list), min_size=1, max_size=6), max_size=8
)


def never(supposed):
    raise AssertionError(f"the judge was asked about {len(supposed)} groups")


def judge_by(certainty):
    """A judge that is as certain of each group as ``certainty`` of it says."""

    def judge(supposed):
        sure = np.array([certainty(group) for group in supposed], dtype=np.float32)
        rest = (1 - sure) / 9
        return np.hstack([sure[:, None], np.repeat(rest[:, None], 9, axis=1)])

    return judge


@cache
def hershey():
    """The strokes of each digit, 100 pixels tall."""
    font = HersheyFonts()
    font.load_default_font("futural")
    return {
        digit: [[[100 * x / 21, 100 * y / 21] for x, y in stroke] for stroke in strokes]
        for digit in "0123456789"
        if (strokes := list(font.strokes_for_text(digit)))
    }


def compose(text, seed=0, **layout):
    return numbers.compose(
        [hershey()[digit] for digit in text], np.random.default_rng(seed), **layout
    )


def moved(strokes, right):
    return [[[x + right, y] for x, y, *_ in stroke] for stroke in strokes]


@pytest.fixture
def of_strokes(shipped):
    return lambda groups: shipped.predict(np.stack([ink.draw(group) for group in groups]))


@pytest.fixture
def of_pictures(shipped):
    def grid(crop):
        return image.prepare(Image.fromarray(np.pad(crop, 20))).grid

    return lambda crops: shipped.predict(np.stack([grid(crop) for crop in crops]))


@pytest.fixture
def read(of_strokes):
    return lambda strokes: text(of_strokes(segment.groups(strokes, of_strokes)))


@pytest.fixture
def read_picture(of_pictures):
    def read(levels):
        return text(of_pictures([crop.ink for crop in segment.boxes(levels, of_pictures)]))

    return read


@pytest.fixture(scope="module")
def validation():
    images, labels = data.split(data.mnist(train=True))[1]
    return images.numpy(), labels.tolist()


def text(probabilities):
    return "".join(map(str, probabilities.argmax(axis=1)))


def test_no_points_make_no_digits():
    assert segment.groups([], never) == []
    assert segment.groups([[], []], never) == []


def test_a_single_stroke_is_one_digit_without_asking():
    assert segment.groups([[], RING], never) == [[RING]]


def test_strokes_that_plainly_overlap_are_one_digit_without_asking():
    through = [[20.0, 0.0], [80.0, 100.0]]
    assert segment.groups([through, RING], never) == [[through, RING]]


@pytest.mark.parametrize("number", ["23", "40", "505", "2024", "34567", "98760"])
@pytest.mark.parametrize("layout", [{}, {"shear": 0.3}, {"gaps": (0.0, 0.0)}])
def test_reads_numbers(read, number, layout):
    assert read(compose(number, **layout)) == number


@pytest.mark.parametrize("slope", [-0.3, 0.3])
def test_a_number_may_climb_or_fall(read, slope):
    strokes = [[[x, y + slope * x] for x, y in stroke] for stroke in compose("20345")]
    assert read(strokes) == "20345"


@pytest.mark.parametrize(("strokes", "digit"), [(FOUR, "4"), (FIVE, "5"), (SEVEN, "7")])
def test_a_digit_in_two_strokes_stays_one(read, strokes, digit):
    assert read(strokes) == digit
    assert read(moved(strokes, 0) + moved(hershey()["2"], 90)) == digit + "2"


def test_the_order_and_the_size_of_the_strokes_do_not_matter(read):
    strokes = compose("4742")
    assert read(strokes[::-1]) == "4742"
    assert read([[[x / 9, y / 9] for x, y in stroke] for stroke in strokes]) == "4742"


def test_strokes_keep_the_order_they_were_drawn_in():
    second, first = RING, [[75.0, 10.0], [20.0, 90.0]]
    later = moved([BAR], 150)
    groups = segment.groups([*later, second, first], judge_by(lambda group: 0.9))
    assert groups == [[second, first], later]


def test_a_tap_beside_a_digit_is_left_out():
    assert segment.groups([RING, [[95.0, 90.0]]], never) == [[RING]]


@pytest.mark.parametrize("mark", [[[95, 60], [115, 58]], [[100, 0], [101, 25]]])
def test_a_short_stroke_is_no_digit_of_its_own(mark):
    assert segment.groups([RING, mark], never) == [[RING, mark]]


def test_the_judge_decides_what_is_in_doubt():
    strokes = [RING, *moved([BAR], 84)]
    together = judge_by(lambda group: 0.99 if len(group) == 2 else 0.2)
    apart = judge_by(lambda group: 0.2 if len(group) == 2 else 0.99)
    assert segment.groups(strokes, together) == [strokes]
    assert segment.groups(strokes, apart) == [[stroke] for stroke in strokes]


def test_a_wide_gap_needs_more_than_a_doubt_to_be_bridged():
    strokes = [RING, *moved([BAR], 180)]
    assert len(segment.groups(strokes, judge_by(lambda group: 0.5 * len(group)))) == 2


def test_neighbours_that_are_not_alike_are_sooner_one_digit():
    sure = judge_by(lambda group: 0.9)
    assert segment.groups(FOUR, sure) == [FOUR]
    assert len(segment.groups([RING, *moved([BAR], 84)], sure)) == 2


def test_two_rivals_are_a_digit_nevertheless():
    def judge(groups):
        rivals, poor = [0.5, 0.5] + [0.0] * 8, [0.5] + [0.5 / 9] * 9
        return np.array([rivals if len(group) == 1 else poor for group in groups], np.float32)

    assert len(segment.groups([RING, *moved([BAR], 84)], judge)) == 2


def test_the_judge_is_asked_once():
    asked = []

    def judge(groups):
        asked.append(groups)
        return judge_by(lambda group: 0.9)(groups)

    segment.groups([RING, *moved([BAR], 90), *moved([RING], 100)], judge)
    assert len(asked) == 1


@pytest.mark.parametrize(
    "strokes",
    [
        [[[10.0 * i, 0.0], [10.0 * i, 80.0]] for i in range(500)],
        [[[50.0 * i, 7.0], [50.0 * i + 20, 7.0]] for i in range(4)],
        [[[30.0 * i, 20.0 * i]] for i in range(6)],
        [[[5.0, 5.0]]] * 3,
    ],
    ids=["a fence", "dashes", "dots", "one dot"],
)
def test_what_is_no_writing_is_left_whole(strokes):
    assert segment.groups(strokes, never) == [strokes]


@given(drawings)
def test_no_stroke_is_in_two_digits(drawing):
    numbered = [[[*point, i] for point in stroke] for i, stroke in enumerate(drawing)]
    groups = segment.groups(numbered, judge_by(lambda group: 1 / (1 + len(group))))
    drawn = [stroke[0][2] for group in groups for stroke in group]
    assert len(set(drawn)) == len(drawn)
    assert bool(drawn) == bool(drawing)


def test_a_blank_picture_has_no_digits():
    assert segment.boxes(np.zeros((90, 120), np.uint8), never) == []


def test_a_patch_of_ink_is_cut_out_with_its_corner():
    levels = np.zeros((60, 80), np.uint8)
    levels[10:40, 20:30] = 200
    levels[12:20, 22:25] = 0
    (crop,) = segment.boxes(levels, never)
    assert (crop.left, crop.top) == (20, 10)
    assert (crop.ink == levels[10:40, 20:30]).all()


def test_pixels_that_touch_at_a_corner_are_one_patch():
    (crop,) = segment.boxes(np.eye(40, dtype=np.uint8) * 255, judge_by(lambda crop: 0.9))
    assert (crop.ink == np.eye(40) * 255).all()


def test_a_speck_in_a_picture_is_left_out():
    levels = np.zeros((100, 100), np.uint8)
    levels[10:90, 40:50] = 255
    levels[50:52, 90:92] = 255
    (crop,) = segment.boxes(levels, never)
    assert crop.ink.shape == (80, 10)


def test_neighbours_do_not_show_in_a_crop():
    slanted = numbers.photograph([BAR, *moved([BAR], 30)], 100)
    slanted = np.stack([np.roll(row, 100 - i // 2) for i, row in enumerate(np.pad(slanted, 110))])
    crops = segment.boxes(slanted, judge_by(lambda crop: 0.9 if crop.shape[1] < 70 else 0.1))
    assert len(crops) == 2
    assert sum(crop.ink.sum(dtype=int) for crop in crops) == slanted[slanted > 25].sum(dtype=int)
    for crop in crops:
        assert len(segment.boxes(crop.ink, never)) == 1


@given(st.integers(0, 2**30), st.floats(0.05, 0.7))
def test_every_inked_pixel_is_in_one_patch_and_patches_do_not_touch(seed, share):
    inked = np.random.default_rng(seed).random((9, 12)) < share
    names = np.zeros((11, 14), int)
    for name, (columns, rows) in enumerate(segment._patches(inked), 1):
        assert not names[rows + 1, columns + 1].any()
        names[rows + 1, columns + 1] = name
    assert ((names[1:-1, 1:-1] > 0) == inked).all()
    for one, other in [
        (names[1:], names[:-1]),
        (names[:, 1:], names[:, :-1]),
        (names[1:, 1:], names[:-1, :-1]),
        (names[1:, :-1], names[:-1, 1:]),
    ]:
        assert ((one == other) | (one == 0) | (other == 0)).all()


def test_a_patch_is_connected():
    spiral = [[200 + 3 * a * np.cos(a), 200 + 3 * a * np.sin(a)] for a in np.linspace(4, 50, 900)]
    separate = numbers.photograph([spiral, [[200.0, 200.0]]], 100)
    assert len(segment._patches(separate > 25)) == 2


@pytest.mark.parametrize("number", ["20", "358", "6043"])
def test_reads_pictures_of_numbers(read_picture, number):
    assert read_picture(numbers.photograph(compose(number, gaps=(0.15, 0.3)), 100)) == number


@pytest.mark.parametrize("number", ["08", "34", "53", "75"])
def test_digits_that_touch_are_cut(read_picture, number):
    levels = numbers.photograph(compose(number, gaps=(0.0, 0.0)), 100, pen=0.09)
    assert len(segment._patches(levels > 25)) < len(number)
    assert read_picture(levels) == number


def test_single_digits_stay_single(of_pictures, validation):
    images, _ = validation
    large = [np.asarray(Image.fromarray(grid).resize((140, 140))) for grid in images[:200]]
    assert sum(len(segment.boxes(levels, of_pictures)) != 1 for levels in large) <= 3


def test_reads_most_numbers_of_real_digits(read_picture, validation):
    images, labels = validation
    rng = np.random.default_rng(1)
    right = 0
    for length in (2, 3, 4, 5) * 10:
        chosen = rng.integers(len(images), size=length)
        levels = numbers.compose_picture(images[chosen], rng)
        right += read_picture(levels) == "".join(str(labels[i]) for i in chosen)
    assert right >= 35


def test_numbers_are_repeatable_and_of_one_hand():
    digits = [
        WrittenDigit(moved(strokes, 100), int(digit), writer)
        for digit, strokes in hershey().items()
        for writer in ("low", "high")
        if (int(digit) >= 5) == (writer == "high")
    ]
    made = list(numbers.written(digits, 30, seed=4))
    assert made == list(numbers.written(digits, 30, seed=4))
    assert made != list(numbers.written(digits, 30, seed=5))
    assert {len(number.text) for number in made} == {2, 3, 4, 5}
    for number in made:
        assert len({digit >= "5" for digit in number.text}) == 1


def test_digits_of_a_number_stand_apart_by_the_gap():
    strokes = compose("808", gaps=(0.2, 0.2))
    boxes = [ink.bounds([stroke]) for stroke in strokes]
    gaps = [second[0] - first[0] - first[2] for first, second in pairwise(boxes)]
    assert gaps == pytest.approx([20 * numbers.WIDTH] * 2)
    assert len({round(box[3], 3) for box in boxes}) == 3


def test_shear_leans_a_number_to_the_right():
    upright, leaning = ([np.array(stroke) for stroke in compose("70", shear=s)] for s in (0, 0.3))
    for one, other in zip(upright, leaning, strict=True):
        assert other[:, 0] == pytest.approx(one[:, 0] - 0.3 * one[:, 1])
        assert (other[:, 1] == one[:, 1]).all()


def test_a_photograph_has_a_pen_of_the_given_width():
    levels = numbers.photograph([[[0.0, 0.0], [0.0, 100.0]]], 100, pen=0.1)
    assert (levels[levels.shape[0] // 2] > 127).sum() == pytest.approx(10, abs=1)
