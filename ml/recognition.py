"""The recognition pipeline: strokes or a picture in, a prediction out.

Page, API, admin and evaluation all call these functions. Data flows one way: input, candidate
digits, grids, probabilities, verdicts. Each grid is rasterized and classified once.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.classifier import Classifier, Probabilities, Verdict
from ml.preprocessing.ink import Ink, extract_ink
from ml.preprocessing.ink_grids import rasterize_ink, slender
from ml.preprocessing.lattice import MAX_PARTS, Lattice
from ml.preprocessing.layout import LINE_HEIGHT, split_lines
from ml.preprocessing.paper import Levels
from ml.preprocessing.picture_segmentation import has_gap, segment_picture, split_ink_lines
from ml.preprocessing.segmentation import segment_line
from ml.preprocessing.strokes import SIZE, Box, Grid, Strokes, bounding_box, rasterize

# Ink wider than this multiple of its height is a number: it is not tried as one digit.
MAX_DIGIT_ASPECT = 1.2
# With at most MAX_PARTS digits, this bounds the length of the text.
MAX_LINES = 20
# Grids per model call: bounds the memory of its activations.
MODEL_BATCH = 256
# From the most to the least certain.
VERDICT_ORDER = (Verdict.DIGIT, Verdict.UNSURE, Verdict.NOT_A_DIGIT)

DrawingInput: TypeAlias = Strokes | Image.Image
"""Pen strokes or a picture."""


@dataclass(frozen=True)
class DigitPrediction:
    """The prediction for one digit. ``digit`` is None if the verdict is "not a digit"."""

    digit: int | None
    verdict: Verdict
    confidence: float
    probabilities: tuple[float, ...]
    box: Box
    grid: Grid

    def as_mark(self) -> "DigitPrediction":
        return replace(self, digit=None, verdict=Verdict.NOT_A_DIGIT)

    @property
    def character(self) -> str:
        return "?" if self.digit is None else str(self.digit)


@dataclass(frozen=True)
class Prediction:
    """The digits of a drawing from left to right, and the version of the model."""

    digits: tuple[DigitPrediction, ...]
    model: str

    @property
    def text(self) -> str:
        """The characters of the digits, with a newline between lines."""
        return join_lines((digit.character, digit.box) for digit in self.digits)

    @property
    def is_certain(self) -> bool:
        """Whether every verdict is "digit"."""
        return all(digit.verdict is Verdict.DIGIT for digit in self.digits)


def join_lines(characters: Iterable[tuple[str, Box]]) -> str:
    """Return the characters of digits with these boxes, with a newline between lines.

    More than MAX_LINES lines are not handwriting and become one.
    """
    found = list(characters)
    boxes = [box for _, box in found]
    starts = [i for i in range(1, len(boxes)) if _is_line_break(boxes[:i], boxes[i:])]
    if len(starts) >= MAX_LINES:
        starts = []
    return "".join("\n" * (i in starts) + character for i, (character, _) in enumerate(found))


def _is_line_break(before: Sequence[Box], after: Sequence[Box]) -> bool:
    """Return whether digits are below all previous ones and not to the right of the last one.

    A comma below the last digit is no line.
    """
    top, bottom = min(box.y for box in after), max(box.y + box.height for box in after)
    last, first = before[-1], after[0]
    return (
        top >= max(box.y + box.height for box in before)
        and first.x <= last.x + last.width
        and bottom - top >= LINE_HEIGHT * last.height
    )


def predict_strokes(classifier: Classifier, strokes: Strokes) -> Prediction:
    """Predict pen strokes, in pixels with y downwards; without points there are no digits."""
    (prediction,) = predict_batch(classifier, [strokes])
    return prediction


def predict_picture(classifier: Classifier, picture: Image.Image) -> Prediction:
    """Predict a picture, dark on light or light on dark; a blank one has no digits."""
    ink = extract_ink(picture)
    if ink is None:
        return Prediction((), classifier.version)
    prediction = _predict_ink(classifier, ink)
    # Pale lines of ruled paper or the box of a form may spoil a digit.
    if "?" not in prediction.text:
        return prediction
    dark = ink.without_pale_ink()
    second = _predict_ink(classifier, dark) if dark else prediction
    return second if second.is_certain else prediction


def predict_grids(classifier: Classifier, digits: Sequence[tuple[Grid, Box]]) -> Prediction:
    """Predict preprocessed digits with their boxes, left to right."""
    rows = _classify(classifier, [grid for grid, _ in digits])
    found = (_digit(classifier, *each, row) for each, row in zip(digits, rows, strict=True))
    return Prediction(tuple(found), classifier.version)


def predict_batch(
    classifier: Classifier, inputs: Iterable[DrawingInput | Grid]
) -> list[Prediction]:
    """Predict many drawings, pictures or grids, in their order.

    ``inputs`` is consumed one by one, so that only one decoded picture is in memory.
    """
    predictions: list[Prediction] = []
    pending: list[tuple[int, _Candidates]] = []
    waiting = 0
    for drawing in inputs:
        if isinstance(drawing, Image.Image):
            predictions.append(predict_picture(classifier, drawing))
            continue
        for candidates in _candidates(drawing):
            pending.append((len(predictions), candidates))
            waiting += len(candidates.grids)
        predictions.append(Prediction((), classifier.version))
        if waiting >= MODEL_BATCH:
            _resolve(classifier, pending, predictions)
            pending, waiting = [], 0
    _resolve(classifier, pending, predictions)
    return predictions


@dataclass(frozen=True)
class _Candidates:
    """The candidate digits of a line of a drawing, or of its piece beside punctuation."""

    grids: list[Grid]
    boxes: list[Box]
    lattice: Lattice

    def choose(self, classifier: Classifier, rows: Probabilities) -> Iterator[DigitPrediction]:
        """Yield the digits of the best path; those that touch may be a letter and are unsure."""
        for i, is_mark, touches in self.lattice.best_path(rows):
            digit = _digit(classifier, self.grids[i], self.boxes[i], rows[i])
            if is_mark:
                digit = digit.as_mark()
            elif touches and digit.verdict is Verdict.DIGIT:
                digit = replace(digit, verdict=Verdict.UNSURE)
            yield digit


def _candidates(drawing: Strokes | Grid) -> Iterator[_Candidates]:
    """Yield the candidate digits of each line of strokes, or of a grid; nothing for a blank one."""
    if isinstance(drawing, np.ndarray):
        if drawing.any():
            yield _Candidates([drawing], [Box(0, 0, SIZE, SIZE)], Lattice.single([0]))
        return
    for groups, lattice in segment_lines(drawing):
        boxes = [bounding_box(group) for group in groups]
        yield _Candidates([rasterize(group) for group in groups], boxes, lattice)


def segment_lines(drawing: Strokes) -> list[tuple[list[Strokes], Lattice]]:
    """Return the candidate digits of each line of strokes, top to bottom, and their lattice.

    A line with punctuation has several pieces, left to right. A drawing with more than MAX_PARTS
    parts is not handwriting and one candidate.
    """
    strokes = [stroke for stroke in drawing if len(stroke)]
    segmented = [piece for line in split_lines(strokes) for piece in segment_line(line)]
    if sum(lattice.length for _, lattice in segmented) > MAX_PARTS:
        return [([strokes], Lattice.single([0]))]
    return segmented


def _resolve(
    classifier: Classifier,
    pending: Sequence[tuple[int, _Candidates]],
    predictions: list[Prediction],
) -> None:
    """Add the digits of pending lines to the predictions, by position."""
    grids = [grid for _, candidates in pending for grid in candidates.grids]
    rows = _classify(classifier, grids)
    first = 0
    for position, candidates in pending:
        end = first + len(candidates.grids)
        digits = (*predictions[position].digits, *candidates.choose(classifier, rows[first:end]))
        predictions[position] = Prediction(digits, classifier.version)
        first = end


def _classify(classifier: Classifier, grids: Sequence[Grid]) -> Probabilities:
    """Return the probabilities float32[n, 10] of grids."""
    chunks = [
        classifier.predict(np.stack(grids[first : first + MODEL_BATCH]))
        for first in range(0, len(grids), MODEL_BATCH)
    ]
    return np.concatenate(chunks) if chunks else np.empty((0, 10), np.float32)


def _predict_ink(classifier: Classifier, ink: Ink) -> Prediction:
    """Predict ink as one digit, or as the parts that are more certain digits."""
    whole = _predict_whole(classifier, ink)
    if whole and not has_gap(ink):
        return Prediction((whole,), classifier.version)
    digits = []
    for line in split_ink_lines(ink):
        parts, lattice = segment_picture(line)
        grids = [rasterize_ink(part.levels) for part in parts]
        rows = _classify(classifier, grids)
        for i, _, _ in lattice.best_path(rows):
            digit = _digit(classifier, grids[i], parts[i].box, rows[i])
            digits.append(_best_view(classifier, parts[i], digit))
    prediction = Prediction(tuple(digits), classifier.version)
    if whole is None:
        return prediction
    least = min(digit.confidence for digit in digits)
    is_better = whole.verdict is not Verdict.DIGIT or least > whole.confidence
    if prediction.is_certain and is_better:
        return prediction
    return Prediction((whole,), classifier.version)


def _predict_whole(classifier: Classifier, ink: Ink) -> DigitPrediction | None:
    """Predict ink as one digit, which may be in pieces; None if it is too wide or a non-digit."""
    height, width = ink.levels.shape
    if width >= MAX_DIGIT_ASPECT * height:
        return None
    digit = _best_view(classifier, ink, _predict_grid(classifier, ink.levels, ink.box))
    return None if digit.verdict is Verdict.NOT_A_DIGIT else digit


def _best_view(classifier: Classifier, ink: Ink, digit: DigitPrediction) -> DigitPrediction:
    """Return the prediction of ink, or that of the ink made slender if it is more certain."""
    height, width = ink.levels.shape
    if digit.verdict is Verdict.DIGIT or width >= MAX_DIGIT_ASPECT * height:
        return digit
    second = _predict_grid(classifier, slender(ink.levels), ink.box)
    return min(digit, second, key=lambda view: VERDICT_ORDER.index(view.verdict))


def _predict_grid(classifier: Classifier, levels: Levels, box: Box) -> DigitPrediction:
    grid = rasterize_ink(levels)
    return _digit(classifier, grid, box, classifier.predict(grid[None])[0])


def _digit(
    classifier: Classifier, grid: Grid, box: Box, probabilities: NDArray[np.float32]
) -> DigitPrediction:
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
