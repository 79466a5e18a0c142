"""The commands of the Procfile, run as a host runs them."""

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen
from uuid import uuid4

import pytest

from tests.conftest import ROOT, SEVEN

COMMANDS = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())


@pytest.fixture
def environment(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "SECRET_KEY": "tests only",
        "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
        "PORT": str(port),
        "WEB_CONCURRENCY": "2",
    }


def wait_until_ready(site):
    for _ in range(300):
        try:
            return urlopen(f"{site}/health/ready")
        except URLError:
            time.sleep(0.1)
    return pytest.fail(f"{site} is not ready after 30 seconds")


def test_migrates_serves_keeps_and_stops(environment):
    subprocess.run(shlex.split(COMMANDS["release"]), env=environment, cwd=ROOT, check=True)
    site = f"http://127.0.0.1:{environment['PORT']}"
    server = subprocess.Popen(shlex.split(COMMANDS["web"]), env=environment, cwd=ROOT)
    try:
        assert json.load(wait_until_ready(site)) == {"status": "ok"}
        request = Request(
            f"{site}/api/v1/drawings/{uuid4()}",
            json.dumps({"strokes": SEVEN}).encode(),
            {"Content-Type": "application/json"},
            method="PUT",
        )
        with urlopen(request) as response:
            assert (response.status, json.load(response)["text"]) == (201, "7")
    finally:
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=30) == 0
