"""The commands of the Procfile, run as a host runs them: a server of one's own, for a while."""

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
from urllib.error import URLError
from urllib.request import urlopen

from tools.samples import ROOT

COMMANDS = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())


@contextmanager
def serve(folder: Path, **environment: str) -> Iterator[str]:
    """Migrate, serve on a free port and stop; yields the address of the site.

    Its database is SQLite in the folder, unless the environment names another.
    """
    everything = surroundings(folder, **environment)
    server = start(everything)
    try:
        yield address(everything)
    finally:
        server.send_signal(signal.SIGTERM)
        status = server.wait(timeout=30)
    assert status == 0, f"gunicorn ended with {status}:\n{_log(everything).read_text()[-5_000:]}"


def surroundings(folder: Path, **environment: str) -> dict[str, str]:
    """The environment of a server of its own, on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(folder),
        "SECRET_KEY": "tests only",
        "DATABASE_URL": f"sqlite:///{folder}/db.sqlite3",
        "PORT": str(port),
        # All that is asked comes from one address.
        "REQUESTS_PER_MINUTE": "0",
        **environment,
    }


def address(environment: dict[str, str]) -> str:
    return f"http://127.0.0.1:{environment['PORT']}"


def start(environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """Migrate and serve; the server is ready when this returns."""
    migrate(environment)
    return launch(environment)


def migrate(environment: dict[str, str]) -> None:
    release = shlex.split(COMMANDS["release"])
    subprocess.run(release, env=environment, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def launch(environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """Serve, with the log in ``server.log``; the server is ready when this returns."""
    with _log(environment).open("ab") as log:
        command = shlex.split(COMMANDS["web"])
        server = subprocess.Popen(command, env=environment, cwd=ROOT, stderr=log)
    try:
        _wait_until_ready(address(environment))
    except TimeoutError:
        server.kill()
        raise
    return server


def _log(environment: dict[str, str]) -> Path:
    return Path(environment["HOME"]) / "server.log"


def _wait_until_ready(site: str) -> None:
    for _ in range(1_500):
        try:
            urlopen(f"{site}/health/ready").close()
        except URLError:
            time.sleep(0.02)
        else:
            return
    raise TimeoutError(f"{site} is not ready after 30 seconds")
