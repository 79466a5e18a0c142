"""Temperature and thresholds, fitted on validation data."""

import pytest
import torch

from ml.evaluation import metrics
from ml.training import calibration


def test_fit_temperature_calibrates_overconfident_logits():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(5_000, 10, generator=generator)
    labels = torch.multinomial(logits.softmax(1), 1, generator=generator)[:, 0]
    assert calibration.fit_temperature(3 * logits, labels) == pytest.approx(3, rel=0.05)
    calibrated, overconfident = (
        metrics.Evaluation(labels.numpy(), (scale * logits).softmax(1).numpy(), ())
        for scale in (1, 3)
    )
    assert calibrated.calibration_error < overconfident.calibration_error / 3


def probabilities_of(confidence):
    """Return probabilities float[N, 10] of the digit 3; 5 has half of the remaining ones."""
    rest = 1 - confidence
    probabilities = (rest / 16)[:, None].repeat(1, 10)
    probabilities[:, 3], probabilities[:, 5] = confidence, rest / 2
    return probabilities


def source(lowest, highest, count=1_000):
    """Return a source of threes with evenly spaced confidences; all predictions are correct."""
    confidence = torch.linspace(lowest, highest, count)
    return probabilities_of(confidence), torch.full((count,), 3)


def refused(thresholds, probabilities):
    return probabilities.topk(2, 1).values.sum(1) < thresholds["digit"]


def unsure(thresholds, probabilities):
    return probabilities.max(1).values < thresholds["sure"]


@pytest.mark.parametrize("count", [30, 1_000])
def test_fit_thresholds_limits_hold_in_each_source(count):
    sources = [source(0.9, 0.9999), source(0.5, 0.95, count), source(0.6, 0.99, 2_000)]
    # Without correct predictions, only the limits keep digits from being unsure.
    sources = [(probabilities, labels + 1) for probabilities, labels in sources]
    thresholds = calibration.fit_thresholds(sources)
    shares = [
        (refused(thresholds, one).float().mean(), unsure(thresholds, one).float().mean())
        for one, _ in sources
    ]
    assert all(share <= calibration.REFUSED_SHARE for share, _ in shares)
    assert all(share <= calibration.UNSURE_SHARE for _, share in shares)


def test_fit_thresholds_of_one_source_use_the_limits():
    probabilities, labels = source(0.5, 0.999)
    thresholds = calibration.fit_thresholds([(probabilities, labels + 1)])
    assert refused(thresholds, probabilities).sum() == 1_000 * calibration.REFUSED_SHARE - 1
    assert unsure(thresholds, probabilities).sum() == 1_000 * calibration.UNSURE_SHARE - 1


def test_fit_thresholds_errors_of_low_confidence_are_unsure():
    probabilities, labels = source(0.7, 0.999)
    labels[:15] = 5
    thresholds = calibration.fit_thresholds([(probabilities, labels), source(0.7, 0.999)])
    wrong_and_sure = (labels == 5) & ~unsure(thresholds, probabilities)
    assert wrong_and_sure.sum() <= 2_000 * calibration.SURE_ERROR_RATE
    # No other digits are unsure.
    assert unsure(thresholds, probabilities).sum() <= 15


def test_fit_thresholds_noisy_labels_do_not_make_many_digits_unsure():
    probabilities, labels = source(0.7, 0.999)
    labels[-15:] = 5
    clean = source(0.5, 0.999)
    thresholds = calibration.fit_thresholds([(probabilities, labels), clean])
    for one in (probabilities, clean[0]):
        assert unsure(thresholds, one).float().mean() <= calibration.UNSURE_SHARE


def test_fit_thresholds_confidence_just_below_one_refuses_no_digit():
    probabilities, labels = source(0.99996, 0.99999, 50)
    thresholds = calibration.fit_thresholds([(probabilities, labels)])
    assert not refused(thresholds, probabilities).any()
    assert not unsure(thresholds, probabilities).any()
