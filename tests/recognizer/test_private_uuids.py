"""A drawing's UUID authorizes deletion: only staff with the permission to delete can see it."""

import re
from urllib.parse import urljoin, urlsplit

import pytest
from django.contrib.auth.models import Permission

from recognizer import drawings
from recognizer.models import Digit

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
        found = {link for link in links if urlsplit(link).path not in map(path_of, seen)}
        found = {link for link in found if link.startswith("/admin/") and "logout" not in link}
        waiting += sorted(found - seen)
        seen |= found


def path_of(address):
    return urlsplit(address).path


def test_admin_pages_without_delete_permission_contain_no_uuid(reviewer, saved_drawing):
    seen = dict(pages(reviewer))
    assert f"{DIGITS}{Digit.objects.get().pk}/change/" in seen
    for address, text in seen.items():
        assert str(saved_drawing.pk) not in address + text, address


def test_review_queue_contains_no_uuid(reviewer, saved_drawing):
    response = reviewer.post(
        f"{DIGITS}review/next/?review=done", NEXT_CARDS, content_type="application/json"
    )
    assert len(response.json()["cards"]) == 1
    assert str(saved_drawing.pk) not in response.content.decode()
