"""Load shedding: body buffering, concurrency limit, backlog, rejections, connections per slot."""

import io
import json
from threading import Event, Thread

import pytest
from django.db import connections

from mnist_site import load_shedding
from mnist_site.load_shedding import CONCURRENCY_LIMIT, LoadShedder
from tests.mnist_site.polling import TIMEOUT, wait_until

MAX_BODY_SIZE = 1_000


class Request:
    """A WSGI request and its response."""

    def __init__(self, path="/", body=b"", length=None, **environ):
        self.environ = {"PATH_INFO": path, "wsgi.input": io.BytesIO(body), **environ}
        self.environ["CONTENT_LENGTH"] = str(len(body) if length is None else length)

    def start_response(self, status, headers):
        self.status, self.headers = status, dict(headers)

    def send(self, application):
        self.body = b"".join(application(self.environ, self.start_response))
        return self


def echo(environ, start_response):
    start_response("200 OK", [])
    return [environ["wsgi.input"].read()]


class BlockingApplication:
    """An application whose requests wait for an event."""

    def __init__(self):
        self.started, self.release = [], Event()

    def __call__(self, environ, start_response):
        if environ["PATH_INFO"] != load_shedding.LIVENESS_PATH:
            self.started.append(environ)
            assert self.release.wait(TIMEOUT)
        return echo(environ, start_response)


@pytest.fixture
def blocking():
    application = BlockingApplication()
    yield application
    application.release.set()


@pytest.fixture
def long_queue_timeout(monkeypatch):
    monkeypatch.setattr(load_shedding, "QUEUE_TIMEOUT", TIMEOUT)


def start(target, *arguments):
    thread = Thread(target=target, args=arguments, daemon=True)
    thread.start()
    return thread


def send_all(count, application):
    """Send requests at the same time; return them and their threads."""
    requests = [Request(body=b"x") for _ in range(count)]
    return requests, [start(request.send, application) for request in requests]


def join(threads):
    for thread in threads:
        thread.join(TIMEOUT)
        assert not thread.is_alive()


def test_body_within_the_limit_is_buffered():
    assert Request(body=b"hello").send(LoadShedder(echo, MAX_BODY_SIZE)).body == b"hello"


def test_body_after_the_response_is_freed():
    bodies = []

    def application(environ, start_response):
        bodies.append(environ["wsgi.input"])
        return echo(environ, start_response)

    assert Request(body=b"ink").send(LoadShedder(application, MAX_BODY_SIZE)).body == b"ink"
    assert bodies[0].closed


def test_oversized_body_is_drained_and_discarded():
    request = Request(body=b"x" * 100_000)
    stream = request.environ["wsgi.input"]
    assert request.send(LoadShedder(echo, MAX_BODY_SIZE)).body == b""
    assert stream.tell() == 100_000


def test_incomplete_body_gets_408():
    request = Request(body=b"x", length=10).send(LoadShedder(echo, MAX_BODY_SIZE))
    assert request.status == "408 Request Timeout"
    assert "9 bytes" in json.loads(request.body)["detail"]


@pytest.mark.parametrize("length", ["", "abc", "-1"])
def test_body_of_unknown_length_is_not_buffered(length):
    request = Request(length=length)
    stream = request.environ["wsgi.input"]
    request.send(LoadShedder(echo, MAX_BODY_SIZE))
    assert request.environ["wsgi.input"] is stream


def test_full_backlog_rejects_with_503(blocking, long_queue_timeout):
    shedder = LoadShedder(blocking, MAX_BODY_SIZE, backlog_limit=2)
    accepted, threads = send_all(CONCURRENCY_LIMIT + 2, shedder)
    wait_until(lambda: len(shedder._backlog) == 2)
    rejected = Request().send(shedder)
    assert rejected.status == "503 Service Unavailable"
    assert rejected.headers["Retry-After"] == "1"
    assert rejected.headers["Content-Type"] == "application/problem+json"
    assert json.loads(rejected.body)["status"] == 503
    blocking.release.set()
    join(threads)
    assert {request.status for request in accepted} == {"200 OK"}
    assert Request().send(shedder).status == "200 OK"


@pytest.mark.parametrize("origin", ["https://digits.example", "https://other.example", None])
def test_rejection_is_readable_by_pages_of_allowed_origins(origin):
    shedder = LoadShedder(echo, MAX_BODY_SIZE, cors_origins={"https://digits.example"})
    environ = {"HTTP_ORIGIN": origin} if origin else {}
    rejected = Request(body=b"x", length=10, **environ).send(shedder)
    allowed = origin == "https://digits.example"
    assert rejected.headers.get("Access-Control-Allow-Origin") == (origin if allowed else None)
    assert rejected.headers.get("Access-Control-Expose-Headers") == (
        "Retry-After" if allowed else None
    )


