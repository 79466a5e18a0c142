"""Stroke files and the split of their writers."""

import gzip
import hashlib
import json
from uuid import UUID

import pytest

from ml.training import data, held_out, stroke_files
from ml.training.held_out import is_held_out
from ml.training.stroke_files import NON_DIGIT, StrokeSample
from tools.samples import SEVEN

UNIPEN = """
.LEXICON "0" "1"
.SEGMENT DIGIT    0-1 ? "4"
.COMMENT 4 12  224
.PEN_DOWN
 10  30
 20  5
.PEN_UP
.DT 100
.PEN_DOWN
 25  40
.PEN_UP
.SEGMENT DIGIT    2 ? "1"
.COMMENT 1 7  3
.PEN_DOWN
 1  2
 -3  4
.PEN_UP
"""


@pytest.fixture
def read(tmp_path):
    """Return a function that reads content as a stroke file; dictionaries become JSON Lines."""

    def read_content(*content, name="file.jsonl"):
        path = tmp_path / name
        lines = [line if isinstance(line, str) else json.dumps(line) for line in content]
        path.write_text("\n".join(lines))
        return stroke_files.read(path)

    return read_content


def row(label, **fields):
    return {"strokes": SEVEN, "label": label, **fields}


def test_read_unipen_flips_y(read):
    four, one = read(UNIPEN, name="digits.unp").samples
    assert (four.label, four.writer) == (4, "12")
    assert four.strokes == [[[10, -30], [20, -5]], [[25, -40]]]
    assert (one.label, one.writer, one.strokes) == (1, "7", [[[1, -2], [-3, -4]]])


def test_read_json_lines_keeps_strokes_text_writer_and_character(read):
    seven, letter = read(row("7", writer="ana"), "", row("?", drawing="id", what="A")).samples
    assert seven == StrokeSample(SEVEN, "7", "ana")
    assert letter == StrokeSample(SEVEN, "?", "id", "A")
    assert (seven.label, letter.label) == (7, NON_DIGIT)


def test_read_numbers_keep_their_marks(read):
    numbers = ["12", "3-4", "12\n34", "(1+2)=3", "1?"]
    file = read(*map(row, numbers))
    assert [sample.text for sample in file.samples] == numbers
    assert file.exclusions == {}


def test_read_skips_and_counts_unsupported_labels_and_samples_without_points(read):
    unsupported = map(row, ("", "²", "1²", "12a", "-", "??", "A", None))
    blank = ({**row("1"), "strokes": strokes} for strokes in ([], [[]]))
    file = read(row("7"), *unsupported, *blank)
    assert [sample.text for sample in file.samples] == ["7"]
    assert file.exclusions == {"another label": 8, "no points": 2}


def test_samples_are_selected_by_kind(read):
    samples = read(*map(row, ("7", "?", "1-2", "0"))).samples
    kinds = (stroke_files.digits, stroke_files.non_digits, stroke_files.numbers)
    texts = [[sample.text for sample in select(samples)] for select in kinds]
    assert texts == [["7", "0"], ["?"], ["1-2"]]


def test_read_gzip_gives_samples_and_sha256_of_the_content(tmp_path):
    content = UNIPEN.encode()
    plain, packed = tmp_path / "digits.unp", tmp_path / "digits.unp.gz"
    plain.write_bytes(content)
    packed.write_bytes(gzip.compress(content))
    first, second = map(stroke_files.read, (plain, packed))
    assert first.samples == second.samples
    assert first.sha256 == second.sha256 == hashlib.sha256(content).hexdigest()
    assert (first.name, second.name) == ("digits.unp", "digits.unp.gz")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "hello",
        '{"strokes"',
        '{"label": "7"}',
        '{"label": "7", "strokes": null}',
        '{"label": "7", "strokes": [[1, 2]]}',
        '{"label": "7", "strokes": [[[1]]]}',
        '{"label": "7", "strokes": [[["left", "top"]]]}',
        '{"label": "A", "strokes": [[[1, 2]]]}',
        '.SEGMENT "x"',
        ".SEGMENT DIGIT 3",
    ],
)
def test_read_other_content_raises_value_error_with_the_path(read, content):
    with pytest.raises(ValueError, match=r"letter\.txt.*Supported: UNIPEN text, JSON Lines"):
        read(content, name="letter.txt")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"strokes"', "JSONDecodeError: Expecting ':' delimiter"),
        ('{"strokes":' + "[" * 100_000, "RecursionError"),
        ('{"label": "7", "strokes": [[[0, NaN]]]}', "the coordinate nan is no number up to 1e"),
        ('{"label": "7", "strokes": [[[-1e999, 0]]]}', "the coordinate -inf is no number up to 1e"),
        ('{"label": "7", "strokes": [[["1", 0]]]}', "the coordinate '1' is no number"),
        ('{"label": "7", "strokes": [[{"y": 1}]]}', "KeyError: 'x'"),
        ("[1]", "TypeError"),
    ],
    ids=["broken", "deep", "NaN", "infinity", "text", "no x", "list"],
)
def test_read_malformed_json_line_raises_value_error_with_its_number(read, content, message):
    with pytest.raises(ValueError, match=rf"letter\.txt is not a stroke file: line 3 .*{message}"):
        read(row("7"), "", content, name="letter.txt")


