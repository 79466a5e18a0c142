"""gunicorn's threads, with an end to their patience."""

import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from logging import LogRecord
from selectors import EVENT_READ
from socket import IPPROTO_TCP, MSG_PEEK, SHUT_RD, SHUT_WR
from time import monotonic
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from mnist_site.load_shedding import ALIVE, refusal

# Seconds in which a request has to arrive; what has not by then is not read any more.
ARRIVAL = 10.0
# Seconds in which a client has to take something of its answer.
SENDING = 15
# Threads for those who ask whether the process is alive, when all others are taken.
SPARE = 2
# Seconds in which whoever was turned away has to hang up.
LEAVING = 2.0


class Worker(ThreadWorker):
    """A gthread worker in which nobody holds a thread by sending a byte now and then.

    Where all threads are taken it turns requests away by itself: to start a thread for each, and to
    let it wait its turn, would cost as much as to answer.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._begun: dict[Any, float] = {}
        self._taken = 0
        self._leaving: dict[Any, float] = {}

    def init_process(self) -> None:
        # The thread that accepts must not queue behind those that answer for 5 ms each.
        sys.setswitchinterval(0.0005)
        self.log.error_log.addFilter(_is_news)
        super().init_process()

    def get_thread_pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self.cfg.threads + SPARE)

    def accept(self, listener: Any) -> None:
        """Accept all who wait, not one at a time: in a crowd the kernel would turn them away."""
        before = -1
        while before < self.nr_conns < self.worker_connections:
            before = self.nr_conns
            super().accept(listener)

    def enqueue_req(self, conn: Any) -> None:
        """Give a connection a thread, once it says something; or turn it away."""
        conn.sock.settimeout(0)
        try:
            start = conn.sock.recv(len(ALIVE_REQUEST), MSG_PEEK)
        except BlockingIOError:
            # Of one that was here before, the next request has come with the last one.
            start = ALIVE_REQUEST if conn.initialized else None
        except OSError:
            start = b""
        if start is None:
            self._await(conn)
        elif self._taken < self.cfg.threads + SPARE * (start == ALIVE_REQUEST):
            self._taken += 1
            conn.data_ready = True
            super().enqueue_req(conn)
        else:
            self._turn_away(conn)

    def finish_request(self, conn: Any, fs: Any) -> None:
        self._taken -= 1
        super().finish_request(conn, fs)

    def handle(self, conn: Any) -> Any:
        self._begun[conn] = monotonic()
        # Linux alone has it, and for TCP alone.
        with suppress(AttributeError, OSError):
            conn.sock.setsockopt(IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 1000 * SENDING)
        try:
            return super().handle(conn)
        finally:
            del self._begun[conn]

    def murder_pending(self) -> None:
        """Called at least once a second. An answer that is on its way is not touched."""
        super().murder_pending()
        now = monotonic()
        for conn, begun in self._begun.copy().items():
            if begun < now - ARRIVAL:
                with suppress(OSError):
                    conn.sock.shutdown(SHUT_RD)
        for conn in [one for one, since in self._leaving.items() if since < now - LEAVING]:
            self._close(conn)

    def _await(self, conn: Any) -> None:
        """Nothing has come yet: let no thread wait for it."""
        conn.timeout = monotonic() + ARRIVAL
        self.pending_conns.append(conn)
        again = partial(self.on_pending_socket_readable, conn)
        self.poller.register(conn.sock, EVENT_READ, again)

    def _turn_away(self, conn: Any) -> None:
        """Answer 503, and read until the client hangs up: closed at once, it would not hear it."""
        self.wsgi.refused()
        self._leaving[conn] = monotonic()
        self.poller.register(conn.sock, EVENT_READ, partial(self._drain, conn))
        try:
            conn.sock.send(CROWDED)
            conn.sock.shutdown(SHUT_WR)
        except OSError:
            self._close(conn)

    def _drain(self, conn: Any, sock: Any) -> None:
        try:
            gone = not sock.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:
            gone = True
        if gone:
            self._close(conn)

    def _close(self, conn: Any) -> None:
        del self._leaving[conn]
        self.poller.unregister(conn.sock)
        self.nr_conns -= 1
        conn.close()


def _is_news(record: LogRecord) -> bool:
    """Whether to report it: gunicorn reports no client that hangs up, but those that are dead."""
    return not (record.exc_info and isinstance(record.exc_info[1], TimeoutError))


def _crowded() -> bytes:
    """What the door says to whom it refuses, as it goes over the wire."""
    lines: list[str] = []

    def start_response(status: str, headers: list[tuple[str, str]]) -> None:
        lines.append(f"HTTP/1.1 {status}")
        lines.extend(f"{name}: {value}" for name, value in [*headers, ("Connection", "close")])

    body = b"".join(refusal(HTTPStatus.SERVICE_UNAVAILABLE, start_response))
    return "\r\n".join([*lines, "\r\n"]).encode() + body


CROWDED = _crowded()
ALIVE_REQUEST = f"GET {ALIVE}".encode()
