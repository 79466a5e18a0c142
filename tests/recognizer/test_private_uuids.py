"""A drawing's UUID authorizes deletion: only staff with the permission to delete can see it."""

import hashlib
import math
import re
from urllib.parse import urljoin, urlsplit
from uuid import UUID

import pytest
from django.contrib.auth.models import Permission

from ml.classifier import Classifier
from recognizer import drawings, registry, review_queue, serving
from recognizer.models import Digit, ModelVersion
from tests.conftest import with_facts
from tools.samples import SHIPPED

DIGITS, DRAWINGS = "/admin/recognizer/digit/", "/admin/recognizer/drawing/"
LINK = re.compile(r'href="([^"#]+)')
# Answers of the review queue and exports contain no links.
NEXT_CARDS = {"order": "oldest", "after": None, "count": 50}

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]


@pytest.fixture
def reviewer(client, django_user_model, saved_drawing):
    """A client of staff with all permissions except those to delete."""
    user = django_user_model.objects.create_user("bo", password="x", is_staff=True)
    user.user_permissions.set(Permission.objects.exclude(codename__startswith="delete"))
    drawings.label_as_reviewer(Digit.objects.all(), "7", user)
    client.force_login(user)
    return client


def pages(client):
    """Yield address and text of the admin's pages that links reach."""
    waiting, seen = ["/admin/"], set()
    while waiting:
        address = waiting.pop()
        response = client.get(address)
        if response.status_code != 200 or "html" not in response["Content-Type"]:
            continue
        text = response.content.decode()
        yield address, text
        links = {urljoin(address, link.replace("&amp;", "&")) for link in LINK.findall(text)}
        # Every query of a list has the same cells.
        known = {urlsplit(address).path for address in seen}
        found = {link for link in links if urlsplit(link).path not in known}
        found = {link for link in found if link.startswith("/admin/") and "logout" not in link}
        waiting += sorted(found - seen)
        seen |= found


@pytest.fixture
def earlier_model(saved_drawing, admin_user, monkeypatch):
    """The serving model, in the form of an earlier release."""
    training = {"seconds": 1, "held_out_writers": [str(saved_drawing.pk), "anna"]}
    model, _ = registry.register(with_facts(training=training))
    registry.promote(model, admin_user, "It is a test.")
    served = serving.ServingModel(SHIPPED, ModelVersion.promoted_sha256)
    monkeypatch.setattr(serving, "serving_model", served)
    return model


def test_model_of_an_earlier_release_publishes_no_uuid(client, admin_client, earlier_model):
    assert client.get("/api/v1/model").json()["training"] == {"seconds": 1}
    sha256 = client.get("/api/v1/model").json()["sha256"]
    assert client.get("/api/v1/model.onnx")["ETag"] == f'"{sha256}"'
    download = admin_client.get(f"/admin/recognizer/modelversion/{earlier_model.pk}/download/")
    for response in (client.get("/api/v1/model.onnx"), download):
        assert hashlib.sha256(response.content).hexdigest() == sha256
        served = Classifier(response.content)
        assert served.facts["training"]["held_out_writers"] == [str(UUID(int=0)), "anna"]
        assert served.version == earlier_model.version


def test_admin_pages_without_delete_permission_contain_no_uuid(
    reviewer, saved_drawing, earlier_model
):
    seen = dict(pages(reviewer))
    assert "anna" not in seen[f"/admin/recognizer/modelversion/{earlier_model.pk}/change/"]
    assert f"{DIGITS}{Digit.objects.get().pk}/change/" in seen
    for address, text in seen.items():
        assert str(saved_drawing.pk) not in address + text, address


def test_review_queue_contains_no_uuid(reviewer, saved_drawing, monkeypatch):
    monkeypatch.setattr(review_queue, "REPEAT_EVERY", math.inf)
    response = reviewer.post(
        f"{DIGITS}review/next/?review=done", NEXT_CARDS, content_type="application/json"
    )
    assert len(response.json()["cards"]) == 1
    assert str(saved_drawing.pk) not in response.content.decode()
