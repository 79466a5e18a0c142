"""The commands of the Procfile, run as a host runs them."""

import json
import os
import signal
import socket
import sys
from contextlib import ExitStack
from functools import partial
from http.client import HTTPConnection
from urllib.parse import urlsplit
from urllib.request import urlopen
from uuid import uuid4

import pytest

from tests.conftest import run
from tests.polling import TIMEOUT, wait_until
from tools.samples import SEVEN
from tools.server import serve


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("site")


@pytest.fixture(scope="module")
def host(folder, static_files):
    with serve(folder) as site:
        yield urlsplit(site).netloc


@pytest.fixture(scope="module")
def database(host, folder):
    """Return the URL of the migrated database."""
    return f"sqlite:///{folder}/db.sqlite3"


@pytest.fixture
def connection(host):
    connection = HTTPConnection(host, timeout=TIMEOUT)
    yield connection
    connection.close()


def test_server_migrates_and_saves_a_drawing(connection):
    body = json.dumps({"strokes": SEVEN})
    headers = {"Content-Type": "application/json"}
    connection.request("PUT", f"/api/v1/drawings/{uuid4()}", body, headers)
    with connection.getresponse() as response:
        assert (response.status, json.load(response)["text"]) == (201, "7")


def test_server_with_preload_stops_without_a_crash(tmp_path, database):
    with serve(tmp_path, DATABASE_URL=database, GUNICORN_CMD_ARGS="--preload") as site:
        urlopen(f"{site}/health/ready", timeout=TIMEOUT).close()
    log = (tmp_path / "server.log").read_text()
    assert "Serving model" in log
    assert "SIGABRT" not in log


def test_shutdown_finishes_running_requests(tmp_path, database):
    body = json.dumps({"strokes": SEVEN}).encode()
    head = f"""POST /api/v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r
Content-Type: application/json\r\nConnection: close\r\nExpect: 100-continue\r\n\r\n"""
    log, pid = tmp_path / "server.log", tmp_path / "pid"
    options = {"DATABASE_URL": database, "GUNICORN_CMD_ARGS": f"--pid {pid}"}
    with serve(tmp_path, **options) as site, ExitStack() as connections:
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


def run_with_config(code):
    """Return the output of a program that has read gunicorn's configuration."""
    head = 'import runpy\nconfig = runpy.run_path("gunicorn.conf.py")\nconfig["on_exit"](None)\n'
    return run(sys.executable, "-c", head + code, SECRET_KEY="x").stdout.split()


def test_gunicorn_config_imports_the_rate_limiter_before_the_fork():
    """Otherwise each worker has its own table."""
    code = 'import sys\nprint("mnist_site.rate_limit" in sys.modules)'
    assert run_with_config(code) == ["True"]


def test_gunicorn_formats_access_lines_only_for_a_file():
    """The site logs requests itself."""
    code = (
        "from gunicorn.config import Config\nsettings = Config()\n"
        'settings.set("logconfig_dict", config["logconfig_dict"])\n'
        'for file in (None, "-"):\n    settings.set("accesslog", file)\n'
        '    print(config["logger_class"](settings).access_log_enabled)\n'
    )
    assert run_with_config(code) == ["False", "True"]


SILENT_CLIENT = """
import select, socket
from types import SimpleNamespace
with socket.create_server(("127.0.0.1", 0)) as listener:
    config["when_ready"](SimpleNamespace(LISTENERS=[listener]))
    with socket.create_connection(listener.getsockname()) as client:
        print(select.select([listener], [], [], 0)[0] == [])
        client.sendall(b"x")
        print(select.select([listener], [], [])[0] == [listener])
"""


@pytest.mark.skipif(not hasattr(socket, "TCP_DEFER_ACCEPT"), reason="needs Linux")
def test_connection_without_data_occupies_no_thread():
    assert run_with_config(SILENT_CLIENT) == ["True", "True"]


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


PRIVATE = "8f14e45f-ceea-467f-a0e6-0123456789ab"
HOST = "Host: localhost\r\nConnection: close\r\n"
MALFORMED = [
    f"GET /drawings/{PRIVATE} x HTTP/1.1\r\n{HOST}\r\n",
    f"GET /drawings/{PRIVATE} HTTP/9.1\r\n{HOST}\r\n",
    f"G\0T /drawings/{PRIVATE} HTTP/1.1\r\n{HOST}\r\n",
    f"GET / HTTP/1.1\r\n{HOST}Cookie: sessionid={PRIVATE}\0\r\n\r\n",
    f"GET / HTTP/1.1\r\n{HOST}Cookie {PRIVATE}\r\n\r\n",
    f"GET / HTTP/1.1\r\n{HOST}Coo kie: {PRIVATE}\r\n\r\n",
    f"GET / HTTP/1.1\r\n{HOST} {PRIVATE}\r\n\r\n",
    f"GET /drawings/{PRIVATE} HTTP/1.1\r\nHost: {PRIVATE}.example\r\nConnection: close\r\n\r\n",
    f"POST /admin/{PRIVATE}/ HTTP/1.1\r\n{HOST}Cookie: a={PRIVATE}\r\nContent-Length: 0\r\n\r\n",
]


def exchange(host, request):
    """Return the response to a request sent as it is."""
    name, port = host.split(":")
    with socket.create_connection((name, int(port)), timeout=TIMEOUT) as client:
        client.sendall(request.encode())
        return b"".join(iter(partial(client.recv, 1 << 16), b""))


def test_log_of_malformed_requests_contains_no_private_data(host, folder):
    for request in MALFORMED:
        assert exchange(host, request).split()[1] in (b"400", b"403")
    log = (folder / "server.log").read_text()
    assert log.count("Invalid request: ") >= 6
    assert "Forbidden (CSRF cookie not set.)" in log
    assert PRIVATE not in log
    assert "127.0.0.1" not in log


@pytest.mark.parametrize("name", ["SCRIPT_NAME", "SCRIPT-NAME", "PATH_INFO"])
def test_header_named_like_a_wsgi_variable_is_ignored(host, name):
    request = f"GET /health/live HTTP/1.1\r\n{HOST}{name}: /x\r\n\r\n"
    assert exchange(host, request).startswith(b"HTTP/1.1 200 ")


def test_head_logs_no_warning_about_its_body(host, folder):
    for path in ("/", "/api/v1/model", "/nowhere", "/api/nowhere"):
        exchange(host, f"HEAD {path} HTTP/1.1\r\n{HOST}\r\n")
    assert "body bytes" not in (folder / "server.log").read_text()
