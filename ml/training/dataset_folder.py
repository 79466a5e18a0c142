"""Dataset folders: labeled digits in the formats of ``dataset_readers``."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ml.files import read_file
from ml.preprocessing.strokes import SIZE, Grid
from ml.training import dataset_readers
from ml.training.dataset_readers import READERS, Exclusion, Sample
from ml.training.held_out import is_held_out
from ml.training.stroke_files import NON_DIGIT

# File names of export_dataset; MNIST has the first two.
IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
CSV = "digits.csv"
JSON_LINES = "digits.jsonl"
# One drawing ID per digit and line; MNIST's format and CSV cannot store them.
DRAWINGS = "drawings.txt"

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
        """Collect records, sorted by image: the same digits give the same training."""
        ordered = sorted(records, key=lambda record: record[0].tobytes())
        images = np.array([image for image, _, _ in ordered], np.uint8).reshape(-1, SIZE, SIZE)
        labels = np.array([label for _, label, _ in ordered], np.int64)
        return cls(images, labels, tuple(drawing for _, _, drawing in ordered))

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


class Contents(NamedTuple):
    """The digits and non-digits of a dataset folder, and the exclusions."""

    records: list[Record]
    exclusions: list[Exclusion]


def read(folder: Path) -> Contents:
    """Return the contents of a dataset folder in any of its formats; blank images are excluded.

    The hash of the image replaces an unknown drawing ID. Raises ValueError for an empty folder or
    another format.
    """
    try:
        formats = dataset_readers.formats(folder)
        if len(formats) != 1:
            found = " and ".join(formats) or "no digits"
            raise ValueError(
                f"it holds {found}, expected one of {', '.join(READERS)}."
                " Write a folder with: manage.py export_dataset"
            )
        entries = _with_drawings(list(READERS[formats[0]](folder)), folder)
    except (OSError, ValueError) as error:
        raise ValueError(f"{folder} cannot be used: {str(error).rstrip('.')}.") from error
    exclusions = [entry for entry in entries if isinstance(entry, Exclusion)]
    records: list[Record] = []
    for image, label, drawing, place in (one for one in entries if isinstance(one, Sample)):
        if image.any():
            records.append((image, label, drawing or hashlib.sha256(image.tobytes()).hexdigest()))
        else:
            exclusions.append(Exclusion("blank", place))
    if not records:
        reasons = describe_exclusions(exclusions) or ["Write some with: manage.py export_dataset"]
        raise ValueError(" ".join([f"{folder} holds no digits.", *reasons]))
    return Contents(records, exclusions)


def describe_exclusions(exclusions: Sequence[Exclusion]) -> list[str]:
    """Return a sentence for each reason: the number of exclusions and the place of the first."""
    places: dict[str, list[str]] = {}
    for reason, place in exclusions:
        places.setdefault(reason, []).append(place)
    return [
        f"{len(same):,} excluded: {reason}"
        + (f" ({same[0]}{', …' * (len(same) > 1)})." if same[0] else ".")
        for reason, same in places.items()
    ]


def _with_drawings(entries: list[Sample | Exclusion], folder: Path) -> Sequence[Sample | Exclusion]:
    """Add the UUIDs of ``drawings.txt``, one per digit."""
    path = folder / DRAWINGS
    if not path.exists():
        return entries
    drawings = read_file(path).decode(errors="replace").split()
    if len(drawings) != len(entries):
        raise ValueError(f"{DRAWINGS} has {len(drawings)} lines for {len(entries)} digits")
    return [
        entry._replace(drawing=drawing) if isinstance(entry, Sample) else entry
        for entry, drawing in zip(entries, drawings, strict=True)
    ]
