"""Metrics of a model: intervals, calibration, robustness, plots."""

import numpy as np
import pytest

from ml.classifier import Verdict
from ml.evaluation import evaluate, metrics, robustness, stroke_metrics
from ml.evaluation.metrics import wilson
from ml.evaluation.stroke_metrics import Outcome
from ml.preprocessing.strokes import Box
from ml.recognition import DigitPrediction, Prediction
from ml.training import data, held_out
from ml.training.stroke_files import StrokeFile, StrokeSample


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


def outcome(label, predicted, writer="a", character="", verdict=Verdict.DIGIT):
    """Return the outcome of a sample; "?" in the predicted text is a non-digit."""
    digits = [
        DigitPrediction(
            digit=None if text == "?" else int(text),
            verdict=Verdict.NOT_A_DIGIT if text == "?" else verdict,
            confidence=0.9 - 0.1 * place,
            probabilities=(0.1,) * 10,
            box=Box(0, 0, 1, 1),
            grid=np.zeros((28, 28), np.uint8),
        )
        for place, text in enumerate(predicted)
    ]
    return Outcome(
        StrokeSample([[[0, 0]]], label, writer, character), Prediction(tuple(digits), "")
    )


def stroke_file(*samples):
    return StrokeFile("a.jsonl", "0" * 64, list(samples), {"no points": 2})


@pytest.mark.parametrize(
    ("label", "predicted", "kind", "correct"),
    [
        ("7", "7", "digits", True),
        ("7", "77", "digits", False),
        ("7", "?", "digits", False),
        ("12", "12", "numbers", True),
        ("12", "1?2", "numbers", False),
        ("1-2", "1?2", "numbers_with_marks", True),
        ("1-2", "12", "numbers_with_marks", True),
        ("1-2", "112", "numbers_with_marks", False),
        ("?", "7", "non_digits", False),
        ("?", "7?", "non_digits", True),
    ],
)
def test_outcome_compares_the_prediction_with_the_label(label, predicted, kind, correct):
    one = outcome(label, predicted)
    assert (one.kind, one.is_correct) == (kind, correct)


def test_non_digit_with_an_unsure_verdict_is_correct():
    assert outcome("?", "7", verdict=Verdict.UNSURE).is_correct


def test_text_metrics_count_the_outcomes_of_digits():
    outcomes = [outcome("7", text) for text in ("7", "1", "11", "7?", "?")]
    outcomes += [
        outcome("7", "7", verdict=Verdict.UNSURE),
        outcome("7", "1", verdict=Verdict.UNSURE),
    ]
    assert stroke_metrics.text_metrics(outcomes) == {
        "drawings": 7,
        "correct": 2,
        "accuracy": 2 / 7,
        "interval": wilson(2, 7),
        "confident_errors": 2,
        "refused": 2,
        "unsure": 1,
        "split": 2,
    }
    assert stroke_metrics.text_metrics([]) is None


def test_text_metrics_count_one_entry_per_mark():
    texts = {"1-2": "1?2", "(12)": "?12?", "1--2": "1?2", "1/2": "12", "1\n-2": "1?2"}
    outcomes = [outcome(*pair) for pair in texts.items()]
    metrics = stroke_metrics.text_metrics(outcomes)
    assert (metrics["correct"], metrics["one_entry_per_mark"]) == (5, 3)


def test_non_digit_metrics_count_characters_worst_first():
    outcomes = [outcome("?", text, character="x") for text in "7???"]
    outcomes += [outcome("?", text, character="A") for text in "7?"]
    metrics = stroke_metrics.non_digit_metrics(outcomes)
    assert (metrics["classified_as_digit"], metrics["drawings"]) == (2, 6)
    assert metrics["excluded_from_training"]["share"] == 0.5
    assert [one["character"] for one in metrics["characters"]] == ["A", "x"]
    assert metrics["characters"][0]["excluded_from_training"]
    named = stroke_metrics.non_digit_metrics(outcomes[:4])
    assert named["excluded_from_training"] is None


def test_stroke_metrics_of_a_file_rank_writers_and_mistakes():
    outcomes = [
        outcome("7", "7", "good"),
        outcome("7", "7", "bad"),
        outcome("12", "34", "bad"),
        outcome("7", "1", "bad"),
        outcome("?", "1", "careless"),
    ]
    metrics = stroke_metrics.measure(stroke_file(), outcomes)
    assert (metrics["source"], metrics["skipped"]) == ("a.jsonl", 2)
    assert metrics["numbers_with_marks"] is None
    writers = metrics["writers"]
    assert [one["writer"] for one in writers] == ["careless", "bad", "good"]
    assert [one["error_rate"] for one in writers] == [1, 2 / 3, 0]
    bad = writers[1]
    assert (bad["digits"], bad["correct"], bad["confident_errors"]) == (2, 1, 1)
    assert (bad["numbers"], bad["numbers_correct"]) == (1, 0)
    assert metrics["writer_accuracy"] == {"writers": 2, "lowest": 0.5, "median": 0.75}
    assert [(one["index"], one["predicted"]) for one in metrics["mistakes"]] == [
        (3, "1"),
        (2, "34"),
    ]


def test_unseen_samples_follow_the_facts_of_the_training():
    parts = {held_out.part_of(writer): writer for writer in map(str, range(20))}
    samples = [
        StrokeSample([[[0, 0]]], text, writer)
        for writer in parts.values()
        for text in ("7", "12", "1-2", "?")
    ]
    file = stroke_file(*samples)

    def unseen(**training):
        found = stroke_metrics.unseen_samples(file, training)
        return sorted((one.writer, one.text) for one in found)

    everything = [(one.writer, one.text) for one in samples]
    of_test = [pair for pair in everything if pair[0] == parts["test"]]
    numbers = [(parts["validation"], text) for text in ("12", "1-2")]
    assert unseen() == unseen(stroke_files=[{"sha256": "1" * 64}]) == sorted(everything)
    assert unseen(stroke_files=[{"sha256": file.sha256}]) == sorted(of_test + numbers)
    previous = {"held_out_writers": [parts["test"]]}
    assert unseen(**previous, stroke_images=100) == sorted(of_test)
    assert unseen(**previous, stroke_images=0) == sorted(everything)
