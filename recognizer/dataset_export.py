"""Export labeled digits as files for other programs and for ``manage.py train --data``.

All formats stream the digits, so that exports of any size need constant memory. A pseudonym
replaces the UUID of each drawing, because the UUID authorizes deletion.
"""

import csv
import hmac
import itertools
import json
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO, Any, TypeAlias
from uuid import UUID
from zipfile import ZIP_DEFLATED, ZipFile

from django.db.models import QuerySet
from PIL import Image

from ml.preprocessing.strokes import SIZE, grid_from_bytes, rasterize
from ml.training.dataset_folder import (
    CSV,
    DRAWINGS,
    IMAGES,
    JSON_LINES,
    LABELS,
    Record,
)
from ml.training.dataset_readers import NOT_A_DIGIT
from ml.training.held_out import is_held_out
from ml.training.stroke_files import NON_DIGIT
from recognizer.models import Digit, ExportKey, Label

CHUNK_SIZE = 500
# The strokes of one drawing may take a megabyte.
STROKES_CHUNK_SIZE = 10

ExportedDigit: TypeAlias = tuple[Digit, str]
"""A digit and the pseudonym of its drawing."""


def labeled() -> QuerySet[Digit]:
    """Return all digits with a reviewer label, oldest first."""
    return Digit.objects.exclude(label="").order_by("pk")


def records(digits: QuerySet[Digit]) -> Iterator[Record]:
    """Yield labeled digits as training records."""
    rows = digits.values_list("image", "label", "drawing")
    for image, label, drawing in rows.iterator(CHUNK_SIZE):
        number = NON_DIGIT if label == Label.NOT_A_DIGIT else int(label)
        yield grid_from_bytes(image), number, str(drawing)


def pseudonym(drawing: UUID, key: bytes) -> str:
    """Return a keyed hash of a drawing's UUID, in the same format, held out if the UUID is."""
    digests = (hmac.digest(key, b"%b %d" % (drawing.bytes, n), "sha256") for n in itertools.count())
    names = (str(UUID(bytes=digest[:16])) for digest in digests)
    held_out = is_held_out(str(drawing))
    return next(name for name in names if is_held_out(name) == held_out)


def write(
    digits: QuerySet[Digit],
    format: str,
    folder: Path,
    progress: Callable[[Iterable[Digit]], Iterable[Digit]],
) -> int:
    """Write digits to a folder in one of FORMATS; return the number written.

    ``progress`` wraps the iteration over the digits. Unlabeled digits are skipped; IDX also skips
    non-digits, and JSON Lines skips digits without strokes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    chosen, chunk_size = digits.exclude(label=""), CHUNK_SIZE
    if format == "jsonl":
        # The admin's list defers the strokes.
        chosen, chunk_size = chosen.defer(None).select_related("drawing"), STROKES_CHUNK_SIZE
    else:
        chosen = chosen.select_related(None).only("image", "label", "position", "drawing_id")
    key = ExportKey.get()
    rows: Any = chosen.iterator(chunk_size)
    # Close the cursor also after an error, before the connection.
    with closing(rows):
        exported = ((digit, pseudonym(digit.drawing_id, key)) for digit in progress(rows))
        return FORMATS[format](exported, folder)


def archive(digits: QuerySet[Digit], format: str) -> IO[bytes]:
    """Return an export as a ZIP file positioned at its start; closing it deletes it."""
    with ExitStack() as on_error:
        file = on_error.enter_context(TemporaryFile())
        with TemporaryDirectory() as name, ZipFile(file, "w", ZIP_DEFLATED) as zip_file:
            folder = Path(name)
            write(digits, format, folder, lambda digits: digits)
            for path in sorted(folder.rglob("*")):
                zip_file.write(path, path.relative_to(folder))
        file.seek(0)
        on_error.pop_all()
    return file


def write_idx(digits: Iterable[ExportedDigit], folder: Path) -> int:
    """Write MNIST's two IDX files (http://yann.lecun.com/exdb/mnist/) and the pseudonyms."""
    count = 0
    with (
        (folder / IMAGES).open("wb") as images,
        (folder / LABELS).open("wb") as labels,
        (folder / DRAWINGS).open("w") as drawings,
    ):
        # Reserve the headers: the number of digits is known only after the last one.
        images.write(bytes(16))
        labels.write(bytes(8))
        for digit, drawing in digits:
            if digit.label != Label.NOT_A_DIGIT:
                images.write(bytes(digit.image))
                labels.write(bytes([int(digit.label)]))
                drawings.write(f"{drawing}\n")
                count += 1
        images.seek(0)
        images.write(struct.pack(">4i", 0x803, count, SIZE, SIZE))
        labels.seek(0)
        labels.write(struct.pack(">2i", 0x801, count))
    return count


def write_csv(digits: Iterable[ExportedDigit], folder: Path) -> int:
    """Write one row per digit, the label and 784 pixels in row order, and the pseudonyms."""
    count = 0
    with (folder / CSV).open("w", newline="") as file, (folder / DRAWINGS).open("w") as drawings:
        rows = csv.writer(file)
        rows.writerow(["label", *(f"pixel{i}" for i in range(SIZE * SIZE))])
        for digit, drawing in digits:
            # Spreadsheets evaluate cells that start with these characters.
            prefix = "'" * digit.label.startswith(("=", "+", "-", "@"))
            rows.writerow([f"{prefix}{digit.label}", *bytes(digit.image)])
            drawings.write(f"{drawing}\n")
            count += 1
    return count


def write_png(digits: Iterable[ExportedDigit], folder: Path) -> int:
    """Write one picture per digit, white ink on black as in MNIST, in one folder per label."""
    count = 0
    for digit, drawing in digits:
        name = NOT_A_DIGIT if digit.label == Label.NOT_A_DIGIT else digit.label
        (folder / name).mkdir(exist_ok=True)
        picture = Image.fromarray(grid_from_bytes(digit.image))
        picture.save(folder / name / f"{drawing}-{digit.position}.png")
        count += 1
    return count


def write_jsonl(digits: Iterable[ExportedDigit], folder: Path) -> int:
    """Write the strokes of one digit per line, in the format of ``ml.training.stroke_files``.

    Digits whose strokes do not reproduce the stored image are skipped.
    """
    count = 0
    with (folder / JSON_LINES).open("w") as file:
        for digit, drawing in digits:
            strokes = digit.strokes()
            if strokes and rasterize(strokes).tobytes() == bytes(digit.image):
                record = {"strokes": strokes, "label": digit.label, "drawing": drawing}
                file.write(json.dumps(record) + "\n")
                count += 1
    return count


FORMATS: dict[str, Callable[[Iterable[ExportedDigit], Path], int]] = {
    "idx": write_idx,
    "csv": write_csv,
    "png": write_png,
    "jsonl": write_jsonl,
}
