"""What tests of all kinds share."""

from fcntl import LOCK_EX, flock
from pathlib import Path

import numpy as np
import onnx
import pytest
from django.conf import settings as site
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import call_command
from hypothesis import HealthCheck, settings

from ml import export
from ml.classifier import Classifier

# No test has a clock in it: a busy machine is no defect.
settings.register_profile("digits", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("digits")

ROOT = Path(__file__).parent.parent
SHIPPED = ROOT / "ml" / "weights" / "lenet.onnx"

# A seven as somebody draws it: one stroke, in pixels.
SEVEN = [[[60, 60, 0], [220, 60, 80], [190, 110, 130], [150, 180, 190], [125, 260, 260]]]


@pytest.fixture(scope="session")
def shipped() -> Classifier:
    """The classifier that ships with the project."""
    return Classifier(SHIPPED.read_bytes())


@pytest.fixture(scope="session")
def static_files():
    """Static files as they are for deployment, hashed and compressed, of which one process
    collects those that changed: it takes half a minute.
    """
    sources = [ROOT / "requirements.txt", *(ROOT / "mnist_site").glob("*.py")]
    sources += (ROOT / "static").rglob("*")
    manifest = site.STATIC_ROOT / "staticfiles.json"
    with (site.VAR / "tests-static.lock").open("w") as lock:
        flock(lock, LOCK_EX)
        changed = max(source.stat().st_mtime for source in sources)
        if not manifest.exists() or manifest.stat().st_mtime < changed:
            call_command("collectstatic", interactive=False, clear=True, verbosity=0)
    names, digest = staticfiles_storage.load_manifest()
    staticfiles_storage.hashed_files, staticfiles_storage.manifest_hash = names, digest


def variant(temperature, errors=45):
    """The bytes of a model like the shipped one, surer or less so; below zero, it errs."""
    model = onnx.load(SHIPPED)
    facts = {
        "thresholds": {"digit": 0.9, "sure": 0.9},
        "metrics": {"mnist_test": {"errors": errors, "of": 10_000, "calibration_error": 0.01}},
    }
    (tensor,) = (one for one in model.graph.initializer if one.name == "temperature")
    tensor.CopyFrom(onnx.numpy_helper.from_array(np.float32(temperature), "temperature"))
    return export.describe(model, facts)


def measured_figures(let_through, errors=3, work=1):
    """What might have been measured of a model."""
    cell = {"size": 0.3, "place": "corner", "pen": "thin", "ink": "light on dark"}
    right = {"confidence": 0.9, "accuracy": 0.8, "interval": [0.7, 0.9]}
    return {
        "work": work,
        "robustness": [{**cell, "errors": errors, "of": 50}, {**cell, "errors": 0, "of": 50}],
        "non_digits": {"held_out": {"drawings": 100, "refused": {"98": 1 - let_through / 100}}},
        "pictures": {"numbers": 20, "read_whole": 19},
        "reliability": [{**right, "count": 5}, {**right, "count": 0}],
    }


@pytest.fixture(autouse=True)
def shipped_serves(monkeypatch):
    """Whatever says nothing else is answered by the shipped model, without a database."""
    from recognizer import classifier

    monkeypatch.setattr(classifier, "serving", classifier.Serving(SHIPPED, lambda: None))
