"""gunicorn's worker when all of its threads are busy."""

import json
import socket
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from tests.mnist_site.polling import TIMEOUT, wait_until
from tools.server import serve

THREADS = 32
ORIGIN = "https://digits.example"
UNFINISHED = b"POST /api/v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def site(tmp_path, static_files):
    with serve(tmp_path, WEB_CONCURRENCY="1", CORS_ALLOWED_ORIGINS=ORIGIN) as site:
        yield site


@pytest.fixture
def connect(site):
    """Return a function that opens a connection and sends data."""
    port = int(site.rpartition(":")[2])
    connections = []

    def connect(data=b""):
        connections.append(socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT))
        connections[-1].sendall(data)
        return connections[-1]

    yield connect
    for connection in connections:
        connection.close()


@pytest.fixture
def busy_threads(connect):
    """Connections that occupy all threads with unfinished requests."""
    return [connect(UNFINISHED) for _ in range(THREADS)]


def receive_all(connection):
    return b"".join(iter(lambda: connection.recv(1 << 16), b""))


def receive_rejection(connect, origin):
    """Return the response to a request with an Origin while all threads are busy."""
    request = f"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\norigin: {origin}\r\n\r\n"
    response = b""
    while not response.startswith(b"HTTP/1.1 503 "):
        # The thread of an earlier request may have become free.
        connect(UNFINISHED)
        response = receive_all(connect(request.encode()))
    return response


def get_status(site, path):
    try:
        with urlopen(f"{site}{path}", timeout=TIMEOUT) as response:
            return response.status
    except HTTPError as error:
        return error.code


def test_request_with_all_threads_busy_gets_503(busy_threads, connect, site):
    head, body = receive_all(connect(REQUEST)).split(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nRetry-After: 1" in head
    assert json.loads(body)["status"] == 503
    for connection in busy_threads:
        connection.close()
    wait_until(lambda: get_status(site, "/api/v1/model") == 200)
    with urlopen(f"{site}/metrics", timeout=TIMEOUT) as response:
        assert b"digits_requests_refused_total 0.0" not in response.read()


def test_rejection_by_the_accepting_thread_is_readable_by_pages_of_allowed_origins(
    busy_threads, connect
):
    allowed = receive_rejection(connect, ORIGIN)
    assert f"\r\nAccess-Control-Allow-Origin: {ORIGIN}\r\n".encode() in allowed
    assert b"\r\nAccess-Control-Expose-Headers: Retry-After\r\n" in allowed
    assert b"Access-Control" not in receive_rejection(connect, "https://other.example")


def test_liveness_probe_with_all_threads_busy_succeeds(busy_threads, connect, site):
    assert get_status(site, "/health/live") == 200
    silent_at_first = connect()
    silent_at_first.sendall(
        b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )
    assert receive_all(silent_at_first).startswith(b"HTTP/1.1 200 ")


def test_rejected_client_with_a_large_body_receives_503(busy_threads, connect):
    length = 900_000
    head = f"PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n"
    connection = connect(head.encode())
    connection.sendall(b"x" * length)
    assert receive_all(connection).startswith(b"HTTP/1.1 503 ")


@pytest.mark.skipif(
    not hasattr(socket, "TCP_USER_TIMEOUT"), reason="TCP_USER_TIMEOUT is Linux only"
)
def test_client_that_reads_no_response_is_dropped_without_an_error(connect, tmp_path):
    # Far more responses than the kernel buffers.
    connection = connect(100 * b"GET /api/v1/model.onnx HTTP/1.1\r\nHost: localhost\r\n\r\n")

    def is_dropped():
        try:
            connection.sendall(b"\r\n")
        except ConnectionError:
            return True
        return False

    wait_until(is_dropped, interval=1)
    assert "ERROR" not in (tmp_path / "server.log").read_text()


def test_silent_connections_occupy_no_thread(connect, site):
    for _ in range(2 * THREADS):
        connect()
    assert get_status(site, "/api/v1/model") == 200
