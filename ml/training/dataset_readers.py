"""Labeled digits in MNIST's format, as CSV, as strokes and as pictures."""

import math
import re
import struct
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ml.files import read_file
from ml.preprocessing.ink import extract_ink
from ml.preprocessing.ink_grids import rasterize_ink
from ml.preprocessing.paper import MIN_CONTRAST, border
from ml.preprocessing.picture_files import open_picture
from ml.preprocessing.pictures import to_gray
from ml.preprocessing.strokes import SIZE, Grid, rasterize
from ml.training import dataset_csv, stroke_files
from ml.training.held_out import DRAWING_ID
from ml.training.stroke_files import NON_DIGIT

# Picture folder of non-digits beside the folders 0 to 9.
NOT_A_DIGIT = "not-a-digit"
WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
LABEL_OF_FOLDER = {
    **{str(digit): digit for digit in range(10)},
    **{word: digit for digit, word in enumerate(WORDS)},
    NOT_A_DIGIT: NON_DIGIT,
}
PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp")
# Such as train-images-idx3-ubyte, t10k-images.idx3-ubyte and emnist-digits-train-images-idx3-ubyte.
IDX_IMAGES = re.compile(r"(.*images)[-.]idx3-ubyte(\.gz)?")
IDX_LABELS = re.compile(r"(.*labels)[-.]idx1-ubyte(\.gz)?")
UNSIGNED_BYTES = 0x0800


class Sample(NamedTuple):
    """An image, its label (a digit or NON_DIGIT), the ID of its drawing or "", and its place."""

    image: Grid
    label: int
    drawing: str
    place: str


class Exclusion(NamedTuple):
    """The reason for leaving out a sample or file, and its place if known."""

    reason: str
    place: str = ""


Entries: TypeAlias = Iterator[Sample | Exclusion]


@contextmanager
def _errors_of(place: str) -> Iterator[None]:
    """Add the place to errors."""
    try:
        yield
    except (OSError, ValueError) as error:
        raise ValueError(f"{place}: {error}") from error


def read_idx(folder: Path) -> Entries:
    """Read pairs of MNIST's files, such as train and t10k; unpacked files replace packed ones."""
    labels = _match(folder, IDX_LABELS)
    for name, path in _match(folder, IDX_IMAGES).items():
        if (label_path := labels.get(name.replace("images", "labels"))) is None:
            raise ValueError(f"{path.name} has no file with its labels beside it")
        grids, digits = _read_array(path, 3), _read_array(label_path, 1)
        if len(grids) != len(digits):
            raise ValueError(
                f"{path.name} has {len(grids)} images, but {label_path.name} {len(digits)} labels"
            )
        if invalid := np.flatnonzero(digits > 9).tolist():
            raise ValueError(
                f"{label_path.name} has the label {digits[invalid[0]]} for image {invalid[0] + 1},"
                " expected 0 to 9"
            )
        for number, (grid, digit) in enumerate(zip(grids, digits, strict=True), start=1):
            yield Sample(grid, int(digit), "", f"{path.name}, image {number}")


def _match(folder: Path, pattern: re.Pattern[str]) -> dict[str, Path]:
    """Return the files of a folder by the first group of a pattern."""
    files = sorted((path for path in folder.iterdir() if path.is_file()), reverse=True)
    return {match[1]: path for path in files if (match := pattern.fullmatch(path.name))}


