"""HTTP clients for overloaded servers: simultaneous, slow and stalled ones."""

import asyncio
import json
import socket
import time
from collections.abc import Awaitable, Callable, Iterable
from itertools import repeat, takewhile
from typing import NamedTuple
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from tools import http_requests
from tools.samples import SEVEN

STROKES = json.dumps({"strokes": SEVEN}).encode()
# Status of a request without a response.
RESET = 0


class Response(NamedTuple):
    status: int
    seconds: float
    head: str = ""

    @property
    def has_retry_after(self) -> bool:
        return "retry-after" in self.head.lower()


def request(
    method: str, path: str, body: bytes = b"", content_type: str = "", *headers: str
) -> bytes:
    """Return the bytes of a request on a connection of its own."""
    headers = ("Connection: close", *headers)
    return http_requests.request(method, path, body, content_type, *headers)


def predict_request(*headers: str) -> bytes:
    return request("POST", "/api/v1/predict", STROKES, "application/json", *headers)


def save_request(id: UUID | None = None) -> bytes:
    return request("PUT", f"/api/v1/drawings/{id or uuid4()}", STROKES, "application/json")


def picture_request(content: bytes) -> bytes:
    return request("POST", "/api/v1/predict", *http_requests.multipart(content))


async def send(site: str, content: bytes, timeout: float = 60) -> Response:
    """Send a request on a new connection; the status is RESET if no response arrives."""
    url = urlsplit(site)
    started = time.monotonic()
    try:
        async with asyncio.timeout(timeout):
            reader, writer = await asyncio.open_connection(url.hostname, url.port)
            try:
                writer.write(content)
                received = await reader.read()
            finally:
                writer.close()
        head = received.partition(b"\r\n\r\n")[0].decode()
        return Response(int(head[9:12]), time.monotonic() - started, head)
    except (OSError, TimeoutError, ValueError):
        return Response(RESET, time.monotonic() - started)


async def send_slowly(
    site: str, content: bytes, slow: int, seconds: float, address: str = "127.0.0.1"
) -> None:
    """Send the last ``slow`` bytes of a request at two per second until the time is over."""
    url = urlsplit(site)
    _, writer = await asyncio.open_connection(url.hostname, url.port, local_addr=(address, 0))
    writer.write(content[:-slow])
    for position in range(int(seconds * 2)):
        writer.write(content[len(content) - slow + position :][:1])
        await asyncio.sleep(0.5)
    writer.close()


async def send_without_reading(site: str, content: bytes, seconds: float) -> None:
    """Send pipelined requests on one connection and read no response."""
    url = urlsplit(site)
    with socket.socket() as stalled:
        stalled.settimeout(0)
        stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        await asyncio.get_running_loop().sock_connect(stalled, (url.hostname, url.port))
        stalled.send(content * 100)
        await asyncio.sleep(seconds)


async def send_all(
    site: str, make_requests: Iterable[Callable[[], bytes]], clients: int
) -> list[Response]:
    """Send requests from clients that send the next one after each response."""
    remaining = iter(make_requests)

    async def client() -> list[Response]:
        return [await send(site, make_request()) for make_request in remaining]

    by_client = await asyncio.gather(*(client() for _ in range(clients)))
    return [response for responses in by_client for response in responses]


async def closed_loop(
    site: str, make_request: Callable[[], bytes], clients: int, seconds: float
) -> list[Response]:
    """Load a site with clients for a time."""
    until = time.monotonic() + seconds
    requests = takewhile(lambda _: time.monotonic() < until, repeat(make_request))
    return await send_all(site, requests, clients)


async def open_loop(site: str, content: bytes, rate: float, seconds: float) -> list[Response]:
    """Load a site with ``rate`` requests per second, independent of its responses."""
    sent: list[asyncio.Task[Response]] = []
    started = time.monotonic()
    while (passed := time.monotonic() - started) < seconds:
        due = int(passed * rate) - len(sent)
        sent += [asyncio.create_task(send(site, content)) for _ in range(due)]
        await asyncio.sleep(0.002)
    return await gather(sent)


async def gather(requests: Iterable[Awaitable[Response]]) -> list[Response]:
    return list(await asyncio.gather(*requests))


def percentile(responses: Iterable[Response], share: float) -> float:
    """Return a percentile of the response times, in seconds."""
    seconds = sorted(response.seconds for response in responses)
    return seconds[min(int(share * len(seconds)), len(seconds) - 1)] if seconds else 0.0
