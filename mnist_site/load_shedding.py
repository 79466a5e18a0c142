"""The door in front of Django: requests come in whole, a few at a time, and a crowd is sent away.

Clients may be many and slow; what answers them is quick, and more of it at once would only slow it
down. So all the threads of the server read bodies and wait, and a few of them at a time answer.
"""

import io
import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from queue import Empty, SimpleQueue
from threading import Lock
from typing import Any, TypeAlias

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.http import parse_header_parameters

Environ: TypeAlias = dict[str, Any]
StartResponse: TypeAlias = Callable[..., Any]
Application: TypeAlias = Callable[[Environ, StartResponse], Iterable[bytes]]
Place: TypeAlias = tuple[BaseDatabaseWrapper, ...]

AT_ONCE = 4
# Requests that wait, and for how many seconds, until they are told to come back.
WAITING = 16
PATIENCE = 0.5
# Bytes of bodies that a process holds.
HELD = 48_000_000
# What is read and thrown away of a body that is too large, so that its sender hears why.
DRAINED = 64_000_000
CHUNK = 1 << 16
# Says whether the process is alive, which it is in a crowd too.
ALIVE = "/health/live"


class Rejected(Exception):
    """The request does not get in; the status says why."""

    def __init__(self, status: HTTPStatus) -> None:
        self.status = status


class LoadShedder:
    """A WSGI application that lets requests into another one."""

    def __init__(
        self,
        application: Application,
        largest: int,
        waiting: int = WAITING,
        queued: Callable[[int], object] = lambda _: None,
        refused: Callable[[], object] = lambda: None,
    ) -> None:
        """``largest`` body in bytes; ``waiting`` requests beside those that are answered.

        ``queued`` is told by how many those that wait become more, ``refused`` of each refusal.
        """
        self.application, self.largest = application, largest
        self.queued, self.refused = queued, refused
        # Django gives each thread database connections of its own. These belong to the places
        # instead, whichever thread has one, so that there are no more of them than places.
        self._free: list[Place] = [()] * AT_ONCE
        self._queue: deque[SimpleQueue[Place]] = deque()
        self._waiting = waiting
        self._held = 0
        self._lock = Lock()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        body = io.BytesIO()
        try:
            environ["CONTENT_TYPE"] = _plain(environ.get("CONTENT_TYPE", ""))
            if environ["PATH_INFO"] == ALIVE:
                return self.application(environ, start_response)
            self._read(environ, body)
            with self._place():
                return self.application(environ, start_response)
        except Rejected as error:
            self.refused()
            return refusal(error.status, start_response)
        finally:
            self._hold(-len(body.getbuffer()))
            # Requests go round in circles with their sessions; their bodies need not.
            body.close()

    def _read(self, environ: Environ, body: io.BytesIO) -> None:
        """Read a body that says how long it is; one that is too long is thrown away."""
        stated = environ.get("CONTENT_LENGTH") or ""
        if not stated.isdecimal() or "HTTP_TRANSFER_ENCODING" in environ:
            return
        length = int(stated)
        left = min(length, DRAINED)
        while left > 0 and (chunk := environ["wsgi.input"].read(min(left, CHUNK))):
            left -= len(chunk)
            if length <= self.largest:
                self._hold(len(chunk))
                body.write(chunk)
        if left > 0:
            raise Rejected(HTTPStatus.REQUEST_TIMEOUT)
        body.seek(0)
        environ["wsgi.input"] = body

    def _hold(self, size: int) -> None:
        with self._lock:
            if size > 0 and self._held + size > HELD:
                raise Rejected(HTTPStatus.SERVICE_UNAVAILABLE)
            self._held += size

    @contextmanager
    def _place(self) -> Iterator[None]:
        """One of a few places to answer from, with its database connections."""
        for connection in self._enter():
            connections[connection.alias] = connection
        try:
            yield
        finally:
            used = connections.all(initialized_only=True)
            for connection in used:
                del connections[connection.alias]
                if not connection.allow_thread_sharing:
                    connection.inc_thread_sharing()
            self._leave(tuple(used))

    def _enter(self) -> Place:
        """A place, when it is one's turn and if that comes in time."""
        with self._lock:
            if self._free:
                return self._free.pop()
            if len(self._queue) >= self._waiting:
                raise Rejected(HTTPStatus.SERVICE_UNAVAILABLE)
            turn: SimpleQueue[Place] = SimpleQueue()
            self._queue.append(turn)
        self.queued(1)
        try:
            return self._turn(turn)
        finally:
            self.queued(-1)

    def _turn(self, turn: SimpleQueue[Place]) -> Place:
        try:
            return turn.get(timeout=PATIENCE)
        except Empty:
            with self._lock:
                if turn in self._queue:
                    self._queue.remove(turn)
                    raise Rejected(HTTPStatus.SERVICE_UNAVAILABLE) from None
            # It came at the last moment.
            return turn.get()

    def _leave(self, place: Place) -> None:
        """Hand the place to whoever has waited longest: nobody may overtake."""
        with self._lock:
            if self._queue:
                self._queue.popleft().put(place)
            else:
                self._free.append(place)


def _plain(content_type: str) -> str:
    """A content type as all here is: UTF-8. Django breaks on parameters that cannot be decoded."""
    if ";" not in content_type:
        return content_type
    try:
        media, parameters = parse_header_parameters(content_type)
    except (ValueError, LookupError):
        raise Rejected(HTTPStatus.BAD_REQUEST) from None
    if "charset" not in parameters:
        return content_type
    boundary = parameters.get("boundary", "").replace('"', "")
    return f'{media}; boundary="{boundary}"' if boundary else media


def refusal(status: HTTPStatus, start_response: StartResponse) -> Iterable[bytes]:
    """A problem document (RFC 9457), made without Django."""
    members = {"type": "about:blank", "title": status.phrase, "status": status.value}
    body = json.dumps({**members, "detail": status.description or status.phrase}).encode()
    headers = [
        ("Content-Type", "application/problem+json"),
        ("Content-Length", str(len(body))),
        ("X-Content-Type-Options", "nosniff"),
    ]
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers.append(("Retry-After", "1"))
    start_response(f"{status.value} {status.phrase}", headers)
    return [body]
