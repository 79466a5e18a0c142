"""Fixtures and functions of several tests of the Django app."""

import json
from uuid import UUID

import pytest
from django.contrib.auth.models import Permission

from ml.evaluation import evaluate
from ml.training import data
from ml.training.held_out import is_held_out
from recognizer.api.errors import CONTENT_TYPE
from recognizer.models import Digit, Measurement
from tests.conftest import measurement_metrics
from tools.samples import SEVEN

PREDICT = "/api/v1/predict"


def predict(client, body, content_type="application/json"):
    return client.post(PREDICT, body, content_type=content_type)


def is_problem(response, status):
    """Return whether a response is problem details with a status."""
    body = response.json()
    return (
        response.status_code == body["status"] == status
        and response["Content-Type"] == CONTENT_TYPE
        and body["type"] == "about:blank"
        and {"title", "detail"} <= body.keys()
    )


@pytest.fixture
def sign_in(client, django_user_model):
    """Return a function that signs in staff with only the given permissions."""

    def sign_in_with(*codenames):
        user, _ = django_user_model.objects.get_or_create(username="bo", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        client.force_login(user)
        return client

    return sign_in_with


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


@pytest.fixture
def small_evaluation(monkeypatch):
    """Measure on few drawings; return the labeled images."""
    images = data.mnist(train=False).subset(slice(1_000))
    monkeypatch.setattr(data, "mnist", lambda train: images)
    monkeypatch.setattr(evaluate, "ROBUSTNESS_DIGITS", 2)
    monkeypatch.setattr(evaluate, "NON_DIGITS", 24)
    monkeypatch.setattr(evaluate, "NUMBERS", 5)
    return images


@pytest.fixture
def write_strokes(tmp_path, shipped):
    """Return a function that writes drawings of a seven, each given by its label or with a writer.

    The default writer is unknown to the training.
    """
    (unseen, *_) = shipped.facts["training"].get("held_out_writers", ["unseen"])

    def write(name, *rows):
        path = tmp_path / name
        pairs = [row if isinstance(row, tuple) else (row, unseen) for row in rows]
        records = [{"strokes": SEVEN, "label": label, "writer": writer} for label, writer in pairs]
        path.write_text("\n".join(map(json.dumps, records)))
        return path

    return write


@pytest.fixture
def fill_disk():
    """Return a function that lets the next write of a file fail as on a full disk."""
    return lambda path: path.with_name(f"{path.name}.partial").symlink_to("/dev/full")
