"""Two servers with two workers each, on one PostgreSQL, follow promotions under load."""

import json
import os
from threading import Condition, Thread
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
CLIENTS_PER_SERVER = 2
# Consecutive predictions by one version that show that all workers have followed.
SETTLED = 20
HANG = 60  # seconds after which a test that waits in vain fails


class Client(Thread):
    """A client that sends predictions to one server until it is stopped."""

    def __init__(self, site, answered):
        super().__init__()
        self.answered, self.stopped = answered, False
        self.answers, self.failures = [], []
        # urlopen opens a connection per request, which spreads the requests over the workers.
        self.request = Request(f"{site}/api/v1/predict", BODY, {"Content-Type": "application/json"})

    def run(self):
        while not self.stopped:
            try:
                with urlopen(self.request, timeout=HANG) as response:
                    self.answers.append(json.load(response))
            except Exception as error:
                self.failures.append(error)
            with self.answered:
                self.answered.notify_all()

    def has_settled(self, version):
        latest = self.answers[-SETTLED:]
        return len(latest) == SETTLED and {answer["model"] for answer in latest} == {version}


@pytest.fixture
def sites(tmp_path, static_files):
    """Start two servers on the test database and return their URLs."""
    database = urlsplit(os.environ["DATABASE_URL"])
    environment = {
        "DATABASE_URL": database._replace(path=connection.settings_dict["NAME"]).geturl(),
        "WEB_CONCURRENCY": "2",
    }
    with serve(tmp_path, **environment) as first, serve(tmp_path, **environment) as second:
        yield first, second


def test_all_processes_follow_promotions_under_load_without_failures(sites, admin_user, shipped):
    answered = Condition()
    clients = [Client(site, answered) for site in sites for _ in range(CLIENTS_PER_SERVER)]
    first, second = (registry.register(variant(temperature))[0] for temperature in (2.0, 3.0))

    def wait_until_served(version):
        with answered:
            assert answered.wait_for(
                lambda: all(client.has_settled(version) for client in clients), timeout=HANG
            )

    for client in clients:
        client.start()
    try:
        wait_until_served(shipped.version)
        registry.promote(first, admin_user)
        wait_until_served(first.version)
        registry.promote(second, admin_user)
        wait_until_served(second.version)
        registry.roll_back(admin_user)
        wait_until_served(first.version)
    finally:
        for client in clients:
            client.stopped = True
        for client in clients:
            client.join()
    assert [failure for client in clients for failure in client.failures] == []
    predictions = {}
    for answer in (answer for client in clients for answer in client.answers):
        predictions.setdefault(answer["model"], set()).add(json.dumps(answer["digits"]))
    assert predictions.keys() == {shipped.version, first.version, second.version}
    # Each version always gives the same prediction, also after a rollback to it.
    assert all(len(texts) == 1 for texts in predictions.values())
    assert predictions[first.version] != predictions[second.version]
