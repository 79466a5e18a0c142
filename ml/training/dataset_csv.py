"""Labeled digits as CSV: a label and 784 pixels per line, as Kaggle and pandas write them."""

import csv
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ml.files import read_file, read_lines
from ml.preprocessing.strokes import SIZE, Grid
from ml.training.stroke_files import LABEL_OF

PIXELS = SIZE * SIZE
COLUMNS = (
    f"expected {1 + PIXELS}: the label and {SIZE}x{SIZE} pixels."
    " Move files without labels to another folder"
)
DELIMITERS = ";\t,"
LABEL_NAMES = {"label", "labels", "class", "digit", "target", "y"}
FIRST, LAST = 0, -1

Row: TypeAlias = tuple[int, list[str]]
"""The number of a line and its cells."""


class _Sample(NamedTuple):
    """One line: its number, its first and last cell, and its numbers, float16[785].

    Both ends are kept, because the column of the labels may be known only after the last line.
    """

    line: int
    ends: tuple[str, str]
    values: NDArray[np.float16]

    def label(self, column: int) -> int:
        text = self.ends[column]
        if text not in LABEL_OF:
            raise ValueError(f"line {self.line} has the label {text!r}, expected 0 to 9 or ?")
        return LABEL_OF[text]

    def pixels(self, column: int) -> NDArray[np.float16]:
        pixels = self.values[1:] if column == FIRST else self.values[:-1]
        invalid = pixels[~((pixels >= 0) & (pixels <= 255))]
        if invalid.size:
            raise ValueError(
                f"line {self.line} has the pixel {invalid[0]:g}, expected 0 to 255 (or 0 to 1)"
            )
        return pixels


def read_csv(path: Path) -> Iterator[tuple[Grid, int, int]]:
    """Yield the image, the label and the line of each digit.

    The label is the first or the last column. Pixels are 0 to 255, or 0 to 1 in the whole file; 0
    is paper. Raises ValueError with the number of a malformed line.
    """
    rows = _read_rows(read_file(path))
    head = next(rows, None)
    if head is None:
        return
    column = _find_label_in_header(head)
    samples = [_parse(*row) for row in (rows if _is_header(head) else chain([head], rows))]
    if column is None:
        column = _find_label(samples)
    labels = [sample.label(column) for sample in samples]
    brightest = max((sample.pixels(column).max() for sample in samples), default=0)
    scale = 255 if brightest <= 1 else 1
    for sample, label in zip(samples, labels, strict=True):
        pixels = sample.pixels(column).astype(np.float32) * scale
        yield np.rint(pixels).astype(np.uint8).reshape(SIZE, SIZE), label, sample.line


def _read_rows(content: bytes) -> Iterator[Row]:
    """Yield the lines that are not blank."""
    lines: Iterable[str] = read_lines(content)
    first = next(filter(str.strip, read_lines(content)), "")
    delimiter = max(DELIMITERS, key=first.count)
    if delimiter != ",":
        # A decimal comma, as in many languages.
        lines = (line.replace(",", ".") for line in lines)
    rows = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    try:
        for cells in rows:
            if any(map(str.strip, cells)):
                yield rows.line_num, cells
    except csv.Error as error:
        raise ValueError(f"line {rows.line_num} is not CSV: {error}") from error


def _is_header(row: Row) -> bool:
    """Return whether a row has names instead of numbers; pandas also numbers the columns."""
    _, cells = row
    names = [cell.strip() for cell in cells if not _is_number(cell) and cell.strip() != "?"]
    is_numbered = cells == [str(number) for number in range(len(cells))]
    is_label = any(name.lower() in LABEL_NAMES for name in names)
    return is_label or is_numbered or len(names) > len(cells) / 2


def _find_label_in_header(row: Row) -> int | None:
    line, cells = row
    named = [number for number, cell in enumerate(cells) if cell.strip().lower() in LABEL_NAMES]
    if len(named) != 1:
        return None
    if named[0] not in (0, len(cells) - 1):
        raise ValueError(f"line {line} has the label in column {named[0] + 1}, move it to column 1")
    return FIRST if named[0] == 0 else LAST


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _parse(line: int, cells: list[str]) -> _Sample:
    if len(cells) != 1 + PIXELS:
        raise ValueError(f"line {line} has {len(cells)} columns, {COLUMNS}")
    ends = (_to_label(cells[FIRST]), _to_label(cells[LAST]))
    for column in (FIRST, LAST):
        cells[column] = "-1" if ends[column] == "?" else cells[column]
    try:
        # Half precision is exact for 0 to 255 and precise enough for 0 to 1.
        with np.errstate(over="ignore"):
            values = np.fromiter(map(float, cells), np.float64).astype(np.float16)
    except ValueError:
        column, cell = next(
            (number, cell) for number, cell in enumerate(cells, 1) if not _is_number(cell)
        )
        raise ValueError(
            f"line {line} has {cell!r} in column {column}, expected a number"
        ) from None
    return _Sample(line, ends, values)


def _to_label(cell: str) -> str:
    """Return a label such as 5.0 as 5."""
    is_integer = _is_number(cell) and float(cell).is_integer()
    return str(int(float(cell))) if is_integer else cell.strip()


def _find_label(samples: list[_Sample]) -> int:
    """Return the column of the labels; the corner pixels at the other end are almost always 0."""
    ends = [{sample.ends[column] for sample in samples} for column in (FIRST, LAST)]
    possible = [column for column in (FIRST, LAST) if ends[column] <= LABEL_OF.keys()]
    varied = [column for column in possible if ends[column] != {"0"}]
    if len(varied) > 1:
        raise ValueError(
            "both the first and the last column could be the label. Add a header with its name"
        )
    # A label that is invalid on one line must not turn pixels into labels.
    return varied[0] if varied else FIRST
