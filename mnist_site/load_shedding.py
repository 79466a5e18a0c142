"""Load shedding in front of Django: buffer request bodies, limit concurrency, reject with 503.

Clients are slow and processing is fast: many server threads receive bodies and wait in a backlog,
few process requests at the same time, since more would slow each other down.
"""

import io
import re
import socket
from collections import deque
from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from http import HTTPStatus
from threading import Lock, Thread
from time import monotonic, sleep
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.conf import settings
from django.db import close_old_connections

from recognizer.api.errors import ApiError, problem_response
from recognizer.telemetry import metrics

# Limits of a process. Together they leave threads of the server (gunicorn.conf.py) for probes.
# Requests with and without the database have slots and a backlog each: a slow or frozen database
# must not delay predictions. settings.py limits the connections to PostgreSQL.
CONCURRENCY_LIMIT = 4
BACKLOG_LIMIT = 12
QUEUE_TIMEOUT = 0.5  # seconds in the backlog
# A sign-in needs half a second of CPU time: staff wait longer, in a backlog of their own, and
# occupy only some of the slots of requests with the database.
STAFF_CONCURRENCY_LIMIT = 2
STAFF_BACKLOG_LIMIT = 4
STAFF_QUEUE_TIMEOUT = 5.0
RECEIVER_LIMIT = 24  # bodies at the same time
BODY_MEMORY = 48_000_000  # bytes of buffered bodies
BODY_TIMEOUT = 10.0  # seconds to receive a body
SEND_TIMEOUT = 15  # seconds without the client reading any of the response
WATCH_INTERVAL = 1.0  # seconds between checks of BODY_TIMEOUT
# Bytes of an oversized body to read and discard: most clients read no response before.
DRAIN_LIMIT = 64_000_000
CHUNK_SIZE = 1 << 20
# Exempt from the limits: an overloaded process is still alive.
LIVENESS_PATH = "/health/live"
STAFF_PATH = "/admin/"
# Other URLs need no database, except for the first load of the serving model.
DATABASE_PATHS = (STAFF_PATH, "/api/v1/drawings/", "/drawings/", "/health/ready")
BOUNDARY = re.compile(r'; *boundary="?([^";]+)', re.IGNORECASE)


class Slots:
    """The slots of requests that are processed at the same time, and their backlog."""

    def __init__(self, limit: int, backlog_limit: int) -> None:
        self._lock = Lock()
        self._free, self._backlog_limit = limit, backlog_limit
        self._backlog: deque[Lock] = deque()

    def acquire(self, deadline: float) -> None:
        """Take a free slot, or wait in the backlog for one. Raises ApiError."""
        with self._lock:
            if self._free:
                self._free -= 1
                return
            if len(self._backlog) >= self._backlog_limit:
                raise _overloaded()
            turn = Lock()
            turn.acquire()
            self._backlog.append(turn)
        with metrics.WAITING.track_inprogress():
            if turn.acquire(timeout=max(0, deadline - monotonic())):
                return
        with self._lock:
            # Otherwise a slot arrived between the timeout and the lock.
            if turn in self._backlog:
                self._backlog.remove(turn)
                raise _overloaded()

    def release(self) -> None:
        """Pass the slot to the oldest request in the backlog; new requests cannot overtake it."""
        with self._lock:
            if self._backlog:
                self._backlog.popleft().release()
            else:
                self._free += 1


