"""What is tried: the command of the Procfile on a database; and a line of the table."""

import asyncio
import signal
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from uuid import UUID

import psutil
import psycopg

from tools.resilience.client import Answer, ask
from tools.server import address, start, surroundings


class Row(NamedTuple):
    """A line of the table."""

    promise: str
    tried: str
    reached: str
    holds: bool


class Server:
    """The command of the Procfile on a database, which can be killed and started again."""

    def __init__(self, folder: Path, database: str | None, **environment: str) -> None:
        where = {"DATABASE_URL": database} if database else {}
        self.environment = surroundings(folder, **{"WEB_CONCURRENCY": "2", **where, **environment})
        self.file = None if database else folder / "db.sqlite3"
        self.start()

    def start(self) -> None:
        self.master = start(self.environment)
        self.site = address(self.environment)

    def workers(self) -> list[psutil.Process]:
        return psutil.Process(self.master.pid).children()

    def memory(self) -> int:
        """Bytes of all workers, what they share counted once (proportional set size)."""
        return sum(worker.memory_full_info().pss for worker in self.workers())

    def stop(self) -> int:
        self.master.send_signal(signal.SIGTERM)
        return self.master.wait(timeout=30)

    def ask(self, content: bytes, timeout: float = 60) -> Answer:
        return asyncio.run(ask(self.site, content, timeout))

    def stored(self) -> set[UUID]:
        query = "SELECT id FROM recognizer_drawing"
        if self.file:
            with sqlite3.connect(self.file) as base:
                return {UUID(id) for (id,) in base.execute(query)}
        with psycopg.connect(self.environment["DATABASE_URL"]) as base:
            return {id for (id,) in base.execute(query)}


@contextmanager
def server(database: str | None, **environment: str) -> Iterator[Server]:
    with TemporaryDirectory(prefix="digits-fire-") as folder:
        one = Server(Path(folder), database, **environment)
        try:
            yield one
        finally:
            if one.master.poll() is None:
                one.stop()


class Peak(threading.Thread):
    """The most memory one worker had above what it had before, while this ran."""

    def __init__(self, workers: list[psutil.Process]) -> None:
        super().__init__(daemon=True)
        self.before = {worker: worker.memory_info().rss for worker in workers}
        self.rise, self.over = 0, threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.01):
            for worker, before in self.before.items():
                self.rise = max(self.rise, worker.memory_info().rss - before)


@contextmanager
def peak(one: Server) -> Iterator[Peak]:
    watch = Peak(one.workers())
    watch.start()
    yield watch
    watch.over.set()
    watch.join()


def counted(answers: list[Answer]) -> str:
    counts = Counter(answer.status for answer in answers)
    return ", ".join(f"{n} x {status or 'reset'}" for status, n in sorted(counts.items()))
