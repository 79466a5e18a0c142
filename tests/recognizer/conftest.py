"""Fixtures of several tests of the Django app."""

from uuid import UUID

import pytest

from ml.training.held_out import is_held_out
from recognizer.models import Digit, Measurement
from tests.conftest import measurement_metrics
from tools.samples import SEVEN


@pytest.fixture
def held_out_sevens(put):
    """Save forty labeled sevens; return the number held out of training."""
    for number in range(40):
        put(SEVEN, UUID(int=number))
    Digit.objects.update(label="7")
    return sum(is_held_out(str(UUID(int=number))) for number in range(40))


@pytest.fixture
def store_measurements(shipped):
    """Return a function that stores measurements of the shipped model and of a candidate."""

    def store(version, **metrics):
        shipped_metrics = measurement_metrics(accepted_non_digits=5)
        Measurement.objects.create(sha256=shipped.sha256, metrics=shipped_metrics)
        Measurement.objects.create(sha256=version.sha256, metrics=measurement_metrics(**metrics))

    return store
