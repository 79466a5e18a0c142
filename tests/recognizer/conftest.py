"""What tests of the site share."""

import io
from uuid import uuid4

import numpy as np
import pytest
from PIL import Image

from ml import ink
from recognizer import classifier, services, versions
from recognizer.models import Drawing
from tests.conftest import SEVEN, variant


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
        classifier, "serving", classifier.Serving(tmp_path / "gone.onnx", lambda: None)
    )


@pytest.fixture
def other(db):
    """A candidate that answers otherwise than the shipped model."""
    return versions.register(variant(2.0))[0]


@pytest.fixture
def another(db):
    """One more candidate."""
    return versions.register(variant(3.0))[0]


def picture_of(strokes, format="PNG"):
    """A picture of strokes as the bytes of a file."""
    grid = Image.fromarray(np.invert(ink.draw(strokes)))
    buffer = io.BytesIO()
    grid.resize((280, 280)).save(buffer, format)
    return buffer.getvalue()


@pytest.fixture
def kept():
    """A drawing in the log: a seven."""
    id = uuid4()
    services.keep(id, SEVEN, "page")
    return Drawing.objects.get(id=id)
