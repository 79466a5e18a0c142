"""The recognition pipeline: strokes or a picture in, a prediction out.

Page, API, admin and evaluation all call these functions. Nothing here needs PyTorch.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple, TypeAlias

import numpy as np
from PIL import Image

from ml.classifier import Classifier, Floats, Verdict
from ml.preprocessing import picture_segmentation, pictures, segmentation
from ml.preprocessing.strokes import SIZE, Grid, Strokes, bounding_box, rasterize

# Ink wider than this multiple of its height is segmented before it is tried as one digit.
WIDER = 1.2


class Box(NamedTuple):
    """Bounding box of a digit's ink, in the pixels of its drawing."""

    x: float
    y: float
    width: float
    height: float


Found: TypeAlias = tuple[Grid, Box]
"""A digit prepared for the net, uint8[28, 28], and where it was found."""

Input: TypeAlias = Strokes | Image.Image | Grid
"""Pen strokes, a picture, or one prepared digit."""

# The box of a prepared digit.
WHOLE = Box(0, 0, SIZE, SIZE)


@dataclass(frozen=True)
class DigitPrediction:
    """One digit as the net reads it. ``digit`` is None where the verdict is "not a digit"."""

    digit: int | None
    verdict: Verdict
    confidence: float
    probabilities: tuple[float, ...]
    box: Box
    grid: Grid

    @property
    def character(self) -> str:
        return "?" if self.digit is None else str(self.digit)


@dataclass(frozen=True)
class Prediction:
    """All digits of a drawing from left to right, and the version of the model that read them."""

    digits: tuple[DigitPrediction, ...]
    model: str

    @property
    def text(self) -> str:
        return "".join(digit.character for digit in self.digits)

    @property
    def is_sure(self) -> bool:
        """Whether each of them is a digit, and no rival near."""
        return all(digit.verdict is Verdict.DIGIT for digit in self.digits)


def predict_strokes(classifier: Classifier, strokes: Strokes) -> Prediction:
    """Read pen strokes, in pixels with y downwards; no points, no digits."""
    return predict_grids(classifier, segment_strokes(classifier, strokes))


def predict_picture(classifier: Classifier, picture: Image.Image) -> Prediction:
    """Read a picture, dark on light or light on dark; a blank one has no digits."""
    found = pictures.extract_ink(picture)
    if found is None:
        return Prediction((), classifier.version)
    reading = _predict_ink(classifier, found)
    bold = found.bold() if "?" in reading.text else None
    if bold and (again := _predict_ink(classifier, bold)).is_sure:
        return again
    return reading


def _predict_ink(classifier: Classifier, found: pictures.Ink) -> Prediction:
    whole = _predict_whole(classifier, found)
    if whole and not picture_segmentation.has_gap(found):
        return Prediction((whole,), classifier.version)
    parts = picture_segmentation.digits(found, lambda supposed: _judge_ink(classifier, supposed))
    reading = predict_grids(
        classifier, [(pictures.rasterize_ink(part.levels), Box(*part.box)) for part in parts]
    )
    if whole and not _is_surer(reading, whole):
        return Prediction((whole,), classifier.version)
    return reading


def predict_batch(classifier: Classifier, inputs: Iterable[Input]) -> list[Prediction]:
    """Predict many drawings, pictures or grids.

    ``inputs`` is consumed one by one, so that decoded pictures are never in memory together.
    """
    found = [_segment(classifier, one) for one in inputs]
    digits = iter(predict_grids(classifier, [one for each in found for one in each]).digits)
    return [Prediction(tuple(islice(digits, len(each))), classifier.version) for each in found]


def _segment(classifier: Classifier, drawn: Input) -> list[Found]:
    if isinstance(drawn, Image.Image):
        return [(digit.grid, digit.box) for digit in predict_picture(classifier, drawn).digits]
    if isinstance(drawn, np.ndarray):
        return [(drawn, WHOLE)] if drawn.any() else []
    return segment_strokes(classifier, drawn)


def segment_strokes(classifier: Classifier, strokes: Strokes) -> list[Found]:
    """The digits of a drawing, prepared for the net."""
    groups = segmentation.groups(strokes, lambda groups: _judge(classifier, groups))
    return [(rasterize(group), Box(*bounding_box(group))) for group in groups]


def _predict_whole(classifier: Classifier, found: pictures.Ink) -> DigitPrediction | None:
    """The ink of a picture as one digit, where it reads as one: it may be in pieces."""
    height, width = found.levels.shape
    if width >= WIDER * height:
        return None
    grid = pictures.rasterize_ink(found.levels)
    digit = _digit(classifier, grid, Box(*found.box), classifier.predict(grid[None])[0])
    return None if digit.verdict is Verdict.NOT_A_DIGIT else digit


def _judge_ink(classifier: Classifier, supposed: Sequence[pictures.Levels]) -> Floats:
    return classifier.predict(np.stack([pictures.rasterize_ink(levels) for levels in supposed]))


def _judge(classifier: Classifier, drawings: Sequence[Strokes]) -> Floats:
    return classifier.predict(np.stack([rasterize(strokes) for strokes in drawings]))


def predict_grids(classifier: Classifier, found: Sequence[Found]) -> Prediction:
    """Read digits that were found and prepared before, all in one call."""
    if not found:
        return Prediction((), classifier.version)
    every = classifier.predict(np.stack([grid for grid, _ in found]))
    digits = (_digit(classifier, *one, row) for one, row in zip(found, every, strict=True))
    return Prediction(tuple(digits), classifier.version)


def _digit(classifier: Classifier, grid: Grid, box: Box, probabilities: Floats) -> DigitPrediction:
    verdict = classifier.verdict(probabilities)
    best = int(probabilities.argmax())
    return DigitPrediction(
        digit=None if verdict is Verdict.NOT_A_DIGIT else best,
        verdict=verdict,
        confidence=float(probabilities[best]),
        probabilities=tuple(probabilities.tolist()),
        box=box,
        grid=grid,
    )


def _is_surer(parts: Prediction, whole: DigitPrediction) -> bool:
    """Whether parts are digits, each more surely than the whole is one."""
    least = min(part.confidence for part in parts.digits)
    return parts.is_sure and (whole.verdict is not Verdict.DIGIT or least > whole.confidence)
