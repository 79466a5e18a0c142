"""Files of handwriting as pen strokes: UNIPEN text, or this project's JSON Lines."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any

from ml.files import read_file, read_lines
from ml.preprocessing.strokes import Strokes, is_blank

# Training label of a non-digit.
NON_DIGIT = -1
# Labels in text files.
LABEL_OF = {**{str(digit): digit for digit in range(10)}, "?": NON_DIGIT}
# Characters between the digits of a number.
MARKS = "-/.,:()%$#+*=?\n"
# Non-digits excluded from training: they measure the rejection of unknown characters.
HELD_OUT_CHARACTERS = set("AKW&")
# Coordinates beyond these would overflow during rasterization; the API has the same limit.
MAX_COORDINATE = 1e15
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)")
CONVERT = "Convert UNIPEN distributions with: python -m tools.convert_unipen"
# Errors of a line of JSON Lines.
MALFORMED = (AttributeError, LookupError, RecursionError, TypeError, ValueError)


@dataclass(frozen=True)
class StrokeSample:
    """Strokes (pixels, y downwards) with their label and writer.

    ``text`` is a digit, ``?`` for a non-digit, or a number with its marks. ``character`` names a
    non-digit, such as "A", if the file does.
    """

    strokes: Strokes
    text: str
    writer: str
    character: str = ""

    @property
    def label(self) -> int:
        """The digit, or NON_DIGIT. Raises KeyError for a number."""
        return LABEL_OF[self.text]


@dataclass(frozen=True)
class StrokeFile:
    """The samples of one file, its other rows by reason, and the SHA-256 of its content."""

    name: str
    sha256: str
    samples: list[StrokeSample]
    exclusions: Mapping[str, int]

    @property
    def skipped(self) -> int:
        return sum(self.exclusions.values())


def digits(samples: Iterable[StrokeSample]) -> list[StrokeSample]:
    return [sample for sample in samples if sample.text in LABEL_OF and sample.text != "?"]


def non_digits(samples: Iterable[StrokeSample]) -> list[StrokeSample]:
    return [sample for sample in samples if sample.text == "?"]


def numbers(samples: Iterable[StrokeSample]) -> list[StrokeSample]:
    return [sample for sample in samples if len(sample.text) > 1]


def by_writer(samples: Iterable[StrokeSample]) -> list[list[StrokeSample]]:
    """Return the samples of each writer, in the order of the writers' names."""
    writer = attrgetter("writer")
    return [list(own) for _, own in groupby(sorted(samples, key=writer), writer)]


def read(path: Path) -> StrokeFile:
    """Return the samples of a stroke file, gzipped or not.

    A line of JSON Lines is ``{"strokes": [[[x, y, t], ...], ...], "label": "7", "writer": "..."}``;
    ``drawing`` replaces a missing ``writer``, and ``{"x": x, "y": y}`` is a point too. The label is
    a digit, ``?`` for a non-digit (``what`` may name it), or a number with its marks; rows with
    other labels or without points are skipped. All other files are parsed as UNIPEN. Raises
    OSError for an unreadable file, and ValueError with the line for another format.
    """
    try:
        content = read_file(path)
        first = next(filter(None, map(str.strip, read_lines(content))), "")
        parse = parse_json_lines if first.startswith(("{", "[")) else parse_unipen
        rows = list(parse(read_lines(content)))
    except ValueError as error:
        raise ValueError(
            f"{path} is not a stroke file: {str(error).rstrip('.')}."
            " Supported: UNIPEN text, JSON Lines."
        ) from error
    reasons = [_reason_to_skip(row) for row in rows]
    samples = [row for row, reason in zip(rows, reasons, strict=True) if not reason]
    if not samples:
        raise ValueError(f"{path} has no labeled digits. Supported: UNIPEN text, JSON Lines.")
    sha256 = hashlib.sha256(content).hexdigest()
    return StrokeFile(path.name, sha256, samples, Counter(filter(None, reasons)))


def _reason_to_skip(row: StrokeSample) -> str:
    if is_blank(row.strokes):
        return "no points"
    is_number = any(map(str.isdigit, row.text)) and set(row.text) <= {*LABEL_OF, *MARKS}
    return "" if row.text in LABEL_OF or is_number else "another label"


