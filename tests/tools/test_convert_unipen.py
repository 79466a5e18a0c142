"""The converter of UNIPEN: delineations, labels, writers, reports."""

import gzip
import hashlib
import json
import sys

import pytest

from tools import convert_unipen

HEADER = ".VERSION 1.0\n.COORD X Y\n.WRITER_ID first\n.HIERARCHY CHARACTER\n"
# Components 0 and 2 are strokes: an L and its mirrored half-size copy.
INK = """.PEN_DOWN
10 30
10 10
20 10
.PEN_UP
25 20
.DT 100
.PEN_DOWN
40 20
40 10
35 10
.PEN_UP
"""
L_SHAPE = [[0, 0], [0, 300], [150, 300]]
MIRRORED = [[150, 0], [150, 300], [0, 300]]


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode("latin-1"))


@pytest.fixture
def unipen(tmp_path):
    folder = tmp_path / "train_r01_v07"
    write(folder / "include" / "apa" / "apa.doc", HEADER)
    write(folder / "include" / "apa" / "ink.dat", INK)
    return folder


def write_data(unipen, segments, name="1a/apa/first.dat"):
    includes = ".INCLUDE apa/apa.doc\n.INCLUDE apa/ink.dat\n"
    write(unipen / "data" / name, includes + segments)


def convert(unipen, monkeypatch):
    output = unipen.parent / "output"
    monkeypatch.setattr(sys, "argv", ["convert_unipen", str(unipen), str(output)])
    convert_unipen.main()
    return {
        path.name.removeprefix("unipen-").removesuffix(".jsonl.gz"): [
            json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()
        ]
        for path in output.iterdir()
    }


@pytest.fixture
def digits(unipen, monkeypatch):
    """Return a function that converts data files and returns the rows of digits."""

    def convert_digits(segments=""):
        if segments:
            write_data(unipen, segments)
        return convert(unipen, monkeypatch)["digits"]

    return convert_digits


def pseudonym(writer):
    """Return the writer of a row for the name in the data."""
    return f"apa-{hashlib.sha256(writer.encode()).hexdigest()[:8]}"


def test_digit_row_has_scaled_strokes_label_and_hashed_writer(digits):
    expected = {"strokes": [L_SHAPE], "label": "6", "writer": pseudonym("first")}
    assert digits('.SEGMENT CHARACTER 0 ? "6"\n') == [expected]


def test_coordinates_are_rounded_to_a_tenth(digits, unipen):
    write(unipen / "include" / "apa" / "ink.dat", ".PEN_DOWN\n0 70\n1 0\n")
    assert digits('.SEGMENT CHARACTER 0 ? "1"\n')[0]["strokes"] == [[[0, 0], [4.3, 300]]]


@pytest.mark.parametrize(
    ("delineation", "strokes"),
    [
        ("0", [L_SHAPE]),
        ("2", [MIRRORED]),
        ("0-1", [L_SHAPE]),
        ("1-2", [MIRRORED]),
        ("1-3", [MIRRORED]),
        ("0:0-0:1", [[[0, 0], [0, 300]]]),
        ("0:1-0:2", [[[0, 0], [300, 0]]]),
        ("0:1-0:99", [[[0, 0], [300, 0]]]),
        ("0:2,2:2", [[[0, 0]], [[300, 0]]]),
    ],
)
def test_delineation_selects_components_and_their_parts(digits, delineation, strokes):
    assert digits(f'.SEGMENT CHARACTER {delineation} OK "5"\n')[0]["strokes"] == strokes


@pytest.mark.parametrize(
    "delineation", ["0-2", "0,2", "0, 2", "0 2", "0 - 2", "0:0-2:2", "0-1,2-3"]
)
def test_delineation_of_two_strokes_joins_them(digits, delineation):
    (row,) = digits(f'.SEGMENT CHARACTER {delineation} GOOD "4"\n')
    assert row["strokes"] == [
        [[0, 0], [0, 200], [100, 200]],
        [[300, 100], [300, 200], [250, 200]],
    ]


@pytest.mark.parametrize(
    ("delineation", "reason"),
    [
        ("9", "missing component"),
        ("2-9", "missing component"),
        ("1", "no ink"),
        ("0:7-0:9", "no ink"),
        ("2-0", "no ink"),
        ("0:1", "a single position"),
        ("?", "unknown delineation"),
        ("0-1-2", "unknown delineation"),
    ],
)
def test_unusable_delineation_is_counted_by_reason(digits, delineation, reason, capsys):
    assert digits(f'.SEGMENT CHARACTER {delineation} ? "4"\n') == []
    assert f"skipped: 1, {reason}\n" in capsys.readouterr().out


