"""What tests of all kinds share."""

import io
from fcntl import LOCK_EX, flock
from uuid import uuid4

import numpy as np
import onnx
import pytest
from django.conf import settings as site
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import call_command
from hypothesis import HealthCheck, settings
from PIL import Image

from ml.classifier import Classifier
from ml.preprocessing.strokes import rasterize
from ml.training import export
from recognizer import drawings, registry, serving
from recognizer.models import Drawing
from tools.samples import ROOT, SEVEN, SHIPPED

# No test has a clock in it: a busy machine is no defect.
settings.register_profile("digits", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("digits")


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
    monkeypatch.setattr(serving, "serving_model", serving.ServingModel(SHIPPED, lambda: None))


@pytest.fixture
def png():
    """A picture of a seven: dark ink on white, 280x280."""
    return picture_of(SEVEN)


@pytest.fixture
def put(client):
    """PUT a drawing of strokes, under a new UUID unless one is given."""

    def put_strokes(strokes=SEVEN, id=None, **headers):
        return client.put(
            f"/api/v1/drawings/{id or uuid4()}",
            {"strokes": strokes},
            content_type="application/json",
            headers=headers,
        )

    return put_strokes


@pytest.fixture
def no_model(monkeypatch, tmp_path):
    """A site whose model is gone."""
    monkeypatch.setattr(
        serving, "serving_model", serving.ServingModel(tmp_path / "gone.onnx", lambda: None)
    )


@pytest.fixture
def other(db):
    """A candidate that answers otherwise than the shipped model."""
    return registry.register(variant(2.0))[0]


@pytest.fixture
def another(db):
    """One more candidate."""
    return registry.register(variant(3.0))[0]


def picture_of(strokes, format="PNG"):
    """A picture of strokes as the bytes of a file."""
    grid = Image.fromarray(np.invert(rasterize(strokes)))
    buffer = io.BytesIO()
    grid.resize((280, 280)).save(buffer, format)
    return buffer.getvalue()


@pytest.fixture
def kept():
    """A drawing in the log: a seven."""
    id = uuid4()
    drawings.save(id, SEVEN, "page")
    return Drawing.objects.get(id=id)
