"""Limits of the waits for PostgreSQL: a frozen server answers nothing."""

import pytest
from django.db import OperationalError, connection
from psycopg import Connection

from recognizer import drawings, views
from recognizer.database import postgresql, waits
from recognizer.database.waits import limit_database_waits

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def used():
    """A connection; if a query failed and closed it, afterwards end the query in the server."""
    connection.ensure_connection()
    used = connection.connection
    pid = used.info.backend_pid
    yield used
    connection.close()
    # An open connection is in the pool again and may run the next query.
    if used.closed:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 60000)", [pid])


def sleep(*_):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(600)")


def test_wait_beyond_the_deadline_fails_and_closes_the_connection(used):
    with pytest.raises(OperationalError), limit_database_waits(0.01):
        sleep()
    assert used.closed


def test_time_between_waits_does_not_count(used, monkeypatch):
    now, limits = [1_000], []

    def wait(connection, generator, timeout):
        limits.append(timeout)
        now[0] += 2

    with monkeypatch.context() as replaced, limit_database_waits(3):
        replaced.setattr(postgresql, "monotonic", lambda: now[0])
        replaced.setattr(Connection, "wait", wait)
        for _ in range(3):
            now[0] += 100
            used.wait(None)
    assert limits == [3, 1, 0]


def test_single_wait_beyond_the_limit_of_requests_fails(used, monkeypatch):
    with monkeypatch.context() as limited:
        limited.setattr(waits, "max_wait", 0.01)
        with pytest.raises(OperationalError):
            sleep()
    assert used.closed


def test_readiness_probe_has_a_deadline(used, client, settings, monkeypatch):
    settings.PROBE_TIMEOUT = 0.01
    monkeypatch.setattr(views, "MigrationRecorder", sleep)
    response = client.get("/health/ready")
    assert (response.status_code, response.json()["problems"]) == (503, {"database": "unavailable"})


def test_api_request_has_a_deadline(used, put, settings, monkeypatch):
    settings.API_TIMEOUT = 0.01
    monkeypatch.setattr(drawings, "save", sleep)
    assert put().status_code == 503
