"""Dataset folders of ``manage.py export_dataset``: labeled digits in four formats."""

import csv
import hashlib
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
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

# File names of MNIST.
IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
CSV = "digits.csv"
JSON_LINES = "digits.jsonl"
# One drawing UUID per digit and line; MNIST's format and CSV cannot store them.
DRAWINGS = "drawings.txt"
# PNG folder of non-digits beside the folders 0 to 9.
NOT_A_DIGIT = "not-a-digit"

# Of 256 drawings.
HELD_OUT = 51

T = TypeVar("T")
Record: TypeAlias = tuple[Grid, int, str]
"""An image, its label (a digit or NON_DIGIT), and the ID of its drawing."""


@dataclass(frozen=True)
class LabeledDigits:
    """Images uint8[N, 28, 28], labels int64[N] (a digit or NON_DIGIT), and N drawing IDs."""

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
        """Split by drawing into training digits and a held-out fifth.

        Duplicates of held-out images are removed from the training digits.
        """
        held_out = np.array([is_held_out(drawing) for drawing in self.drawings], dtype=bool)
        unseen = {image.tobytes() for image in self.images[held_out]}
        duplicate = np.array([image.tobytes() in unseen for image in self.images], dtype=bool)
        return self._select(~held_out & ~duplicate), self._select(held_out)

    def digits(self) -> "LabeledDigits":
        return self._select(self.labels != NON_DIGIT)

    def non_digits(self) -> "LabeledDigits":
        return self._select(self.labels == NON_DIGIT)

    def _select(self, mask: NDArray[np.bool]) -> "LabeledDigits":
        drawings = tuple(self.drawings[i] for i in np.flatnonzero(mask))
        return LabeledDigits(self.images[mask], self.labels[mask], drawings)


def is_held_out(drawing: str) -> bool:
    return hashlib.sha256(drawing.encode()).digest()[0] < HELD_OUT


def read(folder: Path) -> list[Record]:
    """Return the digits and non-digits of a dataset folder in any of its formats.

    The hash of the image replaces an unknown drawing ID. Raises ValueError for an empty folder or
    another format.
    """
    reader = next((read for name, read in READERS.items() if (folder / name).exists()), read_png)
    try:
        records = list(reader(folder))
    except (OSError, ValueError, IndexError, struct.error) as error:
        raise ValueError(
            f"{folder} is not a dataset folder: {error}. Write one with: manage.py export_dataset"
        ) from error
    if not records:
        raise ValueError(f"{folder} holds no digits. Write some with: manage.py export_dataset")
    return records


def read_idx(folder: Path) -> Iterator[Record]:
    """Read MNIST's format: big-endian integers, then bytes."""
    images, labels = folder / IMAGES, folder / LABELS
    magic, count, height, width = struct.unpack(">4i", images.read_bytes()[:16])
    if (magic, height, width) != (0x803, SIZE, SIZE):
        raise ValueError(f"{images.name} has {height}x{width} images, expected 28x28 bytes")
    grids = np.frombuffer(images.read_bytes(), np.uint8, offset=16).reshape(count, height, width)
    digits = np.frombuffer(labels.read_bytes(), np.uint8, offset=8)
    for (grid, label), drawing in _with_drawings(zip(grids, digits, strict=True), folder):
        yield grid, int(label), drawing or _hash(grid)


def read_csv(folder: Path) -> Iterator[Record]:
    with (folder / CSV).open(newline="") as file:
        rows = islice(csv.reader(file), 1, None)
        for (label, *levels), drawing in _with_drawings(rows, folder):
            if label in LABEL_OF:
                grid = np.array(levels, dtype=np.uint8).reshape(SIZE, SIZE)
                yield grid, LABEL_OF[label], drawing or _hash(grid)


def read_json_lines(folder: Path) -> Iterator[Record]:
    samples = stroke_files.read(folder / JSON_LINES).samples
    for sample in (*stroke_files.digits(samples), *stroke_files.non_digits(samples)):
        grid = rasterize(sample.strokes)
        yield grid, sample.label, sample.writer or _hash(grid)


def read_png(folder: Path) -> Iterator[Record]:
    for path in sorted([*folder.glob("[0-9]/*.png"), *folder.glob(f"{NOT_A_DIGIT}/*.png")]):
        with Image.open(path) as picture:
            grid = np.asarray(picture.convert("L"))
        if grid.shape != (SIZE, SIZE):
            raise ValueError(f"{path.name} has {grid.shape} pixels, expected 28x28")
        label = NON_DIGIT if path.parent.name == NOT_A_DIGIT else int(path.parent.name)
        # File names are "<drawing UUID>-<position>.png".
        yield grid, label, path.stem.rpartition("-")[0] or _hash(grid)


READERS: Mapping[str, Callable[[Path], Iterator[Record]]] = {
    IMAGES: read_idx,
    CSV: read_csv,
    JSON_LINES: read_json_lines,
}
"""Readers by the file that identifies a format; PNG has no such file."""


def _with_drawings(digits: Iterable[T], folder: Path) -> Iterator[tuple[T, str]]:
    """Pair digits with the UUIDs of their drawings, or "" without ``drawings.txt``."""
    path = folder / DRAWINGS
    if not path.exists():
        return zip(digits, repeat(""), strict=False)
    return zip(digits, path.read_text().split(), strict=True)


def _hash(grid: Grid) -> str:
    return hashlib.sha256(grid.tobytes()).hexdigest()
