"""Requests that outlive their browser test."""

import pytest

from recognizer.models import Drawing
from tests.browser.stale_requests import HEADER


@pytest.mark.django_db
def test_request_of_an_earlier_test_is_rejected(put):
    assert put(**{HEADER: "earlier"}).status_code == 410
    assert not Drawing.objects.exists()
