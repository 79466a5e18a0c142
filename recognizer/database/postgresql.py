"""PostgreSQL connections whose waits end, also if the server is frozen.

A stopped process ignores ``statement_timeout``, and its kernel acknowledges keepalives: only the
client can end the wait.
"""

from time import monotonic
from typing import Any, TypeVar

from psycopg import Connection, OperationalError
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus

from recognizer.database import waits

T = TypeVar("T")


class BoundedConnection(Connection[Any]):
    """A connection that is closed when a wait exceeds its limit."""

    def wait(self, gen: PQGen[T], *args: Any, **options: Any) -> T:
        """Complete an exchange with the server. Raises OperationalError after the limit."""
        allowance = waits.allowance.get()
        limit = allowance.seconds if allowance else waits.max_wait
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
