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
    if (folder / LABELS).exists():
        found = list(_read_labels(folder / LABELS))
    else:
        paths = [path for path in sorted(folder.glob("*/*")) if path.parent.name.isdigit()]
        found = [
            LabeledPicture(one, one.parent.name, folder.name) for one in paths if one.is_file()
        ]
    if not found:
        raise ValueError(f"{folder} has no pictures. Add {LABELS} or one folder per label.")
    return found


def _read_labels(path: Path) -> Iterator[LabeledPicture]:
    with path.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file, delimiter="\t"), 2):
            if not row.get("file") or not row.get("label"):
                raise ValueError(f"{path}:{number}: columns file and label are needed.")
            yield LabeledPicture(path.parent / row["file"], row["label"], row.get("source") or "")


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
    pairs = zip(pictures, outcomes, strict=True)
    errors = [(picture, one.prediction) for picture, one in pairs if not one.is_correct]
    for (path, label, _), prediction in errors[:MAX_ERRORS]:
        gray = to_gray(open_picture(read_file(path)), 1)
        gray.thumbnail((THUMBNAIL, THUMBNAIL))
        grid = prediction.digits[0].grid if prediction.digits else np.zeros((1, 1), np.uint8)
        # Ink on black, like the grid.
        images += [~np.asarray(gray, dtype=np.uint8), grid]
        titles += [path.name, f"{label}: {prediction.text or 'blank'}"]
    return plots.digits(images, titles)