def parse_json_lines(lines: Iterable[str]) -> Iterator[StrokeSample]:
    """Parse one JSON object per line. Raises ValueError with the number of a malformed line."""
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            sample = _parse_record(json.loads(line))
        except MALFORMED as error:
            # The position of a JSON error counts from the start of the line.
            reason = f"{type(error).__name__}: {getattr(error, 'msg', error)}"
            raise ValueError(
                f"line {number} is not an object with strokes of points [x, y] and a label"
                f" ({reason})"
            ) from error
        yield sample


def _parse_record(record: Any) -> StrokeSample:
    label = record["label"]
    if isinstance(label, float) and label.is_integer():
        label = int(label)
    strokes = [[_parse_point(point) for point in stroke] for stroke in record["strokes"]]
    writer = str(record.get("writer") or record.get("drawing", ""))
    return StrokeSample(strokes, str(label), writer, str(record.get("what", "")))


def _parse_point(point: Any) -> Sequence[float]:
    x, y = (point["x"], point["y"]) if isinstance(point, dict) else point[:2]
    for value in (x, y):
        if not (isinstance(value, int | float) and abs(value) <= MAX_COORDINATE):
            raise ValueError(f"the coordinate {value!r} is no number up to {MAX_COORDINATE:.0e}")
    return (x, y) if isinstance(point, dict) else point


def parse_unipen(lines: Iterable[str]) -> Iterator[StrokeSample]:
    """Parse UNIPEN text as in UCI's "Pen-Based Recognition of Handwritten Digits".

    ``.SEGMENT DIGIT 3-4 ? "5"`` starts a digit, ``.COMMENT 5 12 7`` gives its label, writer and
    number, and ``.PEN_DOWN`` starts a stroke of points with y upwards. Raises ValueError with the
    number of a malformed line.
    """
    segments: list[tuple[int, list[str]]] = []
    for number, line in enumerate(lines, start=1):
        word, *names = line.split()[:3] or [""]
        if word == ".COORD" and [name.upper() for name in names] != ["X", "Y"]:
            raise ValueError(f"line {number} orders the coordinates {' '.join(names)}. {CONVERT}")
        if word == ".SEGMENT":
            segments.append((number, []))
        if segments:
            segments[-1][1].append(line)
    for number, (head, *body) in segments:
        label = _parse_label(head, number)
        strokes, writer = _parse_strokes(body, number + 1)
        if not strokes:
            raise ValueError(f"the segment on line {number} has no strokes. {CONVERT}")
        yield StrokeSample(strokes, label, writer)


def _parse_label(head: str, number: int) -> str:
    """Return the label of ``.SEGMENT LEVEL DELINEATION QUALITY "LABEL"``."""
    place, *label = head.split('"')
    if len(label) < 2:
        raise ValueError(f'line {number} has no label in quotes, such as .SEGMENT DIGIT 0 ? "5"')
    if ":" in place:
        raise ValueError(f"line {number} is a segment of parts of components. {CONVERT}")
    return label[0]


def _parse_strokes(lines: Iterable[str], first: int) -> tuple[list[list[Sequence[float]]], str]:
    """Return the strokes of a segment and its writer; ``first`` is the number of the first line."""
    strokes: list[list[Sequence[float]]] = []
    writer, is_pen_down = "", False
    for number, line in enumerate(lines, first):
        word, *rest = line.split()[:3] or [""]
        if word == ".COMMENT" and len(rest) == 2:
            writer = rest[1]
        elif word == ".PEN_DOWN":
            is_pen_down = True
            strokes.append([])
        elif word == ".PEN_UP":
            is_pen_down = False
        elif is_pen_down and word and not word.startswith("."):
            if not (rest and NUMBER.fullmatch(word) and NUMBER.fullmatch(rest[0])):
                raise ValueError(f"line {number} is {line.strip()!r}, expected two numbers")
            strokes[-1].append(_parse_point([float(word), -float(rest[0])]))
    return strokes, writer
