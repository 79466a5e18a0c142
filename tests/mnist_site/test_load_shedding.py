"""Load shedding: body buffering, concurrency limit, backlog, rejections, slow bodies."""

import io
import json
import re
import socket
from threading import Event, Thread

import pytest
from django.conf import settings
from django.db import connection

from mnist_site import load_shedding
from mnist_site.load_shedding import (
    BACKLOG_LIMIT,
    CONCURRENCY_LIMIT,
    RECEIVER_LIMIT,
    STAFF_BACKLOG_LIMIT,
    STAFF_CONCURRENCY_LIMIT,
    LoadShedder,
)
from recognizer.telemetry import metrics
from tests.polling import TIMEOUT, wait_until
from tools.samples import ROOT

MAX_BODY_SIZE = 1_000
ORIGIN = "https://digits.example"


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
    """An application whose requests wait until ``finish``."""

    def __init__(self):
        self.started, self.release = [], Event()
        self.requests, self.threads = [], []

    def __call__(self, environ, start_response):
        if environ["PATH_INFO"] != load_shedding.LIVENESS_PATH:
            self.started.append(environ)
            assert self.release.wait(TIMEOUT)
        return echo(environ, start_response)

    def send(self, shedder, *paths):
        """Send requests that are accepted, each in a thread."""
        for path in paths:
            self.requests.append(Request(path, body=b"x"))
            self.threads.append(start(self.requests[-1].send, shedder))

    def occupy(self, shedder):
        """Occupy all slots."""
        self.send(shedder, *["/"] * CONCURRENCY_LIMIT)
        wait_until(lambda: len(self.started) == CONCURRENCY_LIMIT)

    def finish(self):
        """Let all requests continue; check that they succeed."""
        self.release.set()
        join(self.threads)
        assert {request.status for request in self.requests} == {"200 OK"}


class Stream:
    """A streaming response of Django."""

    streaming = True

    def __init__(self, chunks):
        self.chunks, self.closed = chunks, False

    def __iter__(self):
        return iter(self.chunks)

    def close(self):
        self.closed = True


@pytest.fixture(autouse=True)
def no_database(request, monkeypatch):
    """Most tests run in a thread that may have a connection of an earlier test."""
    if "db" not in request.fixturenames:
        monkeypatch.setattr(load_shedding, "close_old_connections", lambda: None)


@pytest.fixture
def blocking():
    application = BlockingApplication()
    yield application
    application.release.set()


@pytest.fixture
def long_queue_timeout(monkeypatch):
    monkeypatch.setattr(load_shedding, "QUEUE_TIMEOUT", TIMEOUT)


@pytest.fixture
def no_backlog(monkeypatch):
    monkeypatch.setattr(load_shedding, "BACKLOG_LIMIT", 0)


@pytest.fixture
def slow_client():
    """The server's end of a connection whose client sends nothing, and the client's end."""
    server, client = socket.socketpair()
    with server, client, server.makefile("rb") as stream:
        yield {"gunicorn.socket": server, "wsgi.input": stream}, client


def start(target, *arguments):
    thread = Thread(target=target, args=arguments, daemon=True)
    thread.start()
    return thread


def join(threads):
    for thread in threads:
        thread.join(TIMEOUT)
        assert not thread.is_alive()


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


def test_slow_body_gets_408_from_the_watchdog(slow_client, monkeypatch):
    monkeypatch.setattr(load_shedding, "BODY_TIMEOUT", 0)
    monkeypatch.setattr(load_shedding, "WATCH_INTERVAL", 0.01)
    environ, client = slow_client
    client.sendall(b"x")
    request = Request(length=10, **environ)
    join([start(request.send, LoadShedder(echo, MAX_BODY_SIZE))])
    assert request.status == "408 Request Timeout"
    environ["gunicorn.socket"].sendall(b"response")
    assert client.recv(100) == b"response"


def test_connection_that_will_be_closed_receives_nothing_more(slow_client):
    """gunicorn's accepting thread waits for clients that close late."""
    environ, client = slow_client
    client.sendall(b"x")
    request = Request(length=1, HTTP_CONNECTION="close", **environ)
    assert request.send(LoadShedder(echo, MAX_BODY_SIZE)).body == b"x"
    assert environ["gunicorn.socket"].recv(1) == b""


def test_body_of_one_more_slow_client_is_rejected_but_no_request_without_body(
    slow_client, monkeypatch
):
    monkeypatch.setattr(load_shedding, "RECEIVER_LIMIT", 1)
    environ, client = slow_client
    shedder = LoadShedder(echo, MAX_BODY_SIZE)
    slow = Request(length=10, **environ)
    thread = start(slow.send, shedder)
    wait_until(lambda: Request(body=b"x").send(shedder).status == "503 Service Unavailable")
    assert Request().send(shedder).status == "200 OK"
    client.sendall(b"x" * 10)
    join([thread])
    assert slow.body == b"x" * 10
    assert Request(body=b"x").send(shedder).status == "200 OK"


