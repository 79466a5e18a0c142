"""Files of handwriting as pen strokes: UNIPEN text, or this project's JSON Lines."""

import gzip
import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ml.preprocessing.strokes import Strokes, bounding_box, is_blank

# Training label of a non-digit.
NON_DIGIT = -1
# Labels in text files.
LABEL_OF = {**{str(digit): digit for digit in range(10)}, "?": NON_DIGIT}
# Characters between the digits of a number.
MARKS = "-/.,:()%$#+*=?\n"
# Non-digits excluded from training: they measure the rejection of unknown characters.
HELD_OUT_CHARACTERS = set("AKW&")
# Errors of the parsers and of decompression.
MALFORMED = (
    AttributeError, EOFError, LookupError, TypeError, ValueError, gzip.BadGzipFile, zlib.error,
)  # fmt: skip


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
    """The samples of one file, the number of its other rows, and the SHA-256 of its content."""

    name: str
    sha256: str
    samples: list[StrokeSample]
    skipped: int


def digits(samples: Iterable[StrokeSample]) -> list[StrokeSample]:
    return [sample for sample in samples if sample.text in LABEL_OF and sample.text != "?"]


def non_digits(samples: Iterable[StrokeSample]) -> list[StrokeSample]:
    return [sample for sample in samples if sample.text == "?"]


def numbers(samples: Iterable[StrokeSample]) -> list[StrokeSample]:
    return [sample for sample in samples if len(sample.text) > 1]


def read(path: Path) -> StrokeFile:
    """Return the samples of a stroke file, gzipped or not.

    A line of JSON Lines is ``{"strokes": [[[x, y, t], ...], ...], "label": "7", "writer": "..."}``;
    ``drawing`` replaces a missing ``writer``. The label is a digit, ``?`` for a non-digit (``what``
    may name it), or a number with its marks; rows with other labels or without points are skipped.
    All other files are parsed as UNIPEN. Raises OSError for an unreadable file and ValueError for
    another format.
    """
    try:
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
        lines = content.decode(errors="replace").splitlines()
        is_json = next(filter(None, map(str.strip, lines)), "").startswith("{")
        rows = list(parse_json_lines(lines) if is_json else parse_unipen(lines))
        samples = [row for row in rows if _has_points(row.strokes) and _is_label(row.text)]
    except MALFORMED as error:
        raise ValueError(
            f"{path} is not a stroke file: {error!r}. Supported: UNIPEN text, JSON Lines."
        ) from error
    if not samples:
        raise ValueError(f"{path} has no labeled digits. Supported: UNIPEN text, JSON Lines.")
    sha256 = hashlib.sha256(content).hexdigest()
    return StrokeFile(path.name, sha256, samples, len(rows) - len(samples))


def _has_points(strokes: Strokes) -> bool:
    """Return whether strokes have points. Raises LookupError or TypeError for malformed ones."""
    if is_blank(strokes):
        return False
    bounding_box(strokes)  # raises
    return True


def _is_label(text: str) -> bool:
    is_number = any(map(str.isdigit, text)) and set(text) <= {*LABEL_OF, *MARKS}
    return text in LABEL_OF or is_number


def parse_json_lines(lines: Iterable[str]) -> Iterator[StrokeSample]:
    for line in filter(str.strip, lines):
        record = json.loads(line)
        writer = str(record.get("writer") or record.get("drawing", ""))
        text = str(record["label"])
        yield StrokeSample(record["strokes"], text, writer, str(record.get("what", "")))


def parse_unipen(lines: Iterable[str]) -> Iterator[StrokeSample]:
    """Parse UNIPEN text as in UCI's "Pen-Based Recognition of Handwritten Digits".

    ``.SEGMENT DIGIT 3-4 ? "5"`` starts a digit, ``.COMMENT 5 12 7`` gives its label, writer and
    number, and ``.PEN_DOWN`` starts a stroke of points with y upwards.
    """
    label = writer = ""
    strokes: list[list[list[float]]] | None = None
    for line in lines:
        word, *rest = line.split()[:3] or [""]
        if word == ".SEGMENT":
            if strokes:
                yield StrokeSample(strokes, label, writer)
            label, writer, strokes = line.split('"')[1], "", []
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
