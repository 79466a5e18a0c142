"""All that is measured of a model, as JSON values: on digits, on drawings, on what is no digit."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ml.classifier import Classifier, Verdict
from ml.evaluation import robustness, synthetic_numbers
from ml.evaluation.metrics import Evaluation, mcnemar_test, wilson
from ml.recognition import Prediction, predict_picture, predict_strokes
from ml.training import outliers
from ml.training.data import LabeledImages
from ml.training.stroke_files import NON_DIGIT, StrokeSample

Metrics: TypeAlias = dict[str, Any]
Track: TypeAlias = Callable[..., Iterable[Any]]
"""Called with an iterable, ``total`` and ``desc``, it gives the same and shows how far it is."""

# Readings each: enough for the figures, and less than a minute.
ROBUSTNESS_DIGITS = 200
NON_DIGITS = 1_200
NUMBERS = 500
SEED = 1_000
# Raise it where the same model would now get other figures.
WORK = 1
COVERAGES = (0.9, 0.95, 0.98, 0.99, 1.0)


@dataclass(frozen=True)
class Subjects:
    """What a model is tried on: a named set of images, and strokes it was not trained on."""

    name: str
    digits: LabeledImages
    written: Sequence[StrokeSample] = ()


def measure(
    classifier: Classifier, evaluation: Evaluation, subjects: Subjects, track: Track
) -> Metrics:
    """Everything, where there is something to measure it on."""
    figures: Metrics = {
        "work": WORK,
        "model": {"version": classifier.version, "sha256": classifier.sha256},
        "dataset": subjects.name,
        **of_evaluation(evaluation),
        "robustness": of_robustness(classifier, subjects.digits, track),
    }
    figures["pictures"] = of_pictures(classifier, subjects.digits, track)
    certainties = _two_likeliest(evaluation.probabilities)
    if subjects.written:
        readings = _read(classifier, subjects.written, track)
        figures["strokes"] = of_readings(readings, subjects.written)
        figures["numbers"] = of_numbers(classifier, subjects.written, track)
        certainties = np.array([_certainty(reading) for reading in readings])
    figures["non_digits"] = of_non_digits(classifier, certainties, track)
    return figures


def of_evaluation(evaluation: Evaluation) -> Metrics:
    """The figures of labeled images, as the net sees them."""
    rates = evaluation.error_rates()
    return {
        "images": evaluation.total,
        "errors": evaluation.errors,
        "accuracy": evaluation.accuracy,
        "interval": evaluation.interval,
        "calibration_error": evaluation.calibration_error,
        "verdicts": _count(evaluation.verdicts),
        "classes": [asdict(one) for one in evaluation.by_class()],
        "confusion": evaluation.confusion.tolist(),
        "mistakes": [asdict(mistake) for mistake in evaluation.mistakes()],
        "reliability": [asdict(one) for one in evaluation.bins()],
        "coverage": [
            {"share": share, "error_rate": float(rates[round(share * len(rates)) - 1])}
            for share in COVERAGES
        ],
    }


def of_comparison(first: Evaluation, second: Evaluation) -> Metrics:
    """A second model beside the first, on the same images."""
    return {"errors": second.errors, **asdict(mcnemar_test(first, second))}


def of_robustness(classifier: Classifier, digits: LabeledImages, track: Track) -> list[Metrics]:
    """Errors on canvases, for every ``n``-th digit of a set."""
    step = max(1, len(digits.labels) // ROBUSTNESS_DIGITS)
    some = LabeledImages(digits.images[::step], digits.labels[::step])
    cells = robustness.measure(classifier, some)
    return [cell._asdict() for cell in track(cells, total=robustness.CELLS, desc="robustness")]


def of_readings(readings: Sequence[Prediction], written: Sequence[StrokeSample]) -> Metrics:
    """Readings of single digits that were drawn with a pen."""
    errors = sum(
        [one.digit for one in reading.digits] != [digit.label]
        for reading, digit in zip(readings, written, strict=True)
    )
    return {
        "writers": sorted({digit.writer for digit in written}),
        "drawings": len(written),
        "errors": errors,
        "interval": wilson(len(written) - errors, len(written)),
        "calibration_error": _calibration_error(readings, written),
        "split": sum(len(reading.digits) > 1 for reading in readings),
        "verdicts": _count(one.verdict for reading in readings for one in reading.digits),
    }


def _calibration_error(readings: Sequence[Prediction], written: Sequence[StrokeSample]) -> float:
    """That of the drawings which are read as one digit."""
    answers = [
        (digit.label, reading.digits[0].probabilities)
        for reading, digit in zip(readings, written, strict=True)
        if len(reading.digits) == 1
    ]
    labels, probabilities = (np.array(column) for column in zip(*answers, strict=True))
    return Evaluation(labels, probabilities, ()).calibration_error


def of_numbers(classifier: Classifier, written: Sequence[StrokeSample], track: Track) -> Metrics:
    """Numbers of two to five digits, composed from strokes: how many are read whole."""
    asked = list(synthetic_numbers.written(written, NUMBERS, SEED))
    readings = _read(classifier, asked, track)
    return _whole([reading.text for reading in readings], [number.text for number in asked])


def of_pictures(classifier: Classifier, digits: LabeledImages, track: Track) -> Metrics:
    """Pictures of such numbers, composed from images."""
    asked = list(synthetic_numbers.pictures(digits, NUMBERS, SEED))
    pictures = track(asked, total=len(asked), desc="pictures")
    read = [predict_picture(classifier, picture).text for picture, _ in pictures]
    return _whole(read, [text for _, text in asked])


def _whole(read: Sequence[str], asked: Sequence[str]) -> Metrics:
    pairs = list(zip(read, asked, strict=True))
    whole = sum(one == other for one, other in pairs)
    return {
        "numbers": len(pairs),
        "read_whole": whole,
        "interval": wilson(whole, len(pairs)),
        "right_count": sum(len(one) == len(other) for one, other in pairs),
    }


def of_non_digits(
    classifier: Classifier, certainties: NDArray[np.floating], track: Track
) -> Metrics:
    """Drawings that are no digits: what they are called, and how well they stand apart.

    ``certainties`` are those of digits, by which thresholds are set that accept a share of them.
    """
    figures: Metrics = {"kinds": []}
    for name, kinds in (("trained_on", outliers.TRAINED_ON), ("held_out", outliers.HELD_OUT)):
        drawings = list(outliers.strokes(kinds, NON_DIGITS, SEED))
        strokes = [StrokeSample(drawing, NON_DIGIT, kind) for kind, drawing in drawings]
        readings = _read(classifier, strokes, track)
        figures[name] = _separation(np.array([*map(_certainty, readings)]), certainties)
        figures["kinds"] += [
            {"kind": kind, "set": name, "called": _called(readings, drawings, kind)}
            for kind in kinds
        ]
    return figures


def _called(
    readings: Sequence[Prediction], drawings: Sequence[tuple[str, Any]], kind: str
) -> Metrics:
    """What the drawings of one kind are called: a drawing is what its surest part is."""
    order = (Verdict.DIGIT, Verdict.UNSURE, Verdict.NOT_A_DIGIT)
    chosen = [
        reading for reading, (name, _) in zip(readings, drawings, strict=True) if name == kind
    ]
    surest = [min((one.verdict for one in reading.digits), key=order.index) for reading in chosen]
    return _count(surest)


def _separation(others: NDArray[np.floating], digits: NDArray[np.floating]) -> Metrics:
    """How certainty tells others from digits: AUROC, and what is refused at shares accepted."""
    ranks = np.concatenate([others, digits]).argsort(kind="stable").argsort() + 1
    above = ranks[len(others) :].sum() - len(digits) * (len(digits) + 1) / 2
    return {
        "drawings": len(others),
        "auroc": float(above / (len(digits) * len(others))),
        "refused": {
            f"{100 * accepted:.0f}": float((others < np.quantile(digits, 1 - accepted)).mean())
            for accepted in (0.95, 0.98, 0.99)
        },
    }


def _read(classifier: Classifier, written: Sequence[Any], track: Track) -> list[Prediction]:
    drawings = track(written, total=len(written), desc="drawings")
    return [predict_strokes(classifier, one.strokes) for one in drawings]


def _certainty(reading: Prediction) -> float:
    """That of the surest part of a drawing; see ``Classifier.verdict``."""
    return max(float(_two_likeliest(np.array([one.probabilities]))[0]) for one in reading.digits)


def _two_likeliest(probabilities: NDArray[np.floating]) -> NDArray[np.floating]:
    together: NDArray[np.floating] = np.partition(probabilities, -2, axis=1)[:, -2:].sum(1)
    return together


def _count(verdicts: Iterable[Verdict]) -> Metrics:
    every = list(verdicts)
    return {str(verdict): every.count(verdict) for verdict in Verdict}


def evaluate_images(classifier: Classifier, digits: LabeledImages) -> Evaluation:
    """Let a classifier read labeled images as they are."""
    probabilities = classifier.predict(digits.images.numpy())
    verdicts = tuple(classifier.verdict(row) for row in probabilities)
    return Evaluation(digits.labels.numpy(), probabilities, verdicts)
