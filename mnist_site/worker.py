"""gunicorn's threads, with an end to their patience."""

import sys
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

    def init_process(self) -> None:
        # The thread that accepts must not queue behind those that answer for 5 ms each.
        sys.setswitchinterval(0.001)
        super().init_process()

    def accept(self, listener: Any) -> None:
        """Accept all who wait, not one at a time: in a crowd the kernel would turn them away."""
        before = -1
        while before < self.nr_conns < self.worker_connections:
            before = self.nr_conns
            super().accept(listener)

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
