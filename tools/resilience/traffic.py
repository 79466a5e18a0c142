"""Trials of what is sent: bombs and broken pictures, crowds, slow clients, long work."""

import asyncio
import random
import signal
import time
from collections.abc import Iterator

from PIL import Image

from mnist_site.load_shedding import BACKLOG_LIMIT, CONCURRENCY_LIMIT
from mnist_site.worker import SEND_TIMEOUT
from tools.resilience import hostile_inputs
from tools.resilience.client import (
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
    take_nothing,
    together,
)
from tools.resilience.hostile_inputs import saved, seven
from tools.resilience.target import Row, Server, counted, peak, server

MEGABYTE = 1_000_000


def bombs(database: str | None, *, short: bool) -> Iterator[Row]:
    with server(database) as one:
        pids = one.workers()
        for _ in range(4):
            one.ask(picture(saved(seven())))
        slowest, most, wrong = 0.0, 0, []
        for name, (status, make) in hostile_inputs.BOMBS.items():
            content = picture(make())
            with peak(one) as watch:
                answers = [one.ask(content) for _ in range(2)]
            slowest = max(slowest, min(answer.seconds for answer in answers))
            most = max(most, watch.rise)
            wrong += [name for answer in answers if answer.status != status]
        alive = one.workers() == pids
        reached = f"slowest {slowest * 1e3:.0f} ms, +{most / MEGABYTE:.0f} MB, wrong: {wrong or 0}"
        holds = not wrong and alive and slowest < 0.2 and most < 100 * MEGABYTE
        yield Row("1, 2 bombs", f"{len(hostile_inputs.BOMBS)} kinds", reached, holds)

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


def overload(database: str | None, *, short: bool) -> Iterator[Row]:
    """Four times as many as the doors of both workers let in, and none of them goes away.

    Then four times as many a second as were answered, who do not wait for one another.
    """
    seconds = 10 if short else 45
    people = 4 * 2 * (CONCURRENCY_LIMIT + BACKLOG_LIMIT)
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


def deaf_clients(database: str | None, *, short: bool) -> Iterator[Row]:
    """Whoever takes nothing of an answer holds a thread no longer than the server waits."""
    seconds, clients = 2 * SEND_TIMEOUT, 80
    file = request("GET", "/api/v1/model.onnx").replace(b"Connection: close\r\n", b"")
    with server(database) as one:

        async def beside() -> list[Answer]:
            deaf = [
                asyncio.create_task(take_nothing(one.site, file, seconds)) for _ in range(clients)
            ]
            await asyncio.sleep(5)
            held = await ask(one.site, predict())
            await asyncio.sleep(SEND_TIMEOUT - 2)
            read = [held, *(await together(ask(one.site, predict()) for _ in range(8)))]
            await asyncio.gather(*deaf, return_exceptions=True)
            return read

        held, *read = asyncio.run(beside())
        late = percentile(read, 0.99)
        reached = f"{held.status} at first; then {counted(read)}, p99 {late * 1e3:.0f} ms"
        good = {answer.status for answer in read} == {200} and late < 1
        yield Row("12 deaf clients", f"{clients} for {seconds} s", reached, good)


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
