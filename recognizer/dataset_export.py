"""Labeled digits as files that other programs read, and ``manage.py train --data`` too.

Each format takes digits one after the other and keeps none, so that any number of them may go out.
"""

import csv
import json
import struct
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO
from zipfile import ZIP_DEFLATED, ZipFile

from django.db.models import QuerySet
from PIL import Image

from ml.preprocessing.strokes import SIZE, Strokes, grid_from_bytes, rasterize
from ml.training.dataset_folder import (
    CSV,
    DRAWINGS,
    IMAGES,
    JSON_LINES,
    LABELS,
    NOT_A_DIGIT,
    Record,
)
from ml.training.stroke_files import NON_DIGIT
from recognizer.models import Digit, Label

CHUNK = 500
# What a spreadsheet would take for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def labeled() -> QuerySet[Digit]:
    """All digits that a reviewer has labeled, in the order they were drawn in."""
    return Digit.objects.exclude(label="").order_by("pk")


def records(digits: QuerySet[Digit]) -> Iterator[Record]:
    """The same, for training."""
    for digit in digits.only("image", "label", "drawing_id").iterator(CHUNK):
        label = NON_DIGIT if digit.label == Label.NOT_A_DIGIT else int(digit.label)
        yield grid_from_bytes(digit.image), label, str(digit.drawing_id)


def write(
    digits: QuerySet[Digit], format: str, folder: Path, track: Callable[..., Iterable[Digit]]
) -> int:
    """Write digits into a folder, in one of FORMATS; return how many fit it.

    ``track`` is called with the digits and gives the same. Digits without a label are left out;
    so is what is no digit from IDX, and what was drawn without strokes from JSON Lines.
    """
    folder.mkdir(parents=True, exist_ok=True)
    chosen = digits.exclude(label="")
    if format == "jsonl":
        chosen = chosen.defer(None).select_related("drawing")
    else:
        # Without the strokes, though the list in the admin shows something of the drawing.
        chosen = chosen.select_related(None).only("image", "label", "position", "drawing_id")
    return FORMATS[format](track(chosen.iterator(CHUNK)), folder)


def archive(digits: QuerySet[Digit], format: str) -> IO[bytes]:
    """Such a folder as a ZIP file, at its beginning; closing it deletes it."""
    file = TemporaryFile()  # noqa: SIM115  whoever sends it closes it
    with TemporaryDirectory() as name, ZipFile(file, "w", ZIP_DEFLATED) as zipped:
        folder = Path(name)
        write(digits, format, folder, lambda same: same)
        for path in sorted(folder.rglob("*")):
            zipped.write(path, path.relative_to(folder))
    file.seek(0)
    return file


def write_idx(digits: Iterable[Digit], folder: Path) -> int:
    """MNIST's two files (http://yann.lecun.com/exdb/mnist/), and the drawings."""
    count = 0
    with (
        (folder / IMAGES).open("wb") as images,
        (folder / LABELS).open("wb") as labels,
        (folder / DRAWINGS).open("w") as drawings,
    ):
        images.write(bytes(16))
        labels.write(bytes(8))
        for digit in digits:
            if digit.label != Label.NOT_A_DIGIT:
                images.write(bytes(digit.image))
                labels.write(bytes([int(digit.label)]))
                drawings.write(f"{digit.drawing_id}\n")
                count += 1
        # How many there are is known only now.
        images.seek(0)
        images.write(struct.pack(">4i", 0x803, count, SIZE, SIZE))
        labels.seek(0)
        labels.write(struct.pack(">2i", 0x801, count))
    return count


def write_csv(digits: Iterable[Digit], folder: Path) -> int:
    """The label and 784 levels a line, row by row of the image; and the drawings."""
    count = 0
    with (folder / CSV).open("w", newline="") as file, (folder / DRAWINGS).open("w") as drawings:
        lines = csv.writer(file)
        lines.writerow(["label", *(f"pixel{i}" for i in range(SIZE * SIZE))])
        for digit in digits:
            lines.writerow([as_text(digit.label), *bytes(digit.image)])
            drawings.write(f"{digit.drawing_id}\n")
            count += 1
    return count


def write_png(digits: Iterable[Digit], folder: Path) -> int:
    """A folder a label, a picture a digit: light ink on black, as MNIST has it."""
    count = 0
    for digit in digits:
        name = NOT_A_DIGIT if digit.label == Label.NOT_A_DIGIT else digit.label
        (folder / name).mkdir(exist_ok=True)
        picture = Image.fromarray(grid_from_bytes(digit.image))
        picture.save(folder / name / f"{digit.drawing_id}-{digit.position}.png")
        count += 1
    return count


def write_jsonl(digits: Iterable[Digit], folder: Path) -> int:
    """The strokes of a digit a line, as ``ml.strokes`` reads them."""
    count = 0
    with (folder / JSON_LINES).open("w") as file:
        for digit in digits:
            if strokes := strokes_of(digit):
                record = {
                    "strokes": strokes,
                    "label": digit.label,
                    "drawing": str(digit.drawing_id),
                }
                file.write(json.dumps(record) + "\n")
                count += 1
    return count


FORMATS: dict[str, Callable[[Iterable[Digit], Path], int]] = {
    "idx": write_idx,
    "csv": write_csv,
    "png": write_png,
    "jsonl": write_jsonl,
}


def strokes_of(digit: Digit) -> Strokes:
    """Its strokes, if they give the very image that the net saw; none if they do not."""
    strokes = digit.strokes()
    return strokes if rasterize(strokes).tobytes() == bytes(digit.image) else []


def as_text(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell
