"""Requests a second: a few connections that each ask again as soon as they are answered."""

import selectors
import socket
import time
from collections.abc import Callable
from urllib.parse import urlsplit

CONNECTIONS = 4


class _Connection:
    def __init__(self, address: tuple[str, int], request: Callable[[], bytes]) -> None:
        self.socket = socket.create_connection(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.request, self.received = request, b""

    def ask(self) -> None:
        self.received = b""
        self.socket.sendall(self.request())

    def is_answered(self) -> bool:
        """Read what is there; whether the answer is whole. Raises when it is none."""
        chunk = self.socket.recv(1 << 16)
        if not chunk:
            raise ConnectionError("the server hung up")
        self.received += chunk
        head, found, body = self.received.partition(b"\r\n\r\n")
        if not found:
            return False
        if not head[9:].startswith(b"20"):
            raise ConnectionError(head.decode(errors="replace"))
        return len(body) >= _length(head)


def _length(head: bytes) -> int:
    name = b"content-length:"
    at = head.lower().index(name) + len(name)
    return int(head[at:].split(b"\r\n", 1)[0])


def requests_a_second(
    site: str, request: Callable[[], bytes], seconds: float, connections: int = CONNECTIONS
) -> float:
    """Ask with all connections for some seconds, each time what ``request`` gives.

    Raises ConnectionError at the first answer that is not a good one.
    """
    url = urlsplit(site)
    address = str(url.hostname), int(url.port or 80)
    every = [_Connection(address, request) for _ in range(connections)]
    answered = 0
    with selectors.DefaultSelector() as selector:
        for one in every:
            selector.register(one.socket, selectors.EVENT_READ, one)
            one.ask()
        start = time.perf_counter()
        while time.perf_counter() - start < seconds:
            for key, _ in selector.select(timeout=5):
                if key.data.is_answered():
                    answered += 1
                    key.data.ask()
        elapsed = time.perf_counter() - start
    for one in every:
        one.socket.close()
    return answered / elapsed


def http(method: str, path: str, body: bytes = b"", content_type: str = "") -> bytes:
    """The bytes of a request that keeps its connection."""
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
    if content_type:
        head += f"Content-Type: {content_type}\r\n"
    return head.encode() + b"\r\n" + body


def form(name: str, content: bytes, file: str) -> tuple[bytes, str]:
    """A multipart body with one file, and its content type."""
    boundary = "-" * 20 + "digits"
    disposition = f'Content-Disposition: form-data; name="{name}"; filename="{file}"'
    head = f"--{boundary}\r\n{disposition}\r\nContent-Type: image/jpeg\r\n\r\n"
    body = head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
    return body, f"multipart/form-data; boundary={boundary}"