class LoadShedder:
    """A WSGI application that limits the load of another one."""

    def __init__(
        self, application: WSGIApplication, max_body_size: int, cors_origins: Collection[str] = ()
    ) -> None:
        """``max_body_size`` is in bytes. Pages of ``cors_origins`` may read rejections."""
        self.application, self.max_body_size = application, max_body_size
        self.cors_origins = cors_origins
        self._lock = Lock()
        self._slots = Slots(CONCURRENCY_LIMIT, BACKLOG_LIMIT)
        self._database_slots = Slots(CONCURRENCY_LIMIT, BACKLOG_LIMIT)
        self._staff_slots = Slots(STAFF_CONCURRENCY_LIMIT, STAFF_BACKLOG_LIMIT)
        # Deadline and connection of each body; without gunicorn, the connection is unknown.
        self._receiving: dict[io.BytesIO, tuple[float, socket.socket | None]] = {}
        self._used_memory = 0
        self._watchdog: Thread | None = None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        # Keep only the boundary: Django fails on charsets that it cannot decode.
        media_type, _, parameters = environ.get("CONTENT_TYPE", "").partition(";")
        boundary = BOUNDARY.search(f";{parameters}")
        environ["CONTENT_TYPE"] = media_type + (f'; boundary="{boundary[1]}"' if boundary else "")
        connection: Any = environ.get("gunicorn.socket")
        # Only Linux has TCP_USER_TIMEOUT, and only for TCP.
        with suppress(AttributeError, OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 1000 * SEND_TIMEOUT)
        body = io.BytesIO()
        try:
            self._receive(environ, body)
            if environ.get("HTTP_CONNECTION", "").lower() == "close":
                # gunicorn's accepting thread would wait until the client closes, up to two seconds.
                _stop_receiving(connection)
            if environ["PATH_INFO"] == LIVENESS_PATH:
                return self.application(environ, start_response)
            return self._respond(environ, start_response)
        except ApiError as error:
            return self._reject(error, environ.get("HTTP_ORIGIN"), start_response)
        finally:
            self._reserve_memory(-len(body.getbuffer()))
            # Reference cycles keep requests alive; free their bodies now.
            body.close()

    def _receive(self, environ: WSGIEnvironment, body: io.BytesIO) -> None:
        """Read a body of known length into ``body``; discard an oversized one."""
        length = environ.get("CONTENT_LENGTH") or "0"
        if length == "0" or not length.isdecimal() or "HTTP_TRANSFER_ENCODING" in environ:
            return
        connection = environ.get("gunicorn.socket")
        try:
            with self._time_limit(connection, body):
                missing = self._read(environ["wsgi.input"], int(length), body)
        except ApiError:
            _stop_receiving(connection)
            raise
        if missing:
            raise ApiError(
                HTTPStatus.REQUEST_TIMEOUT,
                f"The body is incomplete: {missing:,} bytes did not arrive in time. Send it again.",
            )
        body.seek(0)
        environ["wsgi.input"] = body

    def _read(self, stream: Any, length: int, body: io.BytesIO) -> int:
        """Return the number of bytes that did not arrive."""
        missing = min(length, DRAIN_LIMIT)
        while missing and (chunk := stream.read(min(missing, CHUNK_SIZE))):
            missing -= len(chunk)
            if length <= self.max_body_size:
                self._reserve_memory(len(chunk))
                body.write(chunk)
        return missing

    @contextmanager
    def _time_limit(self, connection: socket.socket | None, body: io.BytesIO) -> Iterator[None]:
        """Shut down the receiving side of a connection that delivers its body too slowly."""
        with self._lock:
            if len(self._receiving) >= RECEIVER_LIMIT:
                raise _overloaded()
            self._receiving[body] = monotonic() + BODY_TIMEOUT, connection
            # Not earlier: a server that forks would lose the thread.
            if self._watchdog is None:
                self._watchdog = Thread(target=self._watch, daemon=True)
                self._watchdog.start()
        try:
            yield
        finally:
            del self._receiving[body]

    def _watch(self) -> None:
        while True:
            sleep(WATCH_INTERVAL)
            for deadline, connection in self._receiving.copy().values():
                if deadline < monotonic():
                    _stop_receiving(connection)

    def _reserve_memory(self, size: int) -> None:
        with self._lock:
            if size > 0 and self._used_memory + size > BODY_MEMORY:
                raise _overloaded()
            self._used_memory += size

    def _respond(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Process a request in a slot; a streaming response holds the slot until it is closed."""
        path = environ["PATH_INFO"]
        deadline = monotonic() + QUEUE_TIMEOUT
        slots = [self._database_slots if path.startswith(DATABASE_PATHS) else self._slots]
        if path.startswith(STAFF_PATH):
            deadline = monotonic() + STAFF_QUEUE_TIMEOUT
            slots.insert(0, self._staff_slots)
        with ExitStack() as slot:
            for one in slots:
                one.acquire(deadline)
                slot.callback(one.release)
            # Django itself would wait until the client has read the response.
            slot.callback(close_old_connections)
            response: Any = self.application(environ, start_response)
            if getattr(response, "streaming", False):
                held = slot.pop_all()
                held.callback(response.close)
                response.close = held.close
        return response  # type: ignore[no-any-return]

    def _reject(
        self, error: ApiError, origin: str | None, start_response: StartResponse
    ) -> Iterable[bytes]:
        metrics.REJECTED.inc()
        response = problem_response(error)
        response["Content-Length"] = str(len(response.content))
        for name, value in settings.SECURITY_HEADERS.items():
            response[name] = value
        if origin in self.cors_origins:
            response["Access-Control-Allow-Origin"] = str(origin)
            response["Access-Control-Expose-Headers"] = "Retry-After"
            response["Vary"] = "Origin"
        start_response(f"{response.status_code} {response.reason_phrase}", [*response.items()])
        return [response.content]


def _stop_receiving(connection: socket.socket | None) -> None:
    """Let reads return at once; responses can still be sent."""
    with suppress(OSError):
        if connection:
            connection.shutdown(socket.SHUT_RD)


def _overloaded() -> ApiError:
    return ApiError(
        HTTPStatus.SERVICE_UNAVAILABLE, "The server is overloaded. Retry after one second."
    )
