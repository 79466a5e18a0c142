"""The commands of the Procfile, run as a host runs them."""

import json
from urllib.request import Request, urlopen
from uuid import uuid4

from tests.conftest import SEVEN
from tests.server import serve


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
