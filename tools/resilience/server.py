"""The server under trial, its memory, and the result of a trial."""

import asyncio
import signal
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from uuid import UUID

import psutil
import psycopg

from tools.resilience.client import Response, send
from tools.server import base_url, server_environment, start


class Result(NamedTuple):
    """A row of the report."""

    promise: str
    trial: str
    outcome: str
    holds: bool


class Server:
    """The Procfile's command on a database; it can be killed and restarted."""

    def __init__(self, folder: Path, database_url: str | None, **environment: str) -> None:
        if database_url:
            environment["DATABASE_URL"] = database_url
        self.environment = server_environment(folder, **{"WEB_CONCURRENCY": "2", **environment})
        self.url = base_url(self.environment)
        self.sqlite_file = None if database_url else folder / "db.sqlite3"
        self.start()

    def start(self) -> None:
        self.master = start(self.environment)

    def workers(self) -> list[psutil.Process]:
        return psutil.Process(self.master.pid).children()

    def memory(self) -> int:
        """Return the bytes of all workers, shared pages counted once (proportional set size)."""
        return sum(worker.memory_full_info().pss for worker in self.workers())

    def stop(self) -> int:
        self.master.send_signal(signal.SIGTERM)
        return self.master.wait(timeout=30)

    def send(self, request: bytes, timeout: float = 60) -> Response:
        return asyncio.run(send(self.url, request, timeout))

    def stored_ids(self) -> set[UUID]:
        query = "SELECT id FROM recognizer_drawing"
        if self.sqlite_file:
            with sqlite3.connect(self.sqlite_file) as database:
                return {UUID(id) for (id,) in database.execute(query)}
        with psycopg.connect(self.environment["DATABASE_URL"]) as database:
            return {id for (id,) in database.execute(query)}


@contextmanager
def running_server(database_url: str | None, **environment: str) -> Iterator[Server]:
    with TemporaryDirectory(prefix="digits-resilience-") as folder:
        server = Server(Path(folder), database_url, **environment)
        try:
            yield server
        finally:
            if server.master.poll() is None:
                server.stop()


@contextmanager
def suspended(processes: list[psutil.Process]) -> Iterator[None]:
    """Stop processes during a block; they continue after it, also if it fails."""
    try:
        for process in processes:
            process.suspend()
        yield
    finally:
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.resume()


class PeakMemory(threading.Thread):
    """The largest growth of any worker's resident memory, in bytes, while the thread runs."""

    def __init__(self, workers: list[psutil.Process]) -> None:
        super().__init__(daemon=True)
        self.before = {worker: worker.memory_info().rss for worker in workers}
        self.growth, self.finished = 0, threading.Event()

    def run(self) -> None:
        while not self.finished.wait(0.01):
            for worker, before in self.before.items():
                self.growth = max(self.growth, worker.memory_info().rss - before)


@contextmanager
def peak_memory(server: Server) -> Iterator[PeakMemory]:
    peak = PeakMemory(server.workers())
    peak.start()
    yield peak
    peak.finished.set()
    peak.join()


def count_statuses(responses: list[Response]) -> str:
    counts = Counter(response.status for response in responses)
    return ", ".join(f"{count} x {status or 'reset'}" for status, count in sorted(counts.items()))
