"""Labeled pictures of several sources: their predictions, and a contact sheet of the errors."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ml.classifier import Classifier
from ml.evaluation import plots
from ml.evaluation.stroke_metrics import Outcome
from ml.files import read_file
from ml.preprocessing.picture_files import PictureError, open_picture
from ml.preprocessing.pictures import to_gray
from ml.recognition import predict_picture
from ml.training.stroke_files import StrokeSample

LABELS = "labels.tsv"
# Sides of the errors on the contact sheet, and their largest number.
THUMBNAIL, MAX_ERRORS = 112, 200


class LabeledPicture(NamedTuple):
    path: Path
    label: str
    source: str


def read(folder: Path) -> list[LabeledPicture]:
    """Return the pictures of ``labels.tsv`` (file, label, source) or of one folder per label.

    Raises OSError or ValueError.
    """
    found = list(_read_labels(folder) if (folder / LABELS).exists() else _read_folders(folder))
    if not found:
        raise ValueError(f"{folder} has no pictures. Add {LABELS} or one folder per label.")
    return found


def _read_labels(folder: Path) -> Iterator[LabeledPicture]:
    with (folder / LABELS).open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file, delimiter="\t"), 2):
            if not row.get("file") or not row.get("label"):
                raise ValueError(f"{folder / LABELS}:{number}: columns file and label are needed.")
            yield LabeledPicture(folder / row["file"], row["label"], row.get("source") or "")


def _read_folders(folder: Path) -> Iterator[LabeledPicture]:
    for path in sorted(folder.glob("*/*")):
        if path.is_file() and path.parent.name.isdigit():
            yield LabeledPicture(path, path.parent.name, folder.name)


def predict(classifier: Classifier, pictures: Sequence[LabeledPicture]) -> list[Outcome]:
    """Predict pictures; the source is the writer of a sample. Raises OSError or ValueError."""
    outcomes = []
    for path, label, source in pictures:
        try:
            picture = open_picture(read_file(path))
        except PictureError as error:
            raise ValueError(f"{path}: {error}") from error
        sample = StrokeSample([], label, source)
        outcomes.append(Outcome(sample, predict_picture(classifier, picture)))
    return outcomes


def contact_sheet(pictures: Sequence[LabeledPicture], outcomes: Sequence[Outcome]) -> Figure:
    """Plot the errors, each beside the grid of its first digit."""
    images: list[NDArray[np.uint8]] = []
    titles: list[str] = []
    for picture, outcome in zip(pictures, outcomes, strict=True):
        if not outcome.is_correct and len(images) < 2 * MAX_ERRORS:
            images += [_thumbnail(picture.path), *(d.grid for d in outcome.prediction.digits[:1])]
            titles += [picture.path.name, f"{picture.label}: {outcome.prediction.text or 'blank'}"]
            images += [np.zeros((1, 1), np.uint8)] * (len(titles) - len(images))
    return plots.digits(images, titles)


def _thumbnail(path: Path) -> NDArray[np.uint8]:
    """Return a picture as ink on black, like a grid."""
    gray = to_gray(open_picture(read_file(path)), 1)
    gray.thumbnail((THUMBNAIL, THUMBNAIL))
    return ~np.asarray(gray, dtype=np.uint8)
