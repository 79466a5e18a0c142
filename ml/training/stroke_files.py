"""Files of handwritten digits as pen strokes: UNIPEN text, or this project's JSON Lines."""

import gzip
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ml.preprocessing.strokes import Strokes

# Training label of a non-digit.
NON_DIGIT = -1
# Labels in text files.
LABEL_OF = {**{str(digit): digit for digit in range(10)}, "?": NON_DIGIT}


@dataclass(frozen=True)
class StrokeSample:
    """Strokes (pixels, y downwards) with their label and writer."""

    strokes: Strokes
    label: int
    writer: str


def read_digits(path: Path) -> list[StrokeSample]:
    """Return the digits of a stroke file without its non-digits.

    Raises OSError for an unreadable file and ValueError for a file without digits.
    """
    digits = [sample for sample in read_samples(path) if sample.label != NON_DIGIT]
    if not digits:
        raise ValueError(f"{path} has no labeled digits. Supported: UNIPEN text, JSON Lines.")
    return digits


def read_samples(path: Path) -> list[StrokeSample]:
    """Return the digits and non-digits of a stroke file, gzipped or not.

    A line of JSON Lines is ``{"strokes": [[[x, y, t], ...], ...], "label": "7", "writer": "..."}``;
    ``drawing`` replaces a missing ``writer``, and the label of a non-digit is ``?``. All other
    files are parsed as UNIPEN. Raises OSError for an unreadable file and ValueError for another
    format.
    """
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="ascii", errors="replace") as file:
            lines = [line.strip() for line in file]
        is_json = next(filter(None, lines), "").startswith("{")
        return list(parse_json_lines(lines) if is_json else parse_unipen(lines))
    except (EOFError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} is not a stroke file: {error!r}. Supported: UNIPEN text, JSON Lines."
        ) from error


def parse_json_lines(lines: Iterable[str]) -> Iterator[StrokeSample]:
    for line in filter(None, lines):
        record = json.loads(line)
        label = str(record["label"])
        if label in LABEL_OF and any(record["strokes"]):
            writer = str(record.get("writer") or record.get("drawing", ""))
            yield StrokeSample(record["strokes"], LABEL_OF[label], writer)


def parse_unipen(lines: Iterable[str]) -> Iterator[StrokeSample]:
    """Parse UNIPEN text as in UCI's "Pen-Based Recognition of Handwritten Digits".

    ``.SEGMENT DIGIT 3-4 ? "5"`` starts a digit, ``.COMMENT 5 12 7`` gives its label, writer and
    number, and ``.PEN_DOWN`` starts a stroke of points with y upwards.
    """
    label, writer = 0, ""
    strokes: list[list[list[float]]] | None = None
    for line in lines:
        word, *rest = line.split()[:3] or [""]
        if word == ".SEGMENT":
            if strokes:
                yield StrokeSample(strokes, label, writer)
            label, writer, strokes = int(line.split('"')[1]), "", []
        elif strokes is None:
            continue
        elif word == ".COMMENT" and len(rest) == 2:
            writer = rest[1]
        elif word == ".PEN_DOWN":
            strokes.append([])
        elif strokes and rest and word.lstrip("-").isdigit():
            strokes[-1].append([float(word), -float(rest[0])])
    if strokes:
        yield StrokeSample(strokes, label, writer)
