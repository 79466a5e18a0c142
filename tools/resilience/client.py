"""Requests to a server that is in trouble: many at once, slow ones, and what came of each."""

import asyncio
import json
import socket
import time
from collections.abc import Awaitable, Iterable
from typing import NamedTuple
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from tools.bench.load import form
from tools.samples import SEVEN

STROKES = json.dumps({"strokes": SEVEN}).encode()
# What became of a request that got no answer.
RESET = 0


class Answer(NamedTuple):
    status: int
    seconds: float
    head: str = ""

    @property
    def says_when(self) -> bool:
        return "retry-after" in self.head.lower()


def request(method: str, path: str, body: bytes = b"", kind: str = "", *more: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close", *more]
    if not any(line.startswith(("Content-Length", "Transfer-Encoding")) for line in more):
        lines.append(f"Content-Length: {len(body)}")
    if kind:
        lines.append(f"Content-Type: {kind}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def predict(*more: str) -> bytes:
    return request("POST", "/api/v1/predict", STROKES, "application/json", *more)


def keep(id: UUID | None = None) -> bytes:
    return request("PUT", f"/api/v1/drawings/{id or uuid4()}", STROKES, "application/json")


def picture(content: bytes) -> bytes:
    return request("POST", "/api/v1/predict", *form("image", content, "picture"))


async def ask(site: str, content: bytes, timeout: float = 60) -> Answer:
    """Send a request on a connection of its own; its answer, or RESET."""
    url = urlsplit(site)
    begun = time.monotonic()
    try:
        async with asyncio.timeout(timeout):
            reader, writer = await asyncio.open_connection(url.hostname, url.port)
            try:
                writer.write(content)
                answer = await reader.read()
            finally:
                writer.close()
        head = answer.partition(b"\r\n\r\n")[0].decode()
        return Answer(int(head[9:12]), time.monotonic() - begun, head)
    except (OSError, TimeoutError, ValueError):
        return Answer(RESET, time.monotonic() - begun)


async def drip(site: str, seconds: float) -> None:
    """Send a request whose body comes byte by byte, until nobody listens or time is up."""
    url = urlsplit(site)
    _, writer = await asyncio.open_connection(url.hostname, url.port)
    writer.write(predict()[: -len(STROKES)])
    for byte in range(int(seconds * 2)):
        writer.write(STROKES[byte : byte + 1])
        await asyncio.sleep(0.5)
    writer.close()


async def take_nothing(site: str, content: bytes, seconds: float) -> None:
    """Ask again and again on one connection, and read no answer."""
    url = urlsplit(site)
    with socket.socket() as deaf:
        deaf.settimeout(0)
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        await asyncio.get_running_loop().sock_connect(deaf, (url.hostname, url.port))
        deaf.send(content * 100)
        await asyncio.sleep(seconds)


async def crowd(site: str, content: bytes, people: int, seconds: float) -> list[Answer]:
    """So many who ask, each again as soon as he is answered, whatever the answer."""
    until = time.monotonic() + seconds

    async def one() -> list[Answer]:
        answers = []
        while time.monotonic() < until:
            answers.append(await ask(site, content))
        return answers

    return [
        answer for some in await asyncio.gather(*(one() for _ in range(people))) for answer in some
    ]


async def flood(site: str, content: bytes, rate: float, seconds: float) -> list[Answer]:
    """So many a second who ask, whatever becomes of those before them."""
    asked: list[asyncio.Task[Answer]] = []
    begun = time.monotonic()
    while (passed := time.monotonic() - begun) < seconds:
        due = int(passed * rate) - len(asked)
        asked += [asyncio.create_task(ask(site, content)) for _ in range(due)]
        await asyncio.sleep(0.002)
    return await together(asked)


async def together(some: Iterable[Awaitable[Answer]]) -> list[Answer]:
    return list(await asyncio.gather(*some))


def percentile(answers: Iterable[Answer], share: float) -> float:
    """In seconds."""
    seconds = sorted(answer.seconds for answer in answers)
    return seconds[min(int(share * len(seconds)), len(seconds) - 1)] if seconds else 0.0
