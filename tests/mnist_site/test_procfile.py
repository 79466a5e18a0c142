"""The commands of the Procfile, run as a host runs them."""

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack
from http.client import HTTPConnection
from urllib.parse import urlsplit
from urllib.request import Request, urlopen
from uuid import uuid4

import pytest

from tests.mnist_site.polling import TIMEOUT, wait_until
from tools.samples import ROOT, SEVEN
from tools.server import serve


def test_server_migrates_saves_a_drawing_and_stops(tmp_path, static_files):
    with serve(tmp_path, WEB_CONCURRENCY="2") as site:
        request = Request(
            f"{site}/api/v1/drawings/{uuid4()}",
            json.dumps({"strokes": SEVEN}).encode(),
            {"Content-Type": "application/json"},
            method="PUT",
        )
        with urlopen(request, timeout=TIMEOUT) as response:
            assert (response.status, json.load(response)["text"]) == (201, "7")


def test_server_with_preload_stops_without_a_crash(tmp_path, static_files):
    with serve(tmp_path, GUNICORN_CMD_ARGS="--preload") as site:
        urlopen(f"{site}/health/ready", timeout=TIMEOUT).close()
    log = (tmp_path / "server.log").read_text()
    assert "Serving model" in log
    assert "SIGABRT" not in log


def test_shutdown_finishes_running_requests(tmp_path, static_files):
    body = json.dumps({"strokes": SEVEN}).encode()
    head = f"""POST /api/v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r
Content-Type: application/json\r\nConnection: close\r\nExpect: 100-continue\r\n\r\n"""
    log, pid = tmp_path / "server.log", tmp_path / "pid"
    with serve(tmp_path, GUNICORN_CMD_ARGS=f"--pid {pid}") as site, ExitStack() as connections:
        address = "127.0.0.1", urlsplit(site).port
        clients = [
            connections.enter_context(socket.create_connection(address, timeout=TIMEOUT))
            for _ in range(8)
        ]
        for client in clients:
            client.sendall(head.encode())
        assert {client.recv(100)[:12] for client in clients} == {b"HTTP/1.1 100"}
        os.kill(int(pid.read_text()), signal.SIGTERM)
        wait_until(lambda: "Handling signal: term" in log.read_text())
        for client in clients:
            client.sendall(body)
        lines = {client.makefile("rb").readline() for client in clients}
    assert lines == {b"HTTP/1.1 200 OK\r\n"}


def test_gunicorn_config_imports_the_rate_limiter_before_the_fork():
    """Otherwise each worker has its own table."""
    code = """
import runpy, sys
config = runpy.run_path("gunicorn.conf.py")
config["on_exit"](None)
print("mnist_site.rate_limit" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=TIMEOUT,
    )
    assert done.stdout == "True\n"


@pytest.fixture(scope="module")
def host(tmp_path_factory, static_files):
    with serve(tmp_path_factory.mktemp("site")) as site:
        yield urlsplit(site).netloc


@pytest.fixture
def connection(host):
    connection = HTTPConnection(host, timeout=TIMEOUT)
    yield connection
    connection.close()


# Other middleware measures these bodies before ErrorFormatMiddleware replaces them.
ERRORS = [
    ("GET", "/api/nope", 404), ("GET", "/api/v1/predict", 405), ("OPTIONS", "/v2", 405),
    ("GET", "/v2/models/resnet", 404),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "status"), ERRORS)
def test_error_has_a_correct_length_so_that_the_next_response_is_intact(
    connection, method, path, status
):
    connection.request(method, path)
    with connection.getresponse() as response:
        assert response.status == status
        assert json.loads(response.read())
    connection.request("GET", "/health/live")
    with connection.getresponse() as response:
        assert json.load(response) == {"status": "ok"}


CONTENT_TYPES = {
    "application/json; x*=nosuch''%41": 200,
    "application/json; charset=rot13": 200,
    "application/json; charset=idna": 200,
    "application/json; charset=utf-8": 200,
}


@pytest.mark.parametrize(("content_type", "status"), CONTENT_TYPES.items())
def test_unusual_content_type_causes_no_server_error(connection, content_type, status):
    body = json.dumps({"strokes": SEVEN})
    connection.request(
        "POST", "/api/v1/predict?images=%74rue", body, {"Content-Type": content_type}
    )
    with connection.getresponse() as response:
        assert response.status == status
