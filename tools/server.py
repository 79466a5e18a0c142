"""Temporary servers for tests and tools, started with the commands of the Procfile."""

import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from tools.samples import ROOT

COMMANDS = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
START_TIMEOUT = 60  # seconds


@contextmanager
def serve(folder: Path, root: Path = ROOT, **environment: str) -> Iterator[str]:
    """Migrate and serve on a free port, yield the base URL, stop at exit.

    The database is SQLite in the folder unless the environment sets DATABASE_URL. ``root`` is the
    checkout to serve.
    Raises AssertionError if gunicorn exits with an error.
    """
    complete = server_environment(folder, **environment)
    server = start(complete, root)
    try:
        yield base_url(complete)
    finally:
        server.send_signal(signal.SIGTERM)
        status = server.wait(timeout=30)
    assert status == 0, f"gunicorn exited with {status}:\n{_log(complete).read_text()[-5_000:]}"


def server_environment(folder: Path, **environment: str) -> dict[str, str]:
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(folder),
        "SECRET_KEY": "tests only",
        # Tests have their own static files.
        "DJANGO_SETTINGS_MODULE": os.environ.get("DJANGO_SETTINGS_MODULE", "mnist_site.settings"),
        "DATABASE_URL": f"sqlite:///{folder}/db.sqlite3",
        "PORT": str(free_port()),
        # All requests come from one address.
        "REQUESTS_PER_MINUTE": "0",
        **environment,
    }


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def wait_for_port(port: int) -> None:
    """Return when a server listens. Raises TimeoutError."""
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline:
        try:
            return socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionError:
            time.sleep(0.05)
    raise TimeoutError(f"No server listens on port {port}.")


def base_url(environment: dict[str, str]) -> str:
    return f"http://127.0.0.1:{environment['PORT']}"


def start(environment: dict[str, str], root: Path = ROOT) -> subprocess.Popen[bytes]:
    """Migrate and start a server; return when it is ready."""
    migrate(environment, root)
    return launch(environment, root)


def migrate(environment: dict[str, str], root: Path = ROOT) -> None:
    release = shlex.split(COMMANDS["release"])
    subprocess.run(release, env=environment, cwd=root, check=True, stdout=subprocess.DEVNULL)


def launch(environment: dict[str, str], root: Path = ROOT) -> subprocess.Popen[bytes]:
    """Start a server that logs to ``server.log``; return when it is ready.

    Raises TimeoutError if it exits or is not ready in time.
    """
    with _log(environment).open("ab") as log:
        command = shlex.split(COMMANDS["web"])
        server = subprocess.Popen(command, env=environment, cwd=root, stderr=log)
    ready = f"{base_url(environment)}/health/ready"
    deadline = time.monotonic() + START_TIMEOUT
    while server.poll() is None and time.monotonic() < deadline:
        try:
            urlopen(ready, timeout=10).close()
        except OSError:
            time.sleep(0.02)
        else:
            return server
    server.kill()
    log_end = _log(environment).read_text()[-2_000:]
    raise TimeoutError(f"{ready} failed for {START_TIMEOUT} s, or gunicorn exited:\n{log_end}")


def _log(environment: dict[str, str]) -> Path:
    return Path(environment["HOME"]) / "server.log"
