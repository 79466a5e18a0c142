"""Traffic trials: hostile pictures, overload, slow clients, long operation."""

import asyncio
import shutil
import time
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from PIL import Image

from mnist_site.load_shedding import BACKLOG_LIMIT, CONCURRENCY_LIMIT, SEND_TIMEOUT
from tools import http_requests
from tools.nginx import nginx
from tools.resilience import hostile_inputs
from tools.resilience.client import (
    STROKES,
    Response,
    closed_loop,
    gather,
    open_loop,
    percentile,
    picture_request,
    predict_request,
    request,
    save_request,
    send,
    send_all,
    send_slowly,
    send_without_reading,
)
from tools.resilience.hostile_inputs import saved, seven
from tools.resilience.server import Result, Server, count_statuses, peak_memory, running_server

MEGABYTE = 1_000_000
SILENT = 520


def hostile_requests(database_url: str | None, *, short: bool) -> Iterator[Result]:
    """Send decompression bombs, a large photo and invalid bodies."""
    with running_server(database_url) as server:
        workers = server.workers()
        # Warm up, so that the first prediction does not count as memory growth.
        for _ in range(4):
            server.send(picture_request(saved(seven())))
        yield bombs(server)
        yield large_photo(server)
        yield invalid_bodies(server)
        yield Result("no crash", "all above", "", server.workers() == workers)


def bombs(server: Server) -> Result:
    slowest, growth, wrong = 0.0, 0, set()
    for name, (status, make) in hostile_inputs.BOMBS.items():
        content = picture_request(make())
        with peak_memory(server) as peak:
            responses = [server.send(content) for _ in range(2)]
        slowest = max(slowest, min(response.seconds for response in responses))
        growth = max(growth, peak.growth)
        wrong |= {name for response in responses if response.status != status}
    outcome = f"{slowest * 1e3:.0f} ms, +{growth / MEGABYTE:.0f} MB, wrong: {wrong or 0}"
    holds = not wrong and slowest < 0.2 and growth < 100 * MEGABYTE
    return Result("hostile pictures", f"{len(hostile_inputs.BOMBS)} kinds", outcome, holds)


def large_photo(server: Server) -> Result:
    noise = Image.effect_noise((4_000, 3_000), 60).convert("RGB")
    photo = picture_request(saved(noise, "JPEG", quality=75))
    with peak_memory(server) as peak:
        responses = [server.send(photo) for _ in range(3)]
    fastest = min(response.seconds for response in responses)
    growth = f"+{peak.growth / MEGABYTE:.0f} MB"
    outcome = f"{count_statuses(responses)}, {fastest * 1e3:.0f} ms, {growth}"
    holds = responses[0].status == 200 and fastest < 0.3
    return Result("large photo", f"12 MP, {len(photo) / MEGABYTE:.1f} MB", outcome, holds)


def invalid_bodies(server: Server) -> Result:
    path, json = "/api/v1/predict", "application/json"
    chunked = b"2\r\n{}\r\n0\r\n\r\n"
    requests = {
        413: request("POST", path, bytes(2 * MEGABYTE), json),
        411: request("POST", path, chunked, json, "Transfer-Encoding: chunked"),
        408: request("POST", path, b"{}", json, "Content-Length: 100"),
        400: request("POST", path, b"{}", json, "Content-Length: -1"),
    }
    statuses = {expected: server.send(content).status for expected, content in requests.items()}
    wrong = [f"{status} for {expected}" for expected, status in statuses.items()
             if status != expected]  # fmt: skip
    trial = "too long, chunked, wrong length"
    return Result("invalid bodies", trial, f"wrong: {wrong or 0}", not wrong)


