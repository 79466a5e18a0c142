"""HTTP load generator: a few connections, each sending the next request after the last response."""

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

    def send(self) -> None:
        self.received = b""
        self.socket.sendall(self.request())

    def receive(self) -> bool:
        """Read available bytes; return whether the response is complete.

        Raises ConnectionError for a closed connection or a status other than 20x.
        """
        chunk = self.socket.recv(1 << 16)
        if not chunk:
            raise ConnectionError("The server closed the connection.")
        self.received += chunk
        head, separator, body = self.received.partition(b"\r\n\r\n")
        if not separator:
            return False
        if not head[9:].startswith(b"20"):
            raise ConnectionError(head.decode(errors="replace"))
        length = head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0]
        return len(body) >= int(length)


def requests_per_second(
    site: str, request: Callable[[], bytes], seconds: float, connections: int = CONNECTIONS
) -> float:
    """Load a site for the given time; ``request`` returns the bytes of each request.

    Raises ConnectionError at the first response with a status other than 20x.
    """
    url = urlsplit(site)
    address = str(url.hostname), int(url.port or 80)
    opened = [_Connection(address, request) for _ in range(connections)]
    responses = 0
    with selectors.DefaultSelector() as selector:
        for connection in opened:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
            connection.send()
        start = time.perf_counter()
        while time.perf_counter() - start < seconds:
            for key, _ in selector.select(timeout=5):
                if key.data.receive():
                    responses += 1
                    key.data.send()
        elapsed = time.perf_counter() - start
    for connection in opened:
        connection.socket.close()
    return responses / elapsed