def test_segment_without_quality_is_converted(digits):
    assert [row["label"] for row in digits('.SEGMENT CHARACTER 0 "4"\n')] == ["4"]


def test_repeated_segment_is_converted_once(digits):
    assert len(digits('.SEGMENT CHARACTER 0 ? "4"\n.SEGMENT DIGIT 0 OK "4"\n')) == 1


@pytest.mark.parametrize("columns", ["T X Y", "Y P X", "X Y T P", "x\ty"])
def test_coord_sets_the_order_of_columns(digits, unipen, columns):
    def line(x, y):
        values = {"X": x, "Y": y, "T": 1000, "P": 77}
        return " ".join(str(values[name]) for name in columns.upper().split())

    points = "\n".join(line(x, y) for x, y in [(10, 30), (10, 10), (20, 10)])
    write(unipen / "include" / "apa" / "ink.dat", f".COORD {columns}\n.PEN_DOWN\n{points}\n")
    assert digits('.SEGMENT CHARACTER 0 ? "6"\n')[0]["strokes"] == [L_SHAPE]


def test_keywords_and_text_between_points_keep_the_component(digits, unipen):
    ink = (
        ".COMMENT several lines\n12 of text\n.PEN_DOWN\n10 30\n.COMMENT caf\xe9 1 2\n\n"
        "  10 10.0\n.X_DIM 500\nnot a point\n+20\t10\n.PEN_UP\n"
    )
    write(unipen / "include" / "apa" / "ink.dat", ink)
    assert digits('.SEGMENT CHARACTER 0 ? "6"\n')[0]["strokes"] == [L_SHAPE]


def test_segments_before_their_ink_are_converted(digits, unipen):
    content = f'.INCLUDE apa/apa.doc\n.SEGMENT DIGIT 0 ? "8"\n{INK}.SEGMENT DIGIT 2 ? "9"\n{INK}'
    write(unipen / "data" / "1a" / "apa" / "inline.dat", content)
    rows = {row["label"]: row["strokes"] for row in digits()}
    assert rows == {"8": [L_SHAPE], "9": [MIRRORED]}


def test_windows_line_ends_and_backslashes_equal_their_unix_form(digits, unipen):
    expected = digits('.SEGMENT CHARACTER 0 ? "6"\n')
    for path in [*unipen.rglob("*.dat"), *unipen.rglob("*.doc")]:
        windows = path.read_text().replace("apa/", "apa\\").replace("\n", "\r\n")
        path.write_bytes(windows.encode())
    assert digits() == expected


@pytest.mark.parametrize(("name", "writer"), [("Jos\xe9", "José"), ("", "first")])
def test_writer_can_be_non_ascii_and_defaults_to_the_file_name(digits, unipen, name, writer):
    write(unipen / "include" / "apa" / "apa.doc", f".WRITER_ID {name}\n")
    assert digits('.SEGMENT CHARACTER 0 ? "6"\n')[0]["writer"] == pseudonym(writer)


def test_writer_is_the_writer_of_the_ink(digits, unipen):
    ink = f"{INK}.WRITER_ID second\n{INK}"
    write(unipen / "include" / "apa" / "ink.dat", ink)
    rows = digits('.SEGMENT CHARACTER 0 ? "6"\n.SEGMENT CHARACTER 4 ? "6"\n')
    assert [row["writer"] for row in rows] == [pseudonym("first"), pseudonym("second")]


@pytest.mark.parametrize("content", [".INCLUDE apa/missing.dat\n", ".INCLUDE apa/ink.dat\n"])
def test_missing_or_circular_include_skips_the_segments(digits, unipen, content, capsys):
    write(unipen / "include" / "apa" / "ink.dat", content + INK)
    assert digits('.SEGMENT CHARACTER 0 ? "6"\n.SEGMENT CHARACTER 2 ? "7"\n') == []
    assert "skipped: 2, missing included file\n" in capsys.readouterr().out


def test_digits_exclude_other_labels_and_contributors(digits, unipen, capsys):
    write_data(unipen, '.SEGMENT CHARACTER 0 ? "6"\n', "1a/kai/first.dat")
    assert digits('.SEGMENT CHARACTER 0 ? "66"\n.SEGMENT CHARACTER 0 ?\n') == []
    output = capsys.readouterr().out
    assert "skipped: 1, other contributor\n" in output
    assert "skipped: 2, other label\n" in output


