"""Metrics of a model: intervals, calibration, paired test, robustness, plots."""

import numpy as np
import pytest

from ml.classifier import Verdict
from ml.evaluation import evaluate, metrics, robustness
from ml.evaluation.metrics import wilson
from ml.recognition import predict_strokes
from ml.training import data
from ml.training.stroke_files import StrokeSample


def evaluation(labels, predictions, confidence=0.9):
    probabilities = np.full((len(labels), 10), (1 - confidence) / 9, dtype=np.float32)
    probabilities[np.arange(len(labels)), predictions] = confidence
    return metrics.Evaluation(np.array(labels), probabilities, (Verdict.DIGIT,) * len(labels))


def test_evaluation_counts_errors_by_class():
    one = evaluation([0, 0, 1, 1], [0, 1, 1, 1])
    assert (one.errors, one.total, one.accuracy) == (1, 4, 0.75)
    zero, first, *_ = one.by_class()
    assert (zero.count, zero.errors, zero.recall, zero.precision) == (2, 1, 0.5, 1.0)
    assert (first.recall, first.precision) == (1.0, pytest.approx(2 / 3))
    (mistake,) = one.mistakes()
    assert (mistake.index, mistake.label, mistake.first) == (1, 0, 1)


def test_wilson_gives_the_published_intervals():
    # Newcombe, "Two-sided confidence intervals for the single proportion" (1998), table I.
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)
    assert wilson(0, 0) == (0, 1)


def test_calibration_error_is_the_gap_between_confidence_and_accuracy():
    calibrated = evaluation([0] * 10, [0] * 9 + [1], confidence=0.9)
    assert calibrated.calibration_error == pytest.approx(0, abs=1e-6)
    overconfident = evaluation([0] * 10, [0] * 5 + [1] * 5, confidence=0.9)
    assert overconfident.calibration_error == pytest.approx(0.4)


def test_error_rates_are_ordered_by_confidence():
    labels = [0, 0, 0, 0]
    probabilities = evaluation(labels, [0, 0, 1, 0]).probabilities
    probabilities[2, 1] = 0.4
    one = metrics.Evaluation(np.array(labels), probabilities, ())
    assert one.error_rates().tolist() == [0, 0, 0, 0.25]


def test_mcnemar_test_counts_the_differences_of_two_models():
    labels = [0] * 20
    first = evaluation(labels, [0] * 18 + [1] * 2)
    second = evaluation(labels, [0] * 10 + [1] * 10)
    result = metrics.mcnemar_test(first, second)
    assert (result.only_first_right, result.only_second_right) == (8, 0)
    assert result.p_value == pytest.approx(2 / 2**8)
    assert metrics.mcnemar_test(first, first).p_value == 1


@pytest.mark.parametrize("pen", robustness.PENS)
@pytest.mark.parametrize("ink", robustness.INKS)
def test_draw_canvas_places_a_digit_of_the_given_size(pen, ink):
    seven = data.mnist(train=False).images[0].numpy()
    for size in robustness.SIZES:
        canvas = np.asarray(robustness.draw_canvas(seven, size, "corner", pen, ink)).astype(int)
        background = 0 if ink == "light on dark" else 255
        rows, columns = np.nonzero(np.abs(canvas - background) > 60)
        assert max(np.ptp(rows), np.ptp(columns)) + 1 == pytest.approx(280 * size, abs=5)
        assert min(rows) < 5
        assert min(columns) < 5


def test_robustness_errors_are_independent_of_size_place_and_ink(shipped):
    test = data.mnist(train=False)
    cells = list(robustness.measure(shipped, test.subset(slice(0, 1_000, 20))))
    assert len(cells) == robustness.CELLS
    for pen in robustness.PENS:
        errors = [cell.errors for cell in cells if cell.pen == pen]
        assert max(errors) - min(errors) <= 2


def test_separation_metrics_without_overlap_reject_every_non_digit():
    apart = evaluate.separation_metrics(np.linspace(0, 0.4, 50), np.linspace(0.5, 1, 50))
    assert apart["auroc"] == 1
    assert set(apart["refused"].values()) == {1.0}
    same = evaluate.separation_metrics(np.arange(100.0), np.arange(100.0))
    assert same["auroc"] == pytest.approx(0.5, abs=0.01)


def test_stroke_metrics_without_single_digits_have_no_calibration_error(shipped):
    sample = StrokeSample([[[0, 0], [0, 90]], [[200, 0], [200, 90]]], label=7, writer="a")
    metrics = evaluate.stroke_metrics([predict_strokes(shipped, sample.strokes)], [sample])
    assert (metrics["errors"], metrics["split"], metrics["calibration_error"]) == (1, 1, 0)
