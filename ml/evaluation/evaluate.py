"""All metrics of a model as JSON values: digits, strokes, numbers, robustness, non-digits."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ml.classifier import Classifier, Verdict
from ml.evaluation import robustness, stroke_metrics, synthetic_numbers
from ml.evaluation.metrics import Evaluation, wilson
from ml.evaluation.stroke_metrics import Outcome
from ml.recognition import VERDICT_ORDER, DrawingInput, Prediction, predict_batch
from ml.training import outliers
from ml.training.data import LabeledImages
from ml.training.stroke_files import StrokeFile

T = TypeVar("T")
Metrics: TypeAlias = dict[str, Any]

# Sample sizes: the complete measurement takes less than a minute.
ROBUSTNESS_DIGITS = 200
NON_DIGITS = 1_200
NUMBERS = 500
SEED = 1_000
# Increase it if a change of the code changes the metrics of an unchanged model.
METRICS_VERSION = 4
COVERAGES = (0.9, 0.95, 0.98, 0.99, 1.0)


def evaluate_images(classifier: Classifier, images: LabeledImages) -> Evaluation:
    probabilities = classifier.predict(images.images.numpy())
    verdicts = tuple(classifier.verdict(row) for row in probabilities)
    return Evaluation(images.labels.numpy(), probabilities, verdicts)


def measure(
    classifier: Classifier,
    evaluation: Evaluation,
    images: LabeledImages,
    files: Sequence[StrokeFile] = (),
) -> Metrics:
    """Return all metrics that the data allow.

    ``evaluation`` is that of the images; the samples of the files are of writers excluded from
    training.
    """
    pictures = synthetic_numbers.generate_pictures(images, NUMBERS, SEED)
    metrics: Metrics = {
        "work": METRICS_VERSION,
        "model": {"version": classifier.version, "sha256": classifier.sha256},
        **image_metrics(evaluation),
        "robustness": robustness_metrics(classifier, images),
        "pictures": number_metrics(classifier, pictures, "pictures"),
    }
    outcomes = [_predict_file(classifier, file) for file in files]
    if files:
        metrics["strokes"] = list(map(stroke_metrics.measure, files, outcomes))
    digits = [one for own in outcomes for one in own if one.kind == "digits"]
    if digits:
        numbers = synthetic_numbers.generate_strokes([one.sample for one in digits], NUMBERS, SEED)
        metrics["numbers"] = number_metrics(classifier, numbers, "numbers")
    single = [one.prediction for one in digits if not one.is_split]
    digit_scores = _scores(single) if single else _top_two(evaluation.probabilities)
    metrics["non_digits"] = non_digit_metrics(classifier, digit_scores)
    return metrics


def image_metrics(evaluation: Evaluation) -> Metrics:
    """Return the metrics of labeled 28x28 images."""
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
        "reliability": [asdict(one) for one in evaluation.calibration_bins()],
        "coverage": [
            {"share": share, "error_rate": float(rates[round(share * len(rates)) - 1])}
            for share in COVERAGES
        ],
    }


def robustness_metrics(classifier: Classifier, images: LabeledImages) -> list[Metrics]:
    """Return the errors of about ROBUSTNESS_DIGITS digits in every robustness cell."""
    step = max(1, len(images.labels) // ROBUSTNESS_DIGITS)
    cells = robustness.measure(classifier, images.subset(slice(None, None, step)))
    return [cell._asdict() for cell in _progress(cells, robustness.CELLS, "robustness")]


def number_metrics(
    classifier: Classifier, numbers: Iterable[tuple[DrawingInput, str]], description: str
) -> Metrics:
    """Return the metrics of drawings of numbers with their texts."""
    drawings, texts = zip(*numbers, strict=True)
    predicted = [one.text for one in _predict_all(classifier, drawings, description)]
    pairs = list(zip(predicted, texts, strict=True))
    correct = sum(one == other for one, other in pairs)
    return {
        "numbers": len(pairs),
        "read_whole": correct,
        "interval": wilson(correct, len(pairs)),
        "right_count": sum(len(one) == len(other) for one, other in pairs),
    }


def non_digit_metrics(classifier: Classifier, digit_scores: NDArray[np.floating]) -> Metrics:
    """Return the verdicts of generated outliers and how well scores separate them from digits.

    ``digit_scores`` float[N] are the scores of digits; a score is the sum of the two largest
    probabilities, which ``Classifier.verdict`` compares with a threshold.
    """
    metrics: Metrics = {"kinds": []}
    for name, kinds in (("trained_on", outliers.TRAINED_ON), ("held_out", outliers.HELD_OUT)):
        drawings = list(outliers.generate_strokes(kinds, NON_DIGITS, SEED))
        predictions = _predict_all(classifier, [strokes for _, strokes in drawings], name)
        metrics[name] = separation_metrics(_scores(predictions), digit_scores)
        verdicts: dict[str, list[Verdict]] = {kind: [] for kind in kinds}
        for (kind, _), prediction in zip(drawings, predictions, strict=True):
            found = (digit.verdict for digit in prediction.digits)
            verdicts[kind].append(min(found, key=VERDICT_ORDER.index))
        metrics["kinds"] += [
            {"kind": kind, "set": name, "called": _count(verdicts[kind])} for kind in kinds
        ]
    return metrics


def separation_metrics(non_digits: NDArray[np.floating], digits: NDArray[np.floating]) -> Metrics:
    """Return the AUROC of scores, and the share of rejected non-digits by accepted digits."""
    ranks = np.concatenate([non_digits, digits]).argsort(kind="stable").argsort() + 1
    above = ranks[len(non_digits) :].sum() - len(digits) * (len(digits) + 1) / 2
    return {
        "drawings": len(non_digits),
        "auroc": float(above / (len(digits) * len(non_digits))),
        "refused": {
            f"{100 * accepted:.0f}": float((non_digits < np.quantile(digits, 1 - accepted)).mean())
            for accepted in (0.95, 0.98, 0.99)
        },
    }


def _predict_file(classifier: Classifier, file: StrokeFile) -> list[Outcome]:
    predictions = _predict_all(classifier, [one.strokes for one in file.samples], file.name)
    return list(map(Outcome, file.samples, predictions))


def _predict_all(
    classifier: Classifier, drawings: Sequence[DrawingInput], description: str
) -> list[Prediction]:
    return predict_batch(classifier, _progress(drawings, len(drawings), description))


def _scores(predictions: Sequence[Prediction]) -> NDArray[np.floating]:
    """Return the score of the most certain digit of each drawing."""
    return np.array(
        [_top_two(np.array([d.probabilities for d in one.digits])).max() for one in predictions]
    )


def _top_two(probabilities: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the sum of the two largest of probabilities float[N, 10]."""
    sums: NDArray[np.floating] = np.partition(probabilities, -2, axis=1)[:, -2:].sum(1)
    return sums


def _count(verdicts: Iterable[Verdict]) -> Metrics:
    found = list(verdicts)
    return {str(verdict): found.count(verdict) for verdict in Verdict}


def _progress(items: Iterable[T], total: int, description: str) -> Iterable[T]:
    """Show a progress bar on terminals."""
    return tqdm(items, total=total, desc=description, leave=False, disable=None)
