"""Load shedding in front of Django: buffer request bodies, limit concurrency, reject with 503.

Processing is fast and clients can be slow. All server threads buffer bodies and wait in the
backlog; only a few process requests at the same time, since more would slow each other down.
"""

import io
import json
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from queue import Empty, SimpleQueue
from threading import Lock
from typing import Any, TypeAlias

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.http import parse_header_parameters

from recognizer.api.problem_details import CONTENT_TYPE, RETRY_AFTER, problem_details

Environ: TypeAlias = dict[str, Any]
StartResponse: TypeAlias = Callable[..., Any]
Application: TypeAlias = Callable[[Environ, StartResponse], Iterable[bytes]]

CONCURRENCY_LIMIT = 4
BACKLOG_LIMIT = 16
QUEUE_TIMEOUT = 0.5  # seconds in the backlog
BODY_MEMORY = 48_000_000  # bytes of buffered bodies per process
# Bytes of an oversized body to read and discard: most clients read no response before.
DRAIN_LIMIT = 64_000_000
CHUNK_SIZE = 1 << 16
# Exempt from the limits: an overloaded process is still alive.
LIVENESS_PATH = "/health/live"
OVERLOADED = "The server is overloaded. Retry after one second."

Slot: TypeAlias = tuple[BaseDatabaseWrapper, ...]
"""Permission to process one request, with its database connections.

Django opens connections per thread. Slots pass them between threads instead, so that a process
never has more connections than slots.
"""


class Rejected(Exception):
    """A request rejected before Django, with its status and explanation."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


class LoadShedder:
    """A WSGI application that limits the load of another one."""

    def __init__(
        self,
        application: Application,
        max_body_size: int,
        backlog_limit: int = BACKLOG_LIMIT,
        on_backlog_change: Callable[[int], object] = lambda _: None,
        on_reject: Callable[[], object] = lambda: None,
        cors_origins: Collection[str] = (),
    ) -> None:
        """``max_body_size`` is in bytes; ``backlog_limit`` does not count running requests.

        Pages of ``cors_origins`` may read rejections.
        ``on_backlog_change`` receives 1 or -1; ``on_reject`` is called for each rejection.
        """
        self.application, self.max_body_size = application, max_body_size
        self.on_backlog_change, self.on_reject = on_backlog_change, on_reject
        self.cors_origins = cors_origins
        self._backlog_limit = backlog_limit
        self._backlog: deque[SimpleQueue[Slot]] = deque()
        self._free_slots: list[Slot] = [()] * CONCURRENCY_LIMIT
        self._used_memory = 0
        self._lock = Lock()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        body = io.BytesIO()
        try:
            environ["CONTENT_TYPE"] = _without_charset(environ.get("CONTENT_TYPE", ""))
            if environ["PATH_INFO"] == LIVENESS_PATH:
                return self.application(environ, start_response)
            self._buffer_body(environ, body)
            with self._slot():
                return self.application(environ, start_response)
        except Rejected as error:
            self.on_reject()
            origin = environ.get("HTTP_ORIGIN")
            allowed = origin if origin in self.cors_origins else None
            headers, content = error_response(error.status, error.detail, allowed)
            start_response(f"{error.status.value} {error.status.phrase}", headers)
            return [content]
        finally:
            self._reserve_memory(-len(body.getbuffer()))
            # Reference cycles keep requests alive; free their bodies now.
            body.close()

    def _buffer_body(self, environ: Environ, body: io.BytesIO) -> None:
        """Read a body of known length into ``body``; discard an oversized one."""
        content_length = environ.get("CONTENT_LENGTH") or ""
        if not content_length.isdecimal() or "HTTP_TRANSFER_ENCODING" in environ:
            return
        length = int(content_length)
        left = min(length, DRAIN_LIMIT)
        while left > 0 and (chunk := environ["wsgi.input"].read(min(left, CHUNK_SIZE))):
            left -= len(chunk)
            if length <= self.max_body_size:
                self._reserve_memory(len(chunk))
                body.write(chunk)
        if left > 0:
            raise Rejected(
                HTTPStatus.REQUEST_TIMEOUT,
                f"The body is incomplete: {left:,} bytes did not arrive in time. Send it again.",
            )
        body.seek(0)
        environ["wsgi.input"] = body

    def _reserve_memory(self, size: int) -> None:
        with self._lock:
            if size > 0 and self._used_memory + size > BODY_MEMORY:
                raise Rejected(HTTPStatus.SERVICE_UNAVAILABLE, OVERLOADED)
            self._used_memory += size

    @contextmanager
    def _slot(self) -> Iterator[None]:
        """Hold a slot and give its database connections to this thread."""
        for connection in self._acquire_slot():
            connections[connection.alias] = connection
        try:
            yield
        finally:
            used = connections.all(initialized_only=True)
            for connection in used:
                del connections[connection.alias]
                if not connection.allow_thread_sharing:
                    connection.inc_thread_sharing()
            # Pass the slot to the oldest request in the backlog; new requests cannot overtake it.
            with self._lock:
                if self._backlog:
                    self._backlog.popleft().put(tuple(used))
                else:
                    self._free_slots.append(tuple(used))

    def _acquire_slot(self) -> Slot:
        """Return a free slot, or wait in the backlog for one."""
        with self._lock:
            if self._free_slots:
                return self._free_slots.pop()
            if len(self._backlog) >= self._backlog_limit:
                raise Rejected(HTTPStatus.SERVICE_UNAVAILABLE, OVERLOADED)
            handover: SimpleQueue[Slot] = SimpleQueue()
            self._backlog.append(handover)
        self.on_backlog_change(1)
        try:
            return handover.get(timeout=QUEUE_TIMEOUT)
        except Empty:
            with self._lock:
                if handover in self._backlog:
                    self._backlog.remove(handover)
                    raise Rejected(HTTPStatus.SERVICE_UNAVAILABLE, OVERLOADED) from None
            # A slot arrived between the timeout and the lock.
            return handover.get()
        finally:
            self.on_backlog_change(-1)


def _without_charset(content_type: str) -> str:
    """Remove the charset: bodies are UTF-8, and Django fails on charsets it cannot decode."""
    if ";" not in content_type:
        return content_type
    try:
        media_type, parameters = parse_header_parameters(content_type)
    except (ValueError, LookupError):
        raise Rejected(
            HTTPStatus.BAD_REQUEST,
            "The parameters of Content-Type cannot be decoded. Send them without an encoding.",
        ) from None
    if "charset" not in parameters:
        return content_type
    boundary = parameters.get("boundary", "").replace('"', "")
    return f'{media_type}; boundary="{boundary}"' if boundary else media_type


def error_response(
    status: HTTPStatus, detail: str, allowed_origin: str | None = None
) -> tuple[list[tuple[str, str]], bytes]:
    """Return headers and body of problem details, made without Django.

    Pages of ``allowed_origin`` may read them.
    """
    body = json.dumps(problem_details(status, detail)).encode()
    headers = [
        ("Content-Type", CONTENT_TYPE),
        ("Content-Length", str(len(body))),
        ("X-Content-Type-Options", "nosniff"),
    ]
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers.append(("Retry-After", RETRY_AFTER))
    if allowed_origin:
        headers += [
            ("Access-Control-Allow-Origin", allowed_origin),
            ("Access-Control-Expose-Headers", "Retry-After"),
            ("Vary", "Origin"),
        ]
    return headers, body
