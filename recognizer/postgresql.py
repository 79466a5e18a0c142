"""PostgreSQL connections whose waits end, also if the server is frozen.

A stopped process ignores ``statement_timeout``, and its kernel acknowledges keepalives: only the
client can end the wait.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from time import monotonic
from typing import Any, TypeVar

from psycopg import Connection, OperationalError
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus

T = TypeVar("T")


@dataclass
class _Allowance:
    seconds: float


_allowance: ContextVar[_Allowance | None] = ContextVar("allowance", default=None)


@contextmanager
def limit_database_waits(seconds: float) -> Iterator[None]:
    """Let waits for PostgreSQL in a block fail after a number of seconds, together.

    Other work of the block, such as predictions, does not count.
    """
    token = _allowance.set(_Allowance(seconds))
    try:
        yield
    finally:
        _allowance.reset(token)


class BoundedConnection(Connection[Any]):
    """A connection that is closed when a wait exceeds its limit."""

    # Seconds of one wait without limit_database_waits; commands such as migrate wait without limit.
    max_wait: float | None = None

    def wait(self, gen: PQGen[T], *args: Any, **options: Any) -> T:
        """Complete an exchange with the server. Raises OperationalError after the limit."""
        allowance = _allowance.get()
        limit = allowance.seconds if allowance else self.max_wait
        if limit is not None:
            options["timeout"] = max(0, limit)
        started = monotonic()
        try:
            return super().wait(gen, *args, **options)
        except OperationalError:
            # The response to this query could arrive during the next one.
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.close()
            raise
        finally:
            if allowance:
                allowance.seconds -= monotonic() - started
