"""Fixtures and sample data shared by all tests."""

import io
import os
import subprocess
import sys
import time
from fcntl import LOCK_EX, flock
from shutil import rmtree
from uuid import uuid4

import numpy as np
import onnx
import pytest
from django.conf import settings as site
from django.contrib.staticfiles.management.commands import collectstatic
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import call_command
from django.db import connection
from hypothesis import HealthCheck, settings
from PIL import Image
from whitenoise.compress import Compressor

from ml.classifier import Classifier
from ml.preprocessing.strokes import rasterize
from ml.training import data, export, outliers
from mnist_site.storage import HashedStaticFilesStorage
from recognizer import drawings, registry, serving
from recognizer.models import Drawing, ModelVersion, Source
from tests.polling import TIMEOUT
from tools.samples import ROOT, SEVEN, SHIPPED

# Every run has the same examples and no deadlines, so that a change fails for its own faults only,
# also on a busy machine. `pytest --hypothesis-profile default` tries new examples.
settings.register_profile(
    "digits", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("digits")


@pytest.fixture(scope="session")
def shipped() -> Classifier:
    """Return the shipped classifier."""
    return Classifier(SHIPPED.read_bytes())


@pytest.fixture(scope="session")
def static_files():
    """Serve hashed and compressed static files, as in a deployment.

    Collecting takes seconds, so one process does it, and only after a change.
    """
    folder = site.STATIC_ROOT
    with (site.VAR / "tests-static.lock").open("w") as lock:
        flock(lock, LOCK_EX)
        if not (folder / "staticfiles.json").exists():
            partial = folder.with_suffix(".partial")
            rmtree(partial, ignore_errors=True)
            command = collectstatic.Command()
            command.storage = storage = HashedStaticFilesStorage(location=partial)
            # Only a dependency of the tests installs Brotli, which is slow.
            storage.create_compressor = lambda **options: Compressor(use_brotli=False, **options)
            call_command(command, interactive=False, verbosity=0)
            # Replaces the empty folder in one step.
            partial.rename(folder)
        for old in site.VAR.glob("tests-static-*"):
            if old != folder and old.stat().st_mtime < time.time() - 3600:
                rmtree(old)
    names, digest = staticfiles_storage.load_manifest()
    staticfiles_storage.hashed_files, staticfiles_storage.manifest_hash = names, digest


def call(*arguments):
    """Run a command of ``manage.py`` and return its output."""
    out = io.StringIO()
    call_command(*map(str, arguments), stdout=out, stderr=out)
    return out.getvalue()


def run(*command, folder=ROOT, **environment):
    """Run a command with only the given environment; return the completed process."""
    return subprocess.run(
        command,
        env={"PATH": os.environ["PATH"], **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )


def run_python(code, **environment):
    """Run code in a new process, with only the given environment and no .env file."""
    prelude = "import environs; environs.Env.read_env = lambda *a, **k: None;"
    environment.setdefault("DJANGO_SETTINGS_MODULE", "mnist_site.settings")
    return run(sys.executable, "-c", prelude + code, **environment)


def with_facts(**facts):
    """Return the shipped model with only these facts and thresholds."""
    thresholds = {"digit": 0.5, "sure": 0.5}
    return export.describe(onnx.load(SHIPPED), {"thresholds": thresholds, **facts})


def variant(temperature, errors=45, unread=None, **facts):
    """Return a copy of the shipped model with another temperature and other stated errors.

    It never predicts the digit ``unread``.
    """
    model = onnx.load(SHIPPED)
    metrics = {"mnist_test": {"errors": errors, "of": 10_000, "calibration_error": 0.01}}
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    tensors["temperature"].raw_data = np.float32(temperature).tobytes()
    if unread is not None:
        bias = tensors["net.classifier.4.bias"]
        values = onnx.numpy_helper.to_array(bias).copy()
        values[unread] = -1_000
        bias.raw_data = values.tobytes()
    facts = {"thresholds": {"digit": 0.9, "sure": 0.9}, "metrics": metrics, **facts}
    return export.describe(model, facts)


def measurement_metrics(accepted_non_digits, errors=3, work=1):
    """Return metrics as ``manage.py models measure`` stores them."""
    cell = {"size": 0.3, "place": "corner", "pen": "thin", "ink": "light on dark"}
    bin = {"confidence": 0.9, "accuracy": 0.8, "interval": [0.7, 0.9]}
    refused = {"98": 1 - accepted_non_digits / 100}
    return {
        "work": work,
        "robustness": [{**cell, "errors": errors, "of": 50}, {**cell, "errors": 0, "of": 50}],
        "non_digits": {"held_out": {"drawings": 100, "refused": refused}},
        "pictures": {"numbers": 20, "read_whole": 19},
        "reliability": [{**bin, "count": 5}, {**bin, "count": 0}],
    }


def picture_of(strokes):
    """Return the PNG of a 280x280 picture of strokes: dark ink on white."""
    grid = Image.fromarray(np.invert(rasterize(strokes)))
    buffer = io.BytesIO()
    grid.resize((280, 280)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix, tmp_path_factory):
    """Use a SQLite file, as in production: one in memory shares a connection between threads."""
    if connection.vendor == "sqlite":
        file = tmp_path_factory.mktemp("database") / "test.sqlite3"
        connection.settings_dict["TEST"]["NAME"] = str(file)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """Delete the model that the migration has stored: tests start with an empty registry."""
    with django_db_blocker.unblock():
        ModelVersion.objects.all().delete()


@pytest.fixture(autouse=True)
def serve_shipped_model(monkeypatch):
    """Serve the shipped model without asking the database."""
    monkeypatch.setattr(serving, "serving_model", serving.ServingModel(SHIPPED, lambda: None))


@pytest.fixture
def model_calls(monkeypatch):
    """Return the number of images in each call of a model."""
    calls, predict = [], Classifier.predict
    monkeypatch.setattr(
        Classifier,
        "predict",
        lambda classifier, images: calls.append(len(images)) or predict(classifier, images),
    )
    return calls


@pytest.fixture
def no_model(monkeypatch, tmp_path):
    """Serve without any model."""
    missing = serving.ServingModel(tmp_path / "missing.onnx", lambda: None)
    monkeypatch.setattr(serving, "serving_model", missing)


@pytest.fixture
def png():
    """Return a PNG of a seven."""
    return picture_of(SEVEN)


@pytest.fixture
def put(client):
    """Return a function that saves strokes through the API, by default under a new UUID."""

    def put_strokes(strokes=SEVEN, id=None, **headers):
        return client.put(
            f"/api/v1/drawings/{id or uuid4()}",
            {"strokes": strokes},
            content_type="application/json",
            headers=headers,
        )

    return put_strokes


@pytest.fixture
def saved_drawing(db):
    """Return a saved drawing of a seven."""
    id = uuid4()
    drawings.save(id, SEVEN, Source.PAGE)
    return Drawing.objects.get(id=id)


@pytest.fixture
def candidate(db):
    """Return a candidate with other probabilities than the shipped model."""
    return registry.register(variant(2.0))[0]


@pytest.fixture
def second_candidate(db):
    """Return a candidate with other probabilities than ``candidate``."""
    return registry.register(variant(3.0))[0]


@pytest.fixture(scope="module")
def few_outliers():
    """Generate at most 500 outliers at once."""
    generate = outliers.generate_grids
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            outliers, "generate_grids", lambda kinds, n, seed: generate(kinds, min(n, 500), seed)
        )
        yield


def export_weights(module):
    """Return the shipped graph with the weights of a module; PyTorch's exporter takes seconds."""
    model, weights = onnx.load(SHIPPED), module.state_dict()
    for tensor in model.graph.initializer:
        if tensor.name in weights:
            tensor.raw_data = weights[tensor.name].numpy().tobytes()
    return model


@pytest.fixture
def small_datasets(monkeypatch, few_outliers):
    """Train on 1,000 images and few outliers, and export without PyTorch's exporter."""
    monkeypatch.setattr(
        data, "split", lambda mnist: (mnist.subset(slice(1_000)), mnist.subset(slice(-500, None)))
    )
    monkeypatch.setattr(export, "export", export_weights)