def test_read_points_with_names_gives_pairs(read):
    (sample,) = read(row("7") | {"strokes": [[{"x": 1, "y": 2, "t": 0}, {"y": 4, "x": 3}]]}).samples
    assert sample.strokes == [[(1, 2), (3, 4)]]


def test_read_labels_that_are_json_numbers_give_digits_and_numbers(read):
    samples = read(row(7), row(7.0), row(77)).samples
    assert [sample.text for sample in samples] == ["7", "7", "77"]
    assert stroke_files.numbers(samples) == samples[2:]


def test_read_unipen_number_keeps_the_label(read):
    (sample,) = read(UNIPEN.replace('2 ? "1"', '2 ? "77"')).samples[1:]
    assert (sample.text, stroke_files.numbers([sample])) == ("77", [sample])


def test_read_unipen_keeps_decimals_and_ignores_points_of_the_lifted_pen(read):
    four, _ = read(UNIPEN.replace("20  5", "20.5 5.").replace(".DT 100", "99 99")).samples
    assert four.strokes == [[[10, -30], [20.5, -5]], [[25, -40]]]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('.LEXICON "0"', ".COORD T X Y", "line 2 orders the coordinates T X"),
        ('"4"', "4", "line 3 has no label in quotes"),
        ("0-1 ?", "6:0-6:3 ?", "line 3 is a segment of parts of components"),
        (".COMMENT 4 12  224", '.SEGMENT DIGIT 1 ? "5"', "the segment on line 3 has no"),
        (".PEN_DOWN\n 1  2\n -3  4", "", "the segment on line 13 has no"),
        ("20  5", "20 five", "line 7 is '20 five', expected two numbers"),
        ("-3  4", "-3", "line 17 is '-3', expected two numbers"),
    ],
)
def test_read_unipen_of_another_structure_raises_value_error_with_the_line(read, old, new, message):
    assert UNIPEN.count(old) == 1
    with pytest.raises(ValueError, match=message):
        read(UNIPEN.replace(old, new))


def test_read_unipen_with_the_order_x_y_gives_the_samples(read):
    assert read(".COORD X Y T", UNIPEN).samples == read(UNIPEN).samples


PACKED = gzip.compress(json.dumps(row("7")).encode())


@pytest.mark.parametrize(
    "content",
    [PACKED[:-9], b"not packed", PACKED[:10] + b"\xff" * 20],
    ids=["truncated", "not gzip", "damaged"],
)
def test_read_damaged_gzip_raises_value_error_with_the_path(tmp_path, content):
    path = tmp_path / "cut.jsonl.gz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"cut\.jsonl\.gz is not a stroke file"):
        stroke_files.read(path)


def test_part_of_depends_on_the_name_alone():
    # Models name their files instead of their writers, so the parts must never change.
    parts = {"ana": "test", "3": "validation", "12": "training", "": "training"}
    assert {name: held_out.part_of(name) for name in parts} == parts


def test_part_of_tests_3_and_validates_2_of_16_writers():
    parts = [held_out.part_of(f"writer {number}") for number in range(1_600)]
    assert parts.count("test") == pytest.approx(300, abs=50)
    assert parts.count("validation") == pytest.approx(200, abs=50)


def test_part_of_drawing_follows_is_held_out():
    for name in (str(UUID(int=number)) for number in range(50)):
        assert held_out.part_of(name) == ("validation" if is_held_out(name) else "training")


def test_split_writers_gives_each_writer_one_part():
    samples = [StrokeSample([], "0", str(number % 40)) for number in range(120)]
    parts = held_out.split_writers(samples)
    assert sum(map(len, parts.values())) == 120
    for part, selected in parts.items():
        assert selected
        assert {held_out.part_of(sample.writer) for sample in selected} == {part}


def test_rasterize_samples_labels_digits_and_non_digits():
    images, labels = data.rasterize_samples([StrokeSample(SEVEN, text, "") for text in "7?"])
    assert images.shape == (2, 28, 28)
    assert labels.tolist() == [7, NON_DIGIT]
    assert data.rasterize_samples([]) is None
