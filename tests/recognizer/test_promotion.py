"""Two servers with two workers each on one PostgreSQL follow a promotion under load."""

import json
import os
import threading
import time
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest
from django.db import connection

from recognizer import registry
from tests.conftest import variant
from tools.samples import SEVEN
from tools.server import serve

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.postgresql,
]

BODY = json.dumps({"strokes": SEVEN}).encode()
CLIENTS = 2  # a server
WITHIN = 2.0  # seconds


class Client(threading.Thread):
    """Asks one server again and again; each answer comes with when and from whom it was asked."""

    def __init__(self, site, stop):
        super().__init__()
        self.stop, self.answers, self.failures = stop, [], []
        # Each time on a new connection, so that all workers get their share.
        self.request = Request(f"{site}/api/v1/predict", BODY, {"Content-Type": "application/json"})

    def run(self):
        while not self.stop.is_set():
            asked = time.monotonic()
            try:
                with urlopen(self.request, timeout=10) as response:
                    self.answers.append((asked, json.load(response)))
            except Exception as error:
                self.failures.append(error)


@pytest.fixture
def sites(tmp_path):
    """The addresses of two servers on the database of the test."""
    database = urlsplit(os.environ["DATABASE_URL"])
    environment = {
        "DATABASE_URL": database._replace(path=connection.settings_dict["NAME"]).geturl(),
        "WEB_CONCURRENCY": "2",
    }
    with serve(tmp_path, **environment) as one, serve(tmp_path, **environment) as other:
        yield one, other


def test_every_process_follows_under_load_and_nothing_fails(sites, admin_user, shipped):
    stop = threading.Event()
    clients = [Client(site, stop) for site in sites for _ in range(CLIENTS)]
    first, second = (registry.register(variant(heat))[0] for heat in (2.0, 3.0))
    for client in clients:
        client.start()
    try:
        time.sleep(2)
        moments = []
        for change in (
            lambda: registry.promote(first, admin_user),
            lambda: registry.promote(second, admin_user),
            lambda: registry.roll_back(admin_user),
        ):
            change()
            moments.append(time.monotonic())
            time.sleep(WITHIN + 1)
    finally:
        stop.set()
        for client in clients:
            client.join()
    assert [failure for client in clients for failure in client.failures] == []
    answers = sorted((one for client in clients for one in client.answers), key=lambda one: one[0])
    ends = [*moments[1:], time.monotonic()]
    expected = (str(first), str(second), str(first))
    settled = []
    for moment, end, version in zip(moments, ends, expected, strict=True):
        after = [answer for asked, answer in answers if moment + WITHIN <= asked < end - 0.2]
        assert len(after) > 20
        assert {answer["model"] for answer in after} == {version}
        settled.append({json.dumps(answer["digits"]) for answer in after})
    assert settled[0] == settled[2] != settled[1]
    assert len(settled[0]) == 1
    late = [asked - moments[0] for asked, one in answers if one["model"] == shipped.version]
    print(f"{len(answers)} answers; the last by the old model was asked for at {max(late):+.2f} s")
