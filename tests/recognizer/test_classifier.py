"""The singleton: loaded once, followed when replaced, never taken down by a bad file."""

import threading

import pytest
from django.core.checks import run_checks

from ml.classifier import Classifier
from recognizer import classifier
from tests.conftest import SHIPPED

GOOD = SHIPPED.read_bytes()
OTHER = GOOD.replace(b'"zero"', b'"nil!"')


@pytest.fixture
def files(tmp_path):
    """A preferred file and the one behind it."""
    return [tmp_path / "trained.onnx", tmp_path / "shipped.onnx"]


def test_loads_once_whoever_asks(files, monkeypatch):
    files[1].write_bytes(GOOD)
    loads = []

    class Counted(Classifier):
        def __init__(self, content):
            loads.append(content)
            super().__init__(content)

    monkeypatch.setattr(classifier, "Classifier", Counted)
    serving = classifier.Serving(files)
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


def test_prefers_the_trained_file_and_follows_it(files):
    files[1].write_bytes(GOOD)
    serving = classifier.Serving(files)
    assert serving.classifier().labels[0] == "zero"
    files[0].write_bytes(OTHER)
    assert serving.classifier().labels[0] == "nil!"
    files[0].unlink()
    assert serving.classifier().labels[0] == "zero"


@pytest.mark.parametrize("bad", [b"", b"not a model", GOOD[:1000], GOOD[:-1]])
def test_a_bad_file_does_not_replace_the_one_that_serves(files, bad):
    files[0].write_bytes(OTHER)
    files[1].write_bytes(GOOD)
    serving = classifier.Serving(files)
    before = serving.classifier()
    files[0].write_bytes(bad)
    assert serving.classifier() is before
    assert files[0] in serving.problems


def test_a_bad_file_at_start_is_passed_over(files):
    files[0].write_bytes(b"not a model")
    files[1].write_bytes(GOOD)
    serving = classifier.Serving(files)
    assert serving.classifier().content == GOOD
    assert files[0] in serving.problems


def test_without_any_file_it_says_so(files):
    with pytest.raises(classifier.ModelUnavailable, match="no model file"):
        classifier.Serving(files).classifier()


def test_a_missing_model_fails_the_check(no_model):
    assert "recognizer.E001" in [message.id for message in run_checks()]


def test_a_model_that_is_passed_over_fails_the_check(files, monkeypatch):
    files[0].write_bytes(b"not a model")
    files[1].write_bytes(GOOD)
    monkeypatch.setattr(classifier, "serving", classifier.Serving(files))
    assert "recognizer.E002" in [message.id for message in run_checks()]


def test_all_is_well_with_the_shipped_model():
    assert [message.id for message in run_checks() if message.id.startswith("recognizer")] == []
