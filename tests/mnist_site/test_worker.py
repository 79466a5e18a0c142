"""The worker of the Procfile, when all its threads are taken."""

import json
import socket
from time import sleep
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from mnist_site.worker import SENDING
from tools.server import serve

THREADS = 32
# What there is of it says that more is to come.
UNFINISHED = b"POST /api/v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"
ASKED = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def site(tmp_path):
    with serve(tmp_path, WEB_CONCURRENCY="1") as site:
        yield site


@pytest.fixture
def connect(site):
    """Opens a connection to the server."""
    port = int(site.rpartition(":")[2])
    every = []

    def connect(first=b""):
        every.append(socket.create_connection(("127.0.0.1", port), timeout=30))
        every[-1].sendall(first)
        return every[-1]

    yield connect
    for one in every:
        one.close()


def everything(connection):
    """All that is sent until the other side hangs up."""
    return b"".join(iter(lambda: connection.recv(1 << 16), b""))


def status(site, path):
    try:
        return urlopen(f"{site}{path}").status
    except HTTPError as error:
        return error.code


@pytest.fixture
def crowd(connect, site):
    """A client for each thread, who does not finish."""
    return [connect(UNFINISHED) for _ in range(THREADS)]


def test_more_are_turned_away_and_told_when_to_come_again(crowd, connect, site):
    head, body = everything(connect(ASKED)).split(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nRetry-After: 1" in head
    assert json.loads(body)["status"] == 503
    for one in crowd:
        one.close()
    while status(site, "/api/v1/model") != 200:
        pass
    assert b"digits_requests_refused_total 0.0" not in urlopen(f"{site}/metrics").read()


def test_whoever_asks_whether_it_is_alive_hears_that(crowd, connect, site):
    assert status(site, "/health/live") == 200
    slow = connect()
    slow.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert everything(slow).startswith(b"HTTP/1.1 200 ")


def test_whoever_is_turned_away_with_much_to_say_hears_it_nevertheless(crowd, connect):
    much = connect(
        ASKED.replace(b"GET", b"PUT").replace(b"\r\n\r\n", b"\r\nContent-Length: 900000\r\n\r\n")
    )
    much.sendall(b"x" * 900_000)
    assert everything(much).startswith(b"HTTP/1.1 503 ")


def knock(connection, times):
    """Say something once a second, which nobody can who was hung up on."""
    for _ in range(times):
        sleep(1)
        connection.sendall(b"\r\n")


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="Linux alone has it")
def test_whoever_takes_nothing_of_an_answer_is_given_up_without_a_word(connect, tmp_path):
    # The kernel holds not nearly as many answers.
    deaf = connect(100 * b"GET /api/v1/model.onnx HTTP/1.1\r\nHost: localhost\r\n\r\n")
    with pytest.raises(ConnectionError):
        knock(deaf, times=2 * SENDING)
    assert "ERROR" not in (tmp_path / "server.log").read_text()


def test_connections_that_say_nothing_cost_no_thread(connect, site):
    for _ in range(2 * THREADS):
        connect()
    while status(site, "/api/v1/model") != 200:
        pass