def test_letters_signs_and_marks_are_labeled_as_non_digits(unipen, monkeypatch):
    labels = ["A", "k", "%", "\\\\", "\\", '\\"', '"', "-", "O", "l", "7", "\xe9", "\\n"]
    segments = "".join(f'.SEGMENT CHARACTER 0 ? "{label}"\n' for label in labels)
    write_data(unipen, segments, "1d/kai/first.dat")
    files = convert(unipen, monkeypatch)
    assert [row["what"] for row in files["not-digits"]] == ["A", "k", "%"]
    assert [row["what"] for row in files["marks"]] == ["\\", '"', "-"]
    assert {row["label"] for row in files["not-digits"] + files["marks"]} == {"?"}


def test_numbers_keep_their_marks(unipen, monkeypatch):
    labels = ["46", "5", "(408)974-8980", "12/25/96", "2%", "12th", "--", "24+48=72", "1 2", "$2.5"]
    segments = "".join(f'.SEGMENT WORD 0-2 ? "{label}"\n' for label in labels)
    write_data(unipen, segments, "7/hpp/first.dat")
    rows = convert(unipen, monkeypatch)["numbers"]
    expected = ["46", "(408)974-8980", "12/25/96", "2%", "24+48=72", "$2.5"]
    assert [row["label"] for row in rows] == expected
    assert all(set(row) == {"strokes", "label", "writer"} for row in rows)


def test_rows_of_a_character_are_limited_in_order(unipen, monkeypatch, capsys):
    monkeypatch.setitem(convert_unipen.ROWS_PER_CHARACTER, "not-digits", 3)
    for number in range(8):
        ink = f".WRITER_ID {number}\n{INK}" + '.SEGMENT CHARACTER 0 ? "A"\n'
        write(unipen / "data" / "1b" / "apa" / f"{number}.dat", ink)
    write(unipen / "data" / "1c" / "apa" / "k.dat", INK + '.SEGMENT CHARACTER 0 ? "k"\n')
    rows = convert(unipen, monkeypatch)["not-digits"]
    assert [row["what"] for row in rows] == ["A", "A", "A", "k"]
    names = [pseudonym(str(number)) for number in range(8)]
    positions = [names.index(row["writer"]) for row in rows[:3]]
    assert positions == sorted(set(positions))
    assert "skipped: 5, over the limit of its character\n" in capsys.readouterr().out


def test_second_run_writes_the_same_bytes(digits, unipen):
    digits('.SEGMENT CHARACTER 0 ? "6"\n')
    output = unipen.parent / "output"
    first = {path: path.read_bytes() for path in output.iterdir()}
    digits()
    assert {path: path.read_bytes() for path in output.iterdir()} == first
    assert len(first) == 4
    assert all(content[4:8] == bytes(4) for content in first.values())  # gzip's time


def test_report_states_rows_writers_checksum_and_source(digits, unipen, capsys):
    digits('.SEGMENT CHARACTER 0 ? "6"\n.SEGMENT CHARACTER 2 ? "7"\n')
    path = unipen.parent / "output" / "unipen-digits.jsonl.gz"
    output = capsys.readouterr().out
    assert f"{path}: 2 rows, 1 writers\n" in output
    assert hashlib.sha256(gzip.decompress(path.read_bytes())).hexdigest() in output
    assert "10.5281/zenodo.1195803, CC BY 4.0" in output


@pytest.mark.parametrize("missing", ["train_r01_v07", "data", "include"])
def test_wrong_folder_exits_with_its_path_and_the_remedy(unipen, monkeypatch, missing):
    if missing != "data":
        write_data(unipen, '.SEGMENT CHARACTER 0 ? "6"\n')
    if missing == "include":
        (unipen / "include").rename(unipen / "other")
    folder = unipen.parent if missing == "train_r01_v07" else unipen
    with pytest.raises(SystemExit) as exit_info:
        convert(folder, monkeypatch)
    assert str(exit_info.value).startswith(f"{folder} is not a UNIPEN distribution: name its")


def test_file_as_output_folder_exits_with_its_path(digits, unipen):
    output = unipen.parent / "output"
    output.write_text("")
    with pytest.raises(SystemExit, match=f"Cannot create {output}"):
        digits('.SEGMENT CHARACTER 0 ? "6"\n')
