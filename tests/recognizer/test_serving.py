"""The serving model: loading, following promotions, fallback, fork; and its system checks."""

import threading

import pytest
from django.core.checks import run_checks
from django.db import OperationalError

from ml.classifier import Classifier
from ml.recognition import predict_strokes
from recognizer import registry, serving
from recognizer.models import ModelStatus, ModelVersion
from tests.conftest import run_python
from tests.polling import TIMEOUT
from tools.samples import SEVEN, SHIPPED


@pytest.fixture
def clock(monkeypatch):
    """Replace the monotonic clock by one that only the test advances."""

    class Clock:
        now = 1_000.0

    monkeypatch.setattr(serving, "monotonic", lambda: Clock.now)
    return Clock


@pytest.fixture
def serving_model(db, clock):
    """Return a ServingModel that follows the test database, in the thread of the test."""
    return serving.ServingModel(SHIPPED, ModelVersion.promoted_sha256, run=lambda check: check())


def probabilities(classifier):
    return predict_strokes(classifier, SEVEN).digits[0].probabilities


def test_classifier_called_by_many_threads_loads_once(monkeypatch):
    loads = []

    class CountedClassifier(Classifier):
        def __init__(self, content):
            loads.append(content)
            super().__init__(content)

    monkeypatch.setattr(serving, "Classifier", CountedClassifier)
    serving_model = serving.ServingModel(SHIPPED, lambda: None)
    assert loads == []
    barrier = threading.Barrier(8)

    def load():
        barrier.wait()
        serving_model.classifier()

    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loads) == 1


def test_classifier_queries_the_database_once_per_second(
    serving_model, clock, django_assert_num_queries
):
    with django_assert_num_queries(1):
        for _ in range(100):
            serving_model.classifier()
    clock.now += 0.99
    with django_assert_num_queries(0):
        serving_model.classifier()
    clock.now += 0.02
    with django_assert_num_queries(1):
        serving_model.classifier()


def test_classifier_follows_promotion_and_rollback(serving_model, clock, candidate, admin_user):
    shipped = serving_model.classifier()
    before = probabilities(shipped)
    registry.promote(candidate, admin_user)
    assert serving_model.classifier() is shipped
    clock.now += 1
    assert serving_model.classifier().version == candidate.version
    assert probabilities(serving_model.classifier()) != before
    registry.roll_back(admin_user)
    clock.now += 1
    assert serving_model.classifier().sha256 == shipped.sha256
    assert probabilities(serving_model.classifier()) == before


def test_check_now_follows_promotion_without_delay(serving_model, clock, candidate, admin_user):
    serving_model.classifier()
    registry.promote(candidate, admin_user)
    serving_model.check_now()
    assert serving_model.classifier().version == candidate.version


def flip_bit(content):
    return content[:90_000] + bytes([content[90_000] ^ 4]) + content[90_001:]


@pytest.mark.parametrize("damage", [lambda content: content[:-1], lambda content: b"", flip_bit])
def test_classifier_with_damaged_promoted_model_keeps_the_previous_one(
    serving_model, clock, candidate, admin_user, damage
):
    previous = serving_model.classifier()
    before = probabilities(previous)
    registry.promote(candidate, admin_user)
    content = candidate.content
    ModelVersion.objects.update(content=damage(content))
    clock.now += 1
    assert serving_model.classifier() is previous
    assert probabilities(previous) == before
    assert "SHA-256" in serving_model.problem
    ModelVersion.objects.update(content=content)
    clock.now += 1
    assert serving_model.classifier().version == candidate.version
    assert serving_model.problem == ""


def fail():
    raise OperationalError("no connection")


def test_classifier_during_database_outage_keeps_the_previous_one(
    serving_model, clock, candidate, admin_user
):
    registry.promote(candidate, admin_user)
    previous = serving_model.classifier()
    serving_model.promoted = fail
    clock.now += 1
    assert serving_model.classifier() is previous


def test_classifier_with_database_outage_at_start_follows_after_recovery(
    serving_model, clock, candidate, admin_user
):
    registry.promote(candidate, admin_user)
    serving_model.promoted = fail
    assert serving_model.classifier().content == SHIPPED.read_bytes()
    serving_model.promoted = ModelVersion.promoted_sha256
    clock.now += 1
    assert serving_model.classifier().version == candidate.version


def test_classifier_does_not_wait_for_a_slow_database(clock):
    answer, threads = threading.Event(), []

    def promoted():
        if threads:
            assert answer.wait(TIMEOUT)

    def run(check):
        threads.append(threading.Thread(target=check))
        threads[-1].start()

    serving_model = serving.ServingModel(SHIPPED, promoted, run)
    classifier = serving_model.classifier()
    for _ in range(2):
        clock.now += 1
        assert serving_model.classifier() is classifier
    assert len(threads) == 1
    answer.set()
    threads[0].join()
    clock.now += 1
    serving_model.classifier()
    assert len(threads) == 2
    threads[1].join()


def test_classifier_without_a_free_thread_keeps_the_model_and_checks_later(clock, monkeypatch):
    def refuse(thread):
        raise RuntimeError("can't start new thread")

    checked = threading.Event()
    serving_model = serving.ServingModel(SHIPPED, checked.set)
    classifier = serving_model.classifier()
    checked.clear()
    clock.now += 1
    with monkeypatch.context() as exhausted:
        exhausted.setattr(threading.Thread, "start", refuse)
        assert serving_model.classifier() is classifier
    assert serving_model.classifier() is classifier
    assert checked.wait(TIMEOUT)


def test_missing_model_and_database_reveal_no_address(tmp_path):
    def refuse():
        raise OperationalError('connection to server at "10.0.0.7" failed: user "digits"')

    serving_model = serving.ServingModel(tmp_path / "missing.onnx", refuse)
    with pytest.raises(serving.ModelUnavailable) as error:
        serving_model.classifier()
    assert str(error.value) == "missing.onnx cannot be read: No such file or directory"


FORK = f"""
import os, django
django.setup()
from django.core.management import call_command
from django.db import connection
from ml.recognition import predict_strokes
from recognizer.serving import current_classifier
from recognizer.models import ModelVersion
call_command("migrate", verbosity=0)
parent = current_classifier()
before = predict_strokes(parent, {SEVEN})
pid = os.fork()
if not pid:
    child = current_classifier()
    equal = child is not parent and predict_strokes(child, {SEVEN}).text == before.text
    os._exit(0 if equal and ModelVersion.objects.exists() else 1)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
assert current_classifier() is parent
assert ModelVersion.objects.exists()
print("passed")
"""


def test_fork_resets_classifier_and_connections(tmp_path):
    database = f"sqlite:///{tmp_path}/db.sqlite3"
    process = run_python(FORK, SECRET_KEY="tests only", DATABASE_URL=database)
    assert process.stdout.strip() == "passed", process.stderr


def check_ids(**options):
    return [m.id for m in run_checks(**options) if m.id.startswith("recognizer")]


def test_check_shipped_model_reports_a_missing_file(settings, tmp_path):
    assert check_ids() == []
    settings.SHIPPED_MODEL = tmp_path / "missing.onnx"
    assert check_ids() == ["recognizer.E001"]


def test_check_promoted_model_reports_a_damaged_model(candidate, admin_user):
    registry.promote(candidate, admin_user)
    assert "recognizer.W001" not in check_ids(databases=["default"])
    ModelVersion.objects.update(content=b"damaged")
    assert "recognizer.W001" in check_ids(databases=["default"])
    ModelVersion.objects.update(status=ModelStatus.RETIRED)
    assert "recognizer.W001" not in check_ids(databases=["default"])