@pytest.mark.parametrize("length", ["", "abc", "-1"])
def test_body_of_unknown_length_is_not_buffered(length):
    request = Request(length=length)
    stream = request.environ["wsgi.input"]
    request.send(LoadShedder(echo, MAX_BODY_SIZE))
    assert request.environ["wsgi.input"] is stream


def test_full_backlog_rejects_with_503(blocking, long_queue_timeout, settings, monkeypatch):
    monkeypatch.setattr(load_shedding, "BACKLOG_LIMIT", 2)
    shedder = LoadShedder(blocking, MAX_BODY_SIZE)
    rejections = metrics.REJECTED._value.get()
    blocking.send(shedder, *["/"] * (CONCURRENCY_LIMIT + 2))
    wait_until(lambda: metrics.WAITING._value.get() == 2)
    rejected = Request().send(shedder)
    assert rejected.status == "503 Service Unavailable"
    assert rejected.headers["Retry-After"] == "1"
    assert rejected.headers["Content-Type"] == "application/problem+json"
    assert settings.SECURITY_HEADERS.items() <= dict(rejected.headers).items()
    assert json.loads(rejected.body)["status"] == 503
    blocking.finish()
    assert Request().send(shedder).status == "200 OK"
    assert (metrics.WAITING._value.get(), metrics.REJECTED._value.get()) == (0, rejections + 1)


@pytest.mark.parametrize("origin", [ORIGIN, "https://other.example", None])
def test_rejection_is_readable_by_pages_of_allowed_origins(origin):
    shedder = LoadShedder(echo, MAX_BODY_SIZE, cors_origins={ORIGIN})
    environ = {"HTTP_ORIGIN": origin} if origin else {}
    rejected = Request(body=b"x", length=10, **environ).send(shedder)
    allowed = origin == ORIGIN
    assert rejected.headers.get("Access-Control-Allow-Origin") == (ORIGIN if allowed else None)
    assert rejected.headers.get("Access-Control-Expose-Headers") == (
        "Retry-After" if allowed else None
    )


def test_request_after_the_queue_timeout_is_rejected_and_never_processed(blocking, monkeypatch):
    monkeypatch.setattr(load_shedding, "QUEUE_TIMEOUT", 0.01)
    shedder = LoadShedder(blocking, MAX_BODY_SIZE)
    blocking.occupy(shedder)
    assert Request().send(shedder).status == "503 Service Unavailable"
    blocking.finish()
    assert len(blocking.started) == CONCURRENCY_LIMIT


def test_staff_wait_longer_than_others(blocking, monkeypatch):
    """Five sign-ins at the same time should all succeed."""
    monkeypatch.setattr(load_shedding, "QUEUE_TIMEOUT", 0)
    monkeypatch.setattr(load_shedding, "STAFF_QUEUE_TIMEOUT", TIMEOUT)
    shedder = LoadShedder(blocking, MAX_BODY_SIZE)
    blocking.send(shedder, *["/admin/login/"] * 5)
    wait_until(lambda: metrics.WAITING._value.get() == 5 - STAFF_CONCURRENCY_LIMIT)
    blocking.send(shedder, *["/api/v1/drawings/1"] * 2)
    wait_until(lambda: len(blocking.started) == CONCURRENCY_LIMIT)
    assert Request("/api/v1/drawings/1").send(shedder).status == "503 Service Unavailable"
    blocking.finish()


def test_many_staff_requests_leave_slots_and_backlog_to_others(blocking, monkeypatch):
    monkeypatch.setattr(load_shedding, "STAFF_QUEUE_TIMEOUT", TIMEOUT)
    shedder = LoadShedder(blocking, MAX_BODY_SIZE)
    blocking.send(shedder, *["/admin/login/"] * (STAFF_CONCURRENCY_LIMIT + STAFF_BACKLOG_LIMIT))
    wait_until(lambda: metrics.WAITING._value.get() == STAFF_BACKLOG_LIMIT)
    assert Request("/admin/").send(shedder).status == "503 Service Unavailable"
    blocking.send(shedder, "/api/v1/drawings/1", "/health/ready")
    wait_until(lambda: len(blocking.started) == CONCURRENCY_LIMIT)
    blocking.finish()


def test_limits_leave_threads_of_the_server():
    (threads,) = re.findall(r"^threads = (\d+)$", (ROOT / "gunicorn.conf.py").read_text(), re.M)
    occupied = RECEIVER_LIMIT + 2 * (CONCURRENCY_LIMIT + BACKLOG_LIMIT) + STAFF_BACKLOG_LIMIT
    assert occupied < int(threads)


def test_backlog_is_processed_in_order(blocking, long_queue_timeout, monkeypatch):
    monkeypatch.setattr(load_shedding, "CONCURRENCY_LIMIT", 1)
    shedder = LoadShedder(blocking, MAX_BODY_SIZE)
    blocking.send(shedder, "/")
    wait_until(lambda: blocking.started)
    paths = [f"/{number}" for number in range(8)]
    for number, path in enumerate(paths):
        blocking.send(shedder, path)
        wait_until(lambda number=number: metrics.WAITING._value.get() > number)
    blocking.finish()
    assert [environ["PATH_INFO"] for environ in blocking.started[1:]] == paths


