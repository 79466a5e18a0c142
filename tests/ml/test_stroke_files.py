import gzip
import json
from uuid import uuid4

import pytest

from ml.training import data, stroke_files
from ml.training.dataset_folder import is_held_out
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


def test_reads_unipen_and_turns_its_y_downwards(tmp_path):
    file = tmp_path / "digits.unp"
    file.write_text(UNIPEN)
    four, one = stroke_files.read_digits(file)
    assert (four.label, four.writer) == (4, "12")
    assert four.strokes == [[[10, -30], [20, -5]], [[25, -40]]]
    assert (one.label, one.writer, one.strokes) == (1, "7", [[[1, -2], [-3, -4]]])


def test_reads_gzip(tmp_path):
    file = tmp_path / "digits.gz"
    file.write_bytes(gzip.compress(UNIPEN.encode()))
    assert len(stroke_files.read_digits(file)) == 2


def test_reads_json_lines_and_leaves_out_what_is_no_digit(tmp_path):
    file = tmp_path / "digits.jsonl"
    records = [{"strokes": [[[1, 2, 0]]], "label": label, "writer": "ana"} for label in ("7", "?")]
    file.write_text("\n".join(map(json.dumps, records)))
    (seven,) = stroke_files.read_digits(file)
    assert (seven.label, seven.writer, seven.strokes) == (7, "ana", [[[1, 2, 0]]])


@pytest.mark.parametrize("content", ["", "hello", '{"label": "7"}', '{"strokes"', '.SEGMENT "x"'])
def test_says_which_file_holds_no_strokes(tmp_path, content):
    file = tmp_path / "letter.txt"
    file.write_text(content)
    with pytest.raises(ValueError, match=r"letter\.txt"):
        stroke_files.read_digits(file)


def test_every_writer_is_held_out_in_one_fold_and_never_on_both_sides():
    digits = [stroke_files.StrokeSample([], 0, str(n % 12)) for n in range(120)]
    every = []
    for fold in range(data.FOLDS):
        kept, held_out = data.split_writers(digits, fold)
        writers = {d.writer for d in held_out}
        assert len(kept) == 120 - 10 * len(writers)
        assert not {d.writer for d in kept} & writers
        every += writers
    assert sorted(every) == sorted({d.writer for d in digits})


def test_the_one_writer_of_a_file_is_trained_on():
    kept, held_out = data.split_writers([stroke_files.StrokeSample([], 0, "me")])
    assert (len(kept), held_out) == (1, [])


def test_of_drawings_from_the_log_those_are_held_out_that_always_are():
    names = [str(uuid4()) for _ in range(50)]
    digits = [stroke_files.StrokeSample([], 0, name) for name in names]
    for fold in range(data.FOLDS):
        _, held_out = data.split_writers(digits, fold)
        assert {one.writer for one in held_out} == {n for n in names if is_held_out(n)}


def test_what_is_no_digit_with_ink_is_left_out(tmp_path):
    file = tmp_path / "digits.jsonl"
    lines = [{"label": label, "strokes": SEVEN} for label in ("7", "42", "²", "?")]
    lines.append({"label": "1", "strokes": []})
    file.write_text("\n".join(map(json.dumps, lines)))
    assert [digit.label for digit in stroke_files.read_samples(file)] == [7, stroke_files.NON_DIGIT]


def test_a_file_that_was_cut_off_is_named(tmp_path):
    file = tmp_path / "cut.jsonl.gz"
    file.write_bytes(gzip.compress(json.dumps({"label": "7", "strokes": SEVEN}).encode())[:-9])
    with pytest.raises(ValueError, match="cut"):
        stroke_files.read_digits(file)