def _read_array(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """Return an IDX file: a magic number, big-endian lengths, then bytes."""
    header = struct.Struct(f">{1 + dimensions}i")
    with _errors_of(path.name):
        content = read_file(path)
        if len(content) < header.size:
            raise ValueError(
                f"{len(content)} bytes are less than the header of {header.size} bytes"
            )
        magic, count, *shape = header.unpack_from(content)
        if magic != UNSIGNED_BYTES + dimensions:
            raise ValueError(
                f"the magic number is 0x{magic & 0xFFFFFFFF:08X},"
                f" expected 0x{UNSIGNED_BYTES + dimensions:08X}"
            )
        if shape not in ([], [SIZE, SIZE]):
            raise ValueError(f"the images are {shape[0]}x{shape[1]}, expected {SIZE}x{SIZE}")
        expected = header.size + count * math.prod(shape)
        if count < 0 or len(content) != expected:
            raise ValueError(
                f"a count of {count} needs {expected} bytes, but there are {len(content)}."
                " Copy the file again"
            )
    return np.frombuffer(content, np.uint8, offset=header.size).reshape(count, *shape)


def read_csv(folder: Path) -> Entries:
    for path in _with_suffix(folder, "csv", "tsv"):
        with _errors_of(path.name):
            for grid, label, line in dataset_csv.read_csv(path):
                yield Sample(grid, label, "", f"{path.name}, line {line}")


def read_strokes(folder: Path) -> Entries:
    for path in _with_suffix(folder, "jsonl"):
        file = stroke_files.read(path)
        for sample in file.samples:
            if len(sample.text) > 1:
                yield Exclusion("number; --strokes measures numbers", path.name)
            else:
                yield Sample(rasterize(sample.strokes), sample.label, sample.writer, path.name)
        for reason in Counter(file.exclusions).elements():
            yield Exclusion(reason, path.name)


def _with_suffix(folder: Path, *names: str) -> list[Path]:
    suffixes = tuple(f".{name}{packed}" for name in names for packed in ("", ".gz"))
    visible = (path for path in folder.iterdir() if path.is_file() and path.name[0] != ".")
    return sorted(path for path in visible if path.name.lower().endswith(suffixes))


def read_pictures(folder: Path) -> Entries:
    """Read pictures of any size in folders named 0 to 9, zero to nine or not-a-digit."""
    for path in sorted(path for path in folder.rglob("*") if not path.is_dir()):
        place = str(path.relative_to(folder))
        label = LABEL_OF_FOLDER.get(str(path.parent.relative_to(folder)).lower())
        if path.name.startswith("."):
            yield Exclusion("hidden file", place)
        elif label is None:
            yield Exclusion("not in a folder named 0 to 9, zero to nine or not-a-digit", place)
        elif path.suffix.lower() not in PICTURES:
            yield Exclusion(f"not a picture ({', '.join(PICTURES)})", place)
        else:
            # Exported names are "<drawing ID>-<position>.png".
            drawing, _, position = path.stem.rpartition("-")
            is_exported = DRAWING_ID.fullmatch(drawing) and position.isdigit()
            yield Sample(_read_picture(path, place), label, drawing if is_exported else "", place)


def _read_picture(path: Path, place: str) -> Grid:
    with _errors_of(place):
        picture = open_picture(read_file(path))
    if picture.size == (SIZE, SIZE):
        grid = np.asarray(to_gray(picture, 1))
        # On black paper ink can only be lighter: MNIST's form, as export_dataset writes it.
        if np.median(border(grid)) < MIN_CONTRAST:
            return grid
    ink = extract_ink(picture)
    return rasterize_ink(ink.levels) if ink else np.zeros((SIZE, SIZE), np.uint8)


READERS: Mapping[str, Callable[[Path], Entries]] = {
    "MNIST's format": read_idx,
    "CSV": read_csv,
    "JSON Lines": read_strokes,
    "pictures": read_pictures,
}


def formats(folder: Path) -> list[str]:
    """Return the formats of a folder's files."""
    has_pictures = any(
        path.is_dir() and path.name.lower() in LABEL_OF_FOLDER for path in folder.iterdir()
    )
    found = (
        _match(folder, IDX_IMAGES),
        _with_suffix(folder, "csv", "tsv"),
        _with_suffix(folder, "jsonl"),
        has_pictures,
    )
    return [name for name, files in zip(READERS, found, strict=True) if files]
