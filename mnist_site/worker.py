"""gunicorn's threads, with an end to their patience."""

from contextlib import suppress
from socket import SHUT_RD
from time import monotonic
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

# Seconds in which a request has to arrive; what has not by then is not read any more.
ARRIVAL = 10.0


class Worker(ThreadWorker):
    """A gthread worker in which nobody holds a thread by sending a byte now and then."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._begun: dict[Any, float] = {}

    def handle(self, conn: Any) -> Any:
        self._begun[conn] = monotonic()
        try:
            return super().handle(conn)
        finally:
            del self._begun[conn]

    def murder_pending(self) -> None:
        """Called about once a second. An answer that is on its way is not touched."""
        super().murder_pending()
        late = monotonic() - ARRIVAL
        for conn, begun in self._begun.copy().items():
            if begun < late:
                with suppress(OSError):
                    conn.sock.shutdown(SHUT_RD)
