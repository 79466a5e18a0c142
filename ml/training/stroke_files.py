"""Files of handwritten digits as pen strokes: UNIPEN text, or this project's JSON Lines."""

import gzip
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ml.preprocessing.strokes import Strokes

# The label of what is no digit.
NON_DIGIT = -1
# Labels as text has them.
LABEL_OF = {**{str(digit): digit for digit in range(10)}, "?": NON_DIGIT}


@dataclass(frozen=True)
class StrokeSample:
    """Strokes (x and y in pixels, y downwards) with the digit they mean and who wrote them."""

    strokes: Strokes
    label: int
    writer: str


def read_digits(path: Path) -> list[StrokeSample]:
    """The digits of a stroke file, gzipped or not.

    Raises ValueError, naming the file, when it holds none.
    """
    digits = [digit for digit in read_samples(path) if digit.label != NON_DIGIT]
    if not digits:
        raise ValueError(f"{path} holds no digits")
    return digits


def read_samples(path: Path) -> list[StrokeSample]:
    """The same, and what is labeled ``?``, no digit, with the label NO_DIGIT.

    JSON Lines hold ``{"strokes": [[[x, y, t], ...], ...], "label": "7", "writer": "..."}`` a line;
    where nobody knows the writer, the name of the ``drawing`` stands for it. Anything else is read
    as UNIPEN. Raises ValueError, naming the file, when it is neither.
    """
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="ascii", errors="replace") as file:
            lines = [line.strip() for line in file]
        parse = _json_lines if next(filter(None, lines), "").startswith("{") else _unipen
        return list(parse(lines))
    except (EOFError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is not a file of pen strokes: {error}") from error


def _json_lines(lines: Iterable[str]) -> Iterator[StrokeSample]:
    for line in filter(None, lines):
        record = json.loads(line)
        label = str(record["label"])
        if label in LABEL_OF and any(record["strokes"]):
            yield StrokeSample(
                record["strokes"],
                LABEL_OF[label],
                str(record.get("writer") or record.get("drawing", "")),
            )


def _unipen(lines: Iterable[str]) -> Iterator[StrokeSample]:
    """Read UNIPEN's text form, as UCI's "Pen-Based Recognition of Handwritten Digits" uses it.

    ``.SEGMENT DIGIT 3-4 ? "5"`` opens a digit, ``.COMMENT 5 12 7`` names its label, writer and
    number, and every ``.PEN_DOWN`` opens a stroke of points whose y grows upwards.
    """
    label, writer = -1, ""
    strokes: list[list[list[float]]] = []
    for line in lines:
        word, *rest = line.split()[:3] or [""]
        if word == ".SEGMENT":
            if strokes:
                yield StrokeSample(strokes, label, writer)
            label, writer, strokes = int(line.split('"')[1]), "", []
        elif word == ".COMMENT" and label >= 0 and len(rest) == 2:
            writer = rest[1]
        elif word == ".PEN_DOWN":
            strokes.append([])
        elif strokes and rest and word.lstrip("-").isdigit():
            strokes[-1].append([float(word), -float(rest[0])])
    if strokes:
        yield StrokeSample(strokes, label, writer)