def overload(database_url: str | None, *, short: bool) -> Iterator[Result]:
    """Load two workers with four times their slots, then with four times their throughput."""
    clients = 4 * 2 * (CONCURRENCY_LIMIT + BACKLOG_LIMIT)
    with running_server(database_url) as server:
        seconds = 10 if short else 45
        responses = asyncio.run(closed_loop(server.url, predict_request, clients, seconds))
        yield load_shedding(f"{clients} clients for {seconds} s", responses)

        rate = 4 * sum(response.status == 200 for response in responses) / seconds
        seconds = 5 if short else 15
        responses = asyncio.run(open_loop(server.url, predict_request(), rate, seconds))
        yield load_shedding(f"{rate:.0f} per second for {seconds} s", responses)


def load_shedding(trial: str, responses: list[Response]) -> Result:
    accepted = [response for response in responses if response.status == 200]
    rejected = [r for r in responses if r.status in (429, 503) and r.has_retry_after]
    slowest = percentile(accepted, 0.99)
    outcome = f"{count_statuses(responses)}; accepted p99 {slowest * 1e3:.0f} ms"
    holds = bool(accepted) and slowest < 1 and len(accepted) + len(rejected) == len(responses)
    return Result("overload", trial, outcome, holds)


def slow_clients(database_url: str | None, *, short: bool) -> Iterator[Result]:
    """Send 16 request bodies slowly; other requests must not wait."""
    seconds = 6 if short else 20
    with running_server(database_url) as server:
        slow = [(predict_request(), len(STROKES))] * 16
        yield beside_slow_clients("slow clients", server.url, slow, seconds)


def proxy(database_url: str | None, *, short: bool) -> Iterator[Result]:
    """Send headers and bodies slowly to nginx, from more clients than the server has threads."""
    if not shutil.which("nginx"):
        yield Result("behind a proxy", "nginx is not installed", "skipped", holds=True)
        return
    seconds = 6 if short else 20
    slow = [(predict_request(), len(STROKES))] * 100
    slow += [(predict_request(), len(STROKES) + 20)] * 100
    slow += [(b"?" * 99, 90)] * 100
    with (
        TemporaryDirectory() as folder,
        running_server(database_url) as server,
        nginx(Path(folder), [server.url]) as url,
    ):
        yield beside_slow_clients("behind a proxy", url, slow, seconds, "127.0.0.2")


def silent_connections(database_url: str | None, *, short: bool) -> Iterator[Result]:
    """Open many connections that send nothing, to the server itself and to nginx."""
    if database_url:
        return
    with running_server(None, WEB_CONCURRENCY="1") as server, TemporaryDirectory() as folder:
        yield beside_silence("silent clients", server.url)
        if shutil.which("nginx"):
            with nginx(Path(folder), [server.url]) as url:
                yield beside_silence("silent, proxy", url)


def beside_silence(promise: str, site: str) -> Result:
    """Time probes and predictions beside silent connections."""
    url = urlsplit(site)

    contents = cycle([request("GET", "/health/live"), predict_request()])

    async def load() -> list[Response]:
        silent = [
            await asyncio.open_connection(url.hostname, url.port, local_addr=("127.0.0.2", 0))
            for _ in range(SILENT)
        ]
        responses = await closed_loop(site, lambda: next(contents), 2, 15)
        for _, writer in silent:
            writer.close()
        return responses

    responses = asyncio.run(load())
    slowest = percentile(responses, 0.99)
    outcome = f"{count_statuses(responses)}, p99 {slowest * 1e3:.0f} ms"
    holds = {response.status for response in responses} == {200} and slowest < 1
    return Result(promise, f"{SILENT} connections for 15 s", outcome, holds)


