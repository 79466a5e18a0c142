"""The commands of the Procfile, run as a host runs them."""

import json
from http.client import HTTPConnection
from urllib.parse import urlsplit
from urllib.request import Request, urlopen
from uuid import uuid4

import pytest

from tools.samples import SEVEN
from tools.server import serve


def test_migrates_serves_keeps_and_stops(tmp_path):
    with serve(tmp_path, WEB_CONCURRENCY="2") as site:
        request = Request(
            f"{site}/api/v1/drawings/{uuid4()}",
            json.dumps({"strokes": SEVEN}).encode(),
            {"Content-Type": "application/json"},
            method="PUT",
        )
        with urlopen(request) as response:
            assert (response.status, json.load(response)["text"]) == (201, "7")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with serve(tmp_path_factory.mktemp("site")) as site:
        yield urlsplit(site).netloc


# Whose body another middleware had measured before it got its shape.
ERRORS = [
    ("GET", "/api/nope", 404), ("GET", "/api/v1/predict", 405), ("OPTIONS", "/v2", 405),
    ("GET", "/v2/models/resnet", 404),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "status"), ERRORS)
def test_an_error_is_as_long_as_it_says(site, method, path, status):
    """And the next answer on its connection is whole."""
    connection = HTTPConnection(site, timeout=10)
    connection.request(method, path)
    with connection.getresponse() as response:
        assert response.status == status
        assert json.loads(response.read())
    connection.request("GET", "/health/live")
    with connection.getresponse() as response:
        assert json.load(response) == {"status": "ok"}
    connection.close()


TYPES = {
    "application/json; x*=nosuch''%41": 400,
    "application/json; charset=rot13": 200,
    "application/json; charset=idna": 200,
    "application/json; charset=utf-8": 200,
}


@pytest.mark.parametrize(("content_type", "status"), TYPES.items())
def test_an_odd_content_type_breaks_nothing(site, content_type, status):
    connection = HTTPConnection(site, timeout=10)
    body = json.dumps({"strokes": SEVEN})
    connection.request(
        "POST", "/api/v1/predict?images=%74rue", body, {"Content-Type": content_type}
    )
    with connection.getresponse() as response:
        assert response.status == status
    connection.close()