def test_callbacks_report_backlog_changes_and_rejections(blocking, long_queue_timeout):
    changes, rejections = [], []
    shedder = LoadShedder(
        blocking,
        MAX_BODY_SIZE,
        backlog_limit=2,
        on_backlog_change=changes.append,
        on_reject=lambda: rejections.append(1),
    )
    _, threads = send_all(CONCURRENCY_LIMIT + 2, shedder)
    wait_until(lambda: len(changes) == 2)
    Request().send(shedder)
    blocking.release.set()
    join(threads)
    assert (changes, rejections) == ([1, 1, -1, -1], [1])


def test_request_after_the_queue_timeout_is_rejected_and_never_processed(blocking, monkeypatch):
    monkeypatch.setattr(load_shedding, "QUEUE_TIMEOUT", 0.01)
    shedder = LoadShedder(blocking, MAX_BODY_SIZE)
    accepted, threads = send_all(CONCURRENCY_LIMIT, shedder)
    wait_until(lambda: len(blocking.started) == CONCURRENCY_LIMIT)
    assert Request().send(shedder).status == "503 Service Unavailable"
    blocking.release.set()
    join(threads)
    assert {request.status for request in accepted} == {"200 OK"}
    assert len(blocking.started) == CONCURRENCY_LIMIT


def test_backlog_is_processed_in_order(blocking, long_queue_timeout, monkeypatch):
    monkeypatch.setattr(load_shedding, "CONCURRENCY_LIMIT", 1)
    shedder = LoadShedder(blocking, MAX_BODY_SIZE)
    _, threads = send_all(1, shedder)
    wait_until(lambda: blocking.started)
    paths = [f"/{number}" for number in range(8)]
    for number, path in enumerate(paths):
        threads.append(start(Request(path).send, shedder))
        wait_until(lambda number=number: len(shedder._backlog) > number)
    blocking.release.set()
    join(threads)
    assert [environ["PATH_INFO"] for environ in blocking.started[1:]] == paths


def test_bodies_beyond_the_memory_limit_are_rejected(monkeypatch):
    monkeypatch.setattr(load_shedding, "BODY_MEMORY", 500)
    shedder = LoadShedder(echo, MAX_BODY_SIZE)
    assert Request(body=b"x" * 600).send(shedder).status == "503 Service Unavailable"
    assert Request(body=b"x" * 500).send(shedder).status == "200 OK"
    assert shedder._used_memory == 0


def test_liveness_probe_under_overload_succeeds(blocking):
    shedder = LoadShedder(blocking, MAX_BODY_SIZE, backlog_limit=0)
    _, threads = send_all(CONCURRENCY_LIMIT, shedder)
    wait_until(lambda: len(blocking.started) == CONCURRENCY_LIMIT)
    assert Request().send(shedder).status == "503 Service Unavailable"
    assert Request("/health/live").send(shedder).status == "200 OK"
    blocking.release.set()
    join(threads)


def test_undecodable_content_type_gets_400():
    request = Request(CONTENT_TYPE="application/json; x*=nosuch''%41")
    assert request.send(LoadShedder(echo, MAX_BODY_SIZE)).status == "400 Bad Request"


class Connection:
    """The part of a database connection that slots use."""

    alias, allow_thread_sharing = "default", False

    def inc_thread_sharing(self):
        self.allow_thread_sharing = True


def test_database_connections_never_exceed_slots(long_queue_timeout):
    used = []

    def application(environ, start_response):
        if not connections.all(initialized_only=True):
            connections["default"] = Connection()
        used.append(connections["default"])
        return echo(environ, start_response)

    shedder = LoadShedder(application, MAX_BODY_SIZE)
    for _ in range(3):
        _, threads = send_all(2 * CONCURRENCY_LIMIT, shedder)
        join(threads)
    assert len(used) == 6 * CONCURRENCY_LIMIT
    assert len(set(used)) <= CONCURRENCY_LIMIT
    assert all(connection.allow_thread_sharing for connection in used)


def test_thread_after_an_exception_keeps_no_connection():
    left = []

    def application(environ, start_response):
        connections["default"] = Connection()
        raise RuntimeError

    def send():
        with pytest.raises(RuntimeError):
            Request().send(LoadShedder(application, MAX_BODY_SIZE))
        left.append(connections.all(initialized_only=True))

    join([start(send)])
    assert left == [[]]