def beside_slow_clients(
    promise: str,
    site: str,
    slow: list[tuple[bytes, int]],
    seconds: int,
    address: str = "127.0.0.1",
) -> Result:
    """Time other requests beside slow ones, given with their numbers of slow bytes."""

    async def load() -> tuple[list[Response], list[Response]]:
        clients = [
            asyncio.create_task(send_slowly(site, content, count, seconds, address))
            for content, count in slow
        ]
        health, predictions = [], []
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            health.append(await send(site, request("GET", "/health/live")))
            predictions.append(await send(site, predict_request()))
            await asyncio.sleep(0.05)
        await asyncio.gather(*clients, return_exceptions=True)
        return health, predictions

    health, predictions = asyncio.run(load())
    slowest = percentile(health, 0.99), percentile(predictions, 0.99)
    statuses = {response.status for response in health + predictions}
    outcome = f"p99 health {slowest[0] * 1e3:.0f} ms, predict {slowest[1] * 1e3:.0f} ms"
    holds = statuses == {200} and max(slowest) < 1
    return Result(promise, f"{len(slow)} for {seconds} s", outcome, holds)


def stalled_readers(database_url: str | None, *, short: bool) -> Iterator[Result]:
    """Open more connections than threads and read no response; the server must drop them."""
    seconds, clients = 2 * SEND_TIMEOUT, 160
    model_file = http_requests.request("GET", "/api/v1/model.onnx")

    async def load(site: str) -> tuple[Response, list[Response]]:
        stalled = [
            asyncio.create_task(send_without_reading(site, model_file, seconds))
            for _ in range(clients)
        ]
        await asyncio.sleep(5)
        during = await send(site, predict_request())
        await asyncio.sleep(SEND_TIMEOUT - 2)
        after = await gather(send(site, predict_request()) for _ in range(8))
        await asyncio.gather(*stalled, return_exceptions=True)
        return during, after

    with running_server(database_url) as server:
        during, after = asyncio.run(load(server.url))
    slowest = percentile(after, 0.99)
    outcome = f"first {during.status}, then {count_statuses(after)}, p99 {slowest * 1e3:.0f} ms"
    holds = {response.status for response in after} == {200} and slowest < 1
    yield Result("stalled readers", f"{clients} for {seconds} s", outcome, holds)


def rate_limit(database_url: str | None, *, short: bool) -> Iterator[Result]:
    """Send twice the limit with forged X-Forwarded-For headers to four workers."""
    limit = 600
    with running_server(
        database_url, WEB_CONCURRENCY="4", REQUESTS_PER_MINUTE=str(limit)
    ) as server:
        started = time.monotonic()
        responses = []
        for number in range(2 * limit):
            forged = f"X-Forwarded-For: 192.0.2.{number % 256}"
            responses.append(server.send(predict_request(forged, "X-Forwarded-For: 10.0.0.1")))
        # The bucket refills during the trial.
        allowed = limit * (1 + (time.monotonic() - started) / 60)
    accepted = sum(response.status == 200 for response in responses)
    rejected = sum(response.status == 429 and response.has_retry_after for response in responses)
    outcome = f"{accepted} accepted, {allowed:.0f} allowed, {rejected} x 429"
    holds = abs(accepted / allowed - 1) < 0.1 and accepted + rejected == len(responses)
    yield Result("rate limit", f"{2 * limit} requests, 4 workers", outcome, holds)


def memory_growth(database_url: str | None, *, short: bool) -> Iterator[Result]:
    """Compare the workers' memory after half of the requests and at the end.

    A short trial ends while caches still fill, so it checks only the total.
    """
    if database_url:
        return
    count = 5_000 if short else 100_000
    upload = picture_request(saved(seven()))
    kinds = [lambda: upload, save_request, *[predict_request] * 18]

    def load() -> None:
        asyncio.run(send_all(server.url, islice(cycle(kinds), count // 2), 8))

    with running_server(None) as server:
        load()
        before = server.memory()
        load()
        after = server.memory()
    growth = (after - before) / (count // 2) * 10_000 / MEGABYTE
    outcome = f"{after / MEGABYTE:.0f} MB, {growth:+.2f} MB per 10,000 requests"
    holds = after <= 256 * MEGABYTE and (short or growth < 1)
    yield Result("memory", f"{count} requests, 2 workers", outcome, holds)
