"""PostgreSQL connections whose waits end, also if the server is frozen.

A stopped process ignores ``statement_timeout``, and its kernel acknowledges keepalives: only the
client can end the wait.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic
from typing import Any, TypeVar

from psycopg import Connection, OperationalError
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus

T = TypeVar("T")

_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


@contextmanager
def database_deadline(seconds: float) -> Iterator[None]:
    """Let waits for PostgreSQL in a block fail after a number of seconds, together."""
    token = _deadline.set(monotonic() + seconds)
    try:
        yield
    finally:
        _deadline.reset(token)


class BoundedConnection(Connection[Any]):
    """A connection that is closed when a wait exceeds its limit."""

    # Seconds of one wait without database_deadline; commands such as migrate wait without limit.
    max_wait: float | None = None

    def wait(self, gen: PQGen[T], *args: Any, **options: Any) -> T:
        """Complete an exchange with the server. Raises OperationalError after the limit."""
        deadline = _deadline.get()
        limit = self.max_wait if deadline is None else max(0, deadline - monotonic())
        if limit is not None:
            options["timeout"] = limit
        try:
            return super().wait(gen, *args, **options)
        except OperationalError:
            # The response to this query could arrive during the next one.
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.close()
            raise