def test_bodies_beyond_the_memory_limit_are_rejected(monkeypatch):
    monkeypatch.setattr(load_shedding, "BODY_MEMORY", 500)
    shedder = LoadShedder(echo, MAX_BODY_SIZE)
    for _ in range(2):
        assert Request(body=b"x" * 600).send(shedder).status == "503 Service Unavailable"
        assert Request(body=b"x" * 500).send(shedder).status == "200 OK"


def test_liveness_probe_under_overload_succeeds(blocking, no_backlog):
    shedder = LoadShedder(blocking, MAX_BODY_SIZE)
    blocking.occupy(shedder)
    assert Request().send(shedder).status == "503 Service Unavailable"
    assert Request("/health/live").send(shedder).status == "200 OK"
    blocking.finish()


def test_streaming_response_holds_its_slot_until_it_is_closed(no_backlog):
    streams = [Stream([b"a", b"b"]) for _ in range(CONCURRENCY_LIMIT)]
    waiting = list(streams)
    shedder = LoadShedder(lambda *_: waiting.pop() if waiting else [b""], MAX_BODY_SIZE)
    responses = [shedder({"PATH_INFO": "/"}, None) for _ in streams]
    assert [b"".join(response) for response in responses] == [b"ab"] * CONCURRENCY_LIMIT
    assert Request().send(shedder).status == "503 Service Unavailable"
    responses[0].close()
    assert [stream.closed for stream in streams].count(True) == 1
    assert list(shedder({"PATH_INFO": "/"}, None)) == [b""]


def test_failed_request_releases_its_slot():
    def fail(environ, start_response):
        raise RuntimeError

    shedder = LoadShedder(fail, MAX_BODY_SIZE)
    for _ in range(CONCURRENCY_LIMIT + 1):
        with pytest.raises(RuntimeError):
            Request().send(shedder)


@pytest.mark.parametrize("response", [[b""], Stream([b""])])
def test_database_connection_without_keeping_is_closed_before_the_slot_is_free(
    response, monkeypatch, db
):
    """Otherwise a process could need more connections than slots."""
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 0)
    left = []

    def application(environ, start_response):
        connection.ensure_connection()
        return response

    def send():
        answer = LoadShedder(application, MAX_BODY_SIZE)({"PATH_INFO": "/"}, None)
        if isinstance(response, Stream):
            answer.close()
        left.append(connection.connection)

    join([start(send)])
    assert left == [None]


@pytest.mark.postgresql
def test_connection_pool_has_a_connection_for_each_slot_and_the_serving_model():
    pool = settings.DATABASES["default"]["OPTIONS"]["pool"]
    assert pool["max_size"] == CONCURRENCY_LIMIT + 1


def test_requests_that_wait_for_the_database_leave_the_slots_of_others(blocking, no_backlog):
    shedder = LoadShedder(blocking, MAX_BODY_SIZE)
    blocking.send(shedder, *["/api/v1/drawings/1"] * CONCURRENCY_LIMIT)
    wait_until(lambda: len(blocking.started) == CONCURRENCY_LIMIT)
    for path in load_shedding.DATABASE_PATHS:
        assert Request(path).send(shedder).status == "503 Service Unavailable"
    blocking.send(shedder, "/api/v1/predict")
    wait_until(lambda: len(blocking.started) == CONCURRENCY_LIMIT + 1)
    blocking.finish()


WITHOUT_DATABASE = [
    "/", "/nowhere", "/favicon.ico", "/manifest.webmanifest", "/service-worker.js", "/metrics",
    "/api/docs", "/api/openapi.json", "/api/v1/model", "/api/v1/model.onnx",
    "/v2", "/v2/health/ready", "/v2/models/lenet", "/v2/models/lenet/ready",
]  # fmt: skip


@pytest.mark.parametrize("path", WITHOUT_DATABASE)
def test_url_outside_the_database_paths_uses_no_database(client, static_files, path):
    """Tests without the fixture ``db`` fail on queries."""
    assert not path.startswith(load_shedding.DATABASE_PATHS)
    assert client.get(path).status_code in (200, 302, 404)


CONTENT_TYPES = {
    "": "",
    "application/json; charset=rot13": "application/json",
    "application/json; x*=nosuch''%41": "application/json",
    "multipart/form-data;BOUNDARY=a-b; charset=idna": 'multipart/form-data; boundary="a-b"',
    'multipart/form-data; boundary="a b"': 'multipart/form-data; boundary="a b"',
}


@pytest.mark.parametrize(("sent", "received"), CONTENT_TYPES.items())
def test_content_type_keeps_only_its_boundary(sent, received):
    request = Request(CONTENT_TYPE=sent)
    request.send(LoadShedder(echo, MAX_BODY_SIZE))
    assert request.environ["CONTENT_TYPE"] == received
