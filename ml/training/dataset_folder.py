"""Folders of labeled digits, as ``manage.py export_dataset`` writes them, in four formats."""

import csv
import hashlib
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, repeat
from pathlib import Path
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.preprocessing.strokes import SIZE, Grid, rasterize
from ml.training import stroke_files
from ml.training.stroke_files import LABEL_OF, NON_DIGIT

# MNIST's own names.
IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
CSV = "digits.csv"
JSON_LINES = "digits.jsonl"
# Beside MNIST's files and CSV, which have no room for it: the drawing of each digit, a UUID a line.
DRAWINGS = "drawings.txt"
# The folder of pictures of what is no digit, beside those called 0 to 9.
NOT_A_DIGIT = "not-a-digit"

# Of 256 drawings.
HELD_OUT = 51

T = TypeVar("T")
Record: TypeAlias = tuple[Grid, int, str]
"""An image, the digit it is or NO_DIGIT, and what names its drawing."""


@dataclass(frozen=True)
class LabeledDigits:
    """Images uint8[N, 28, 28], their labels int64[N], and for each what names its drawing.

    The label of what is no digit is NO_DIGIT.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    drawings: tuple[str, ...]

    @classmethod
    def of(cls, records: Iterable[Record]) -> "LabeledDigits":
        images, labels, drawings = bytearray(), [], []
        for image, label, drawing in records:
            images += image.tobytes()
            labels.append(label)
            drawings.append(drawing)
        grids = np.frombuffer(images, np.uint8).reshape(-1, SIZE, SIZE)
        return cls(grids, np.array(labels, np.int64), tuple(drawings))

    def __len__(self) -> int:
        return len(self.labels)

    def split(self) -> tuple["LabeledDigits", "LabeledDigits"]:
        """What may be trained on, and a fifth that may not: each drawing is always on one side.

        Nor is an image trained on that looks just like one that is held out.
        """
        held_out = np.array([is_held_out(drawing) for drawing in self.drawings], dtype=bool)
        unseen = {image.tobytes() for image in self.images[held_out]}
        alike = np.array([image.tobytes() in unseen for image in self.images], dtype=bool)
        return self._part(~held_out & ~alike), self._part(held_out)

    def digits(self) -> "LabeledDigits":
        return self._part(self.labels != NON_DIGIT)

    def non_digits(self) -> "LabeledDigits":
        return self._part(self.labels == NON_DIGIT)

    def _part(self, chosen: NDArray[np.bool]) -> "LabeledDigits":
        names = tuple(
            name for name, is_chosen in zip(self.drawings, chosen, strict=True) if is_chosen
        )
        return LabeledDigits(self.images[chosen], self.labels[chosen], names)


def is_held_out(drawing: str) -> bool:
    return hashlib.sha256(drawing.encode()).digest()[0] < HELD_OUT


def read(folder: Path) -> list[Record]:
    """The digits of a folder, in whichever format they are, and what is labeled no digit.

    Where nothing names the drawing, the image does. Raises ValueError, naming the folder,
    when it holds neither.
    """
    try:
        digits = list(_records(folder))
    except (OSError, ValueError, IndexError, struct.error) as error:
        raise ValueError(f"{folder} is not a folder of exported digits: {error}") from error
    if not digits:
        raise ValueError(f"{folder} holds no digits")
    return digits


def _records(folder: Path) -> Iterator[Record]:
    if (folder / IMAGES).exists():
        return _idx(folder)
    if (folder / CSV).exists():
        return _csv(folder)
    if (folder / JSON_LINES).exists():
        return _json_lines(folder / JSON_LINES)
    return _png(folder)


def _idx(folder: Path) -> Iterator[Record]:
    """MNIST's format: big-endian numbers, then bytes."""
    images, labels = folder / IMAGES, folder / LABELS
    magic, count, height, width = struct.unpack(">4i", images.read_bytes()[:16])
    if (magic, height, width) != (0x803, SIZE, SIZE):
        raise ValueError(f"{images.name} holds no images of 28x28 bytes")
    grids = np.frombuffer(images.read_bytes(), np.uint8, offset=16).reshape(count, height, width)
    digits = np.frombuffer(labels.read_bytes(), np.uint8, offset=8)
    for (grid, label), drawing in _with_drawings(zip(grids, digits, strict=True), folder):
        yield grid, int(label), drawing or _name(grid)


def _csv(folder: Path) -> Iterator[Record]:
    with (folder / CSV).open(newline="") as file:
        rows = islice(csv.reader(file), 1, None)
        for (label, *levels), drawing in _with_drawings(rows, folder):
            if label in LABEL_OF:
                grid = np.array(levels, dtype=np.uint8).reshape(SIZE, SIZE)
                yield grid, LABEL_OF[label], drawing or _name(grid)


def _with_drawings(digits: Iterable[T], folder: Path) -> Iterator[tuple[T, str]]:
    """Digits with the UUID of the drawing of each, or "" where the folder does not have them."""
    path = folder / DRAWINGS
    if not path.exists():
        return zip(digits, repeat(""), strict=False)
    return zip(digits, path.read_text().split(), strict=True)


def _json_lines(path: Path) -> Iterator[Record]:
    for digit in stroke_files.read_samples(path):
        grid = rasterize(digit.strokes)
        yield grid, digit.label, digit.writer or _name(grid)


def _png(folder: Path) -> Iterator[Record]:
    for path in sorted([*folder.glob("[0-9]/*.png"), *folder.glob(f"{NOT_A_DIGIT}/*.png")]):
        with Image.open(path) as picture:
            grid = np.asarray(picture.convert("L"))
        if grid.shape != (SIZE, SIZE):
            raise ValueError(f"{path.name} is not 28x28 pixels")
        # The name of the file: the drawing's UUID and which digit of it this is.
        label = NON_DIGIT if path.parent.name == NOT_A_DIGIT else int(path.parent.name)
        yield grid, label, path.stem.rpartition("-")[0] or _name(grid)


def _name(grid: Grid) -> str:
    return hashlib.sha256(grid.tobytes()).hexdigest()
