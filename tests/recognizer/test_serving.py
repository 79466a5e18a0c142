"""The singleton: loaded once, following what was promoted, never taken down by a bad model."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from django.core.checks import run_checks
from django.db import OperationalError

from ml.classifier import Classifier
from ml.recognition import predict_strokes
from recognizer import registry
from recognizer import serving as serving_module
from recognizer.models import ModelStatus, ModelVersion
from tools.samples import ROOT, SEVEN, SHIPPED


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass when the test says so."""

    class Clock:
        now = 1_000.0

    monkeypatch.setattr(serving_module, "monotonic", lambda: Clock.now)
    return Clock


@pytest.fixture
def serving(db, clock):
    """A singleton that follows the database of the test."""
    return serving_module.ServingModel(SHIPPED, ModelVersion.promoted_sha256)


def probabilities(model):
    return predict_strokes(model, SEVEN).digits[0].probabilities


def test_loads_once_whoever_asks(monkeypatch):
    loads = []

    class Counted(Classifier):
        def __init__(self, content):
            loads.append(content)
            super().__init__(content)

    monkeypatch.setattr(serving_module, "Classifier", Counted)
    serving = serving_module.ServingModel(SHIPPED, lambda: None)
    assert loads == []
    together = threading.Barrier(8)

    def ask():
        together.wait()
        serving.classifier()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loads) == 1


@pytest.mark.django_db
def test_the_database_is_asked_once_a_second(serving, clock, django_assert_num_queries):
    with django_assert_num_queries(1):
        for _ in range(100):
            serving.classifier()
    clock.now += 0.99
    with django_assert_num_queries(0):
        serving.classifier()
    clock.now += 0.02
    with django_assert_num_queries(1):
        serving.classifier()


@pytest.mark.django_db
def test_follows_promotions_and_back_to_the_bit(serving, clock, other, admin_user):
    shipped = serving.classifier()
    before = probabilities(shipped)
    registry.promote(other, admin_user)
    assert serving.classifier() is shipped
    clock.now += 1
    assert serving.classifier().version == other.version
    assert probabilities(serving.classifier()) != before
    registry.roll_back(admin_user)
    clock.now += 1
    assert serving.classifier().sha256 == shipped.sha256
    assert probabilities(serving.classifier()) == before


def flip(content):
    return content[:90_000] + bytes([content[90_000] ^ 4]) + content[90_001:]


@pytest.mark.parametrize("damage", [lambda content: content[:-1], lambda content: b"", flip])
def test_a_model_damaged_in_the_database_does_not_replace_the_one_that_serves(
    serving, clock, other, admin_user, damage
):
    before = serving.classifier()
    answers = probabilities(before)
    registry.promote(other, admin_user)
    whole = other.content
    ModelVersion.objects.update(content=damage(whole))
    clock.now += 1
    assert serving.classifier() is before
    assert probabilities(before) == answers
    assert "SHA-256" in serving.problem
    ModelVersion.objects.update(content=whole)
    clock.now += 1
    assert serving.classifier().version == other.version
    assert serving.problem == ""


@pytest.mark.django_db
def test_a_damaged_model_at_start_is_passed_over(serving, other, admin_user, shipped):
    registry.promote(other, admin_user)
    ModelVersion.objects.update(content=b"damaged")
    assert serving.classifier().sha256 == shipped.sha256


def gone():
    raise OperationalError("the database is gone")


@pytest.mark.django_db
def test_without_a_database_it_serves_on(serving, clock, other, admin_user, monkeypatch):
    registry.promote(other, admin_user)
    before = serving.classifier()
    serving.promoted = gone
    clock.now += 1
    assert serving.classifier() is before


def test_without_a_database_at_start_the_shipped_model_serves_until_it_is_there(
    serving, clock, other, admin_user
):
    registry.promote(other, admin_user)
    serving.promoted = gone
    assert serving.classifier().content == SHIPPED.read_bytes()
    serving.promoted = ModelVersion.promoted_sha256
    clock.now += 1
    assert serving.classifier().version == other.version


def test_while_one_thread_waits_for_the_database_the_others_are_answered(clock):
    asked, answer = threading.Event(), threading.Event()

    def slowly():
        if clock.now > 1_000:
            asked.set()
            answer.wait()

    serving = serving_module.ServingModel(SHIPPED, slowly)
    model = serving.classifier()
    clock.now += 1
    waiting = threading.Thread(target=serving.classifier)
    waiting.start()
    asked.wait()
    assert serving.classifier() is model
    answer.set()
    waiting.join()


def test_without_any_model_it_says_so(tmp_path):
    with pytest.raises(serving_module.ModelUnavailable, match=r"gone\.onnx"):
        serving_module.ServingModel(tmp_path / "gone.onnx", lambda: None).classifier()


FORKING = f"""
import os, django
django.setup()
from django.core.management import call_command
from django.db import connection
from ml.recognition import predict_strokes
from recognizer.serving import current_classifier
from recognizer.models import ModelVersion
call_command("migrate", verbosity=0)
mine = current_classifier()
before = predict_strokes(mine, {SEVEN})
child = os.fork()
if not child:
    theirs = current_classifier()
    fine = theirs is not mine and predict_strokes(theirs, {SEVEN}).text == before.text
    os._exit(0 if fine and not ModelVersion.objects.exists() else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert current_classifier() is mine
assert not ModelVersion.objects.exists()
print("fine")
"""


def test_a_fork_shares_neither_model_nor_connection(tmp_path):
    environment = {
        "DJANGO_SETTINGS_MODULE": "mnist_site.settings",
        "SECRET_KEY": "tests only",
        "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
        "PATH": str(Path(sys.executable).parent),
    }
    done = subprocess.run(
        [sys.executable, "-c", FORKING], env=environment, cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout.strip() == "fine", done.stderr


def ids(messages):
    return [message.id for message in messages if message.id.startswith("recognizer")]


def test_a_missing_file_fails_the_check(settings, tmp_path):
    settings.SHIPPED_MODEL = tmp_path / "gone.onnx"
    assert ids(run_checks()) == ["recognizer.E001"]


@pytest.mark.django_db
def test_a_promoted_model_that_cannot_serve_is_said(other, admin_user):
    registry.promote(other, admin_user)
    assert "recognizer.W001" not in ids(run_checks(databases=["default"]))
    ModelVersion.objects.update(content=b"damaged")
    assert "recognizer.W001" in ids(run_checks(databases=["default"]))
    ModelVersion.objects.update(status=ModelStatus.RETIRED)
    assert "recognizer.W001" not in ids(run_checks(databases=["default"]))


def test_all_is_well_with_the_shipped_model():
    assert ids(run_checks()) == []
