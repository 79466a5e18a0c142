"""Stroke files and the split of their writers."""

import gzip
import json
from uuid import UUID

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


def test_read_digits_unipen_flips_y(tmp_path):
    file = tmp_path / "digits.unp"
    file.write_text(UNIPEN)
    four, one = stroke_files.read_digits(file)
    assert (four.label, four.writer) == (4, "12")
    assert four.strokes == [[[10, -30], [20, -5]], [[25, -40]]]
    assert (one.label, one.writer, one.strokes) == (1, "7", [[[1, -2], [-3, -4]]])


def test_read_digits_reads_gzip(tmp_path):
    file = tmp_path / "digits.gz"
    file.write_bytes(gzip.compress(UNIPEN.encode()))
    assert len(stroke_files.read_digits(file)) == 2


def test_read_digits_json_lines_skips_non_digits(tmp_path):
    file = tmp_path / "digits.jsonl"
    records = [{"strokes": [[[1, 2, 0]]], "label": label, "writer": "ana"} for label in ("7", "?")]
    file.write_text("\n".join(map(json.dumps, records)))
    (seven,) = stroke_files.read_digits(file)
    assert (seven.label, seven.writer, seven.strokes) == (7, "ana", [[[1, 2, 0]]])


@pytest.mark.parametrize("content", ["", "hello", '{"label": "7"}', '{"strokes"', '.SEGMENT "x"'])
def test_read_digits_other_content_raises_value_error_with_the_path(tmp_path, content):
    file = tmp_path / "letter.txt"
    file.write_text(content)
    with pytest.raises(ValueError, match=r"letter\.txt"):
        stroke_files.read_digits(file)


def test_split_writers_holds_out_each_writer_in_one_fold():
    digits = [stroke_files.StrokeSample([], 0, str(n % 12)) for n in range(120)]
    all_held_out = []
    for fold in range(data.FOLDS):
        training, held_out = data.split_writers(digits, fold)
        writers = {sample.writer for sample in held_out}
        assert len(training) == 120 - 10 * len(writers)
        assert not {sample.writer for sample in training} & writers
        all_held_out += writers
    assert sorted(all_held_out) == sorted({sample.writer for sample in digits})


def test_split_writers_single_writer_is_in_training():
    training, held_out = data.split_writers([stroke_files.StrokeSample([], 0, "me")])
    assert (len(training), held_out) == (1, [])


def test_split_writers_splits_drawings_the_same_way_in_every_fold():
    names = [str(UUID(int=number)) for number in range(50)]
    digits = [stroke_files.StrokeSample([], 0, name) for name in names]
    for fold in range(data.FOLDS):
        _, held_out = data.split_writers(digits, fold)
        assert {sample.writer for sample in held_out} == set(filter(is_held_out, names))


def test_read_samples_skips_unknown_labels_and_empty_strokes(tmp_path):
    file = tmp_path / "digits.jsonl"
    lines = [{"label": label, "strokes": SEVEN} for label in ("7", "42", "²", "?")]
    lines.append({"label": "1", "strokes": []})
    file.write_text("\n".join(map(json.dumps, lines)))
    assert [sample.label for sample in stroke_files.read_samples(file)] == [
        7,
        stroke_files.NON_DIGIT,
    ]


def test_read_digits_truncated_gzip_raises_value_error(tmp_path):
    file = tmp_path / "cut.jsonl.gz"
    file.write_bytes(gzip.compress(json.dumps({"label": "7", "strokes": SEVEN}).encode())[:-9])
    with pytest.raises(ValueError, match="cut"):
        stroke_files.read_digits(file)
