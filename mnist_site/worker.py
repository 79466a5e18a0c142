"""gunicorn's threaded worker with timeouts, and load shedding in the accepting thread."""

import re
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache, partial
from http import HTTPStatus
from logging import LogRecord
from selectors import EVENT_READ
from socket import IPPROTO_TCP, MSG_PEEK, SHUT_RD, SHUT_WR
from time import monotonic
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from mnist_site.load_shedding import LIVENESS_PATH, OVERLOADED, error_response

REQUEST_TIMEOUT = 10.0  # seconds to receive a request
SEND_TIMEOUT = 15  # seconds without the client reading any of the response
LINGER_TIMEOUT = 2.0  # seconds for a rejected client to close its connection
# Threads reserved for liveness probes.
LIVENESS_THREADS = 2
LIVENESS_REQUEST = f"GET {LIVENESS_PATH}".encode()
ORIGIN = re.compile(rb"^Origin: *(\S+)", re.IGNORECASE | re.MULTILINE)


@cache
def _overload_response(allowed_origin: str | None) -> bytes:
    status = HTTPStatus.SERVICE_UNAVAILABLE
    headers, body = error_response(status, OVERLOADED, allowed_origin)
    lines = [f"HTTP/1.1 {status.value} {status.phrase}"]
    lines += [f"{name}: {value}" for name, value in [*headers, ("Connection", "close")]]
    return "\r\n".join([*lines, "", ""]).encode() + body


class Worker(ThreadWorker):
    """A gthread worker whose threads slow clients cannot occupy for long.

    If all threads are busy, the accepting thread sends 503 itself: starting a thread for each
    rejection, or queueing it, would cost as much as processing the request.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._busy_threads = 0
        # Connections with their start times.
        self._receiving: dict[Any, float] = {}
        self._rejected: dict[Any, float] = {}

    def init_process(self) -> None:
        # The default of 5 ms per running thread would delay the accepting thread.
        sys.setswitchinterval(0.0005)
        self.log.error_log.addFilter(_is_not_client_timeout)
        super().init_process()

    def get_thread_pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self.cfg.threads + LIVENESS_THREADS)

    def accept(self, listener: Any) -> None:
        """Accept all waiting connections, before the kernel's queue overflows."""
        before = -1
        while before < self.nr_conns < self.worker_connections:
            before = self.nr_conns
            super().accept(listener)

    def enqueue_req(self, conn: Any) -> None:
        """Assign a thread to a connection with data; reject it if all threads are busy."""
        conn.sock.settimeout(0)
        try:
            start = conn.sock.recv(len(LIVENESS_REQUEST), MSG_PEEK)
        except BlockingIOError:
            # The parser of a used connection can already hold its next request.
            start = LIVENESS_REQUEST if conn.initialized else None
        except OSError:
            start = b""
        if start is None:
            # Wait in the poller, without a thread.
            conn.timeout = monotonic() + REQUEST_TIMEOUT
            self.pending_conns.append(conn)
            callback = partial(self.on_pending_socket_readable, conn)
            self.poller.register(conn.sock, EVENT_READ, callback)
        elif self._busy_threads < self.cfg.threads + LIVENESS_THREADS * (start == LIVENESS_REQUEST):
            self._busy_threads += 1
            conn.data_ready = True
            super().enqueue_req(conn)
        else:
            self._reject(conn)

    def finish_request(self, conn: Any, fs: Any) -> None:
        self._busy_threads -= 1
        super().finish_request(conn, fs)

    def handle(self, conn: Any) -> Any:
        self._receiving[conn] = monotonic()
        # Only Linux has TCP_USER_TIMEOUT, and only for TCP.
        with suppress(AttributeError, OSError):
            conn.sock.setsockopt(IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 1000 * SEND_TIMEOUT)
        try:
            return super().handle(conn)
        finally:
            del self._receiving[conn]

    def murder_pending(self) -> None:
        """Enforce the timeouts; gunicorn calls this at least once a second.

        Shutting down only the receiving side lets a running response finish.
        """
        super().murder_pending()
        now = monotonic()
        for conn, start in self._receiving.copy().items():
            if start < now - REQUEST_TIMEOUT:
                with suppress(OSError):
                    conn.sock.shutdown(SHUT_RD)
        for conn in [one for one, start in self._rejected.items() if start < now - LINGER_TIMEOUT]:
            self._close(conn)

    def _reject(self, conn: Any) -> None:
        """Send 503 and drain the request: closing at once would reset the connection."""
        self.wsgi.on_reject()
        self._rejected[conn] = monotonic()
        self.poller.register(conn.sock, EVENT_READ, partial(self._drain, conn))
        try:
            conn.sock.send(_overload_response(self._allowed_origin(conn)))
            conn.sock.shutdown(SHUT_WR)
        except OSError:
            self._close(conn)

    def _allowed_origin(self, conn: Any) -> str | None:
        """Return the Origin of the waiting request if its pages may read the response."""
        if not self.wsgi.cors_origins:
            return None
        try:
            match = ORIGIN.search(conn.sock.recv(4096, MSG_PEEK))
        except BlockingIOError:
            # The parser of a used connection already holds the request.
            return None
        origin = match[1].decode("latin-1") if match else None
        return origin if origin in self.wsgi.cors_origins else None

    def _drain(self, conn: Any, sock: Any) -> None:
        try:
            closed = not sock.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:
            closed = True
        if closed:
            self._close(conn)

    def _close(self, conn: Any) -> None:
        del self._rejected[conn]
        self.poller.unregister(conn.sock)
        self.nr_conns -= 1
        conn.close()


def _is_not_client_timeout(record: LogRecord) -> bool:
    """Drop tracebacks for client timeouts; gunicorn itself ignores closed connections."""
    return not (record.exc_info and isinstance(record.exc_info[1], TimeoutError))
