"""Time limits of waits for PostgreSQL, without its client library: it adds 6 MB per process."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

# Seconds of one wait without limit_database_waits; commands such as migrate wait without limit.
max_wait: float | None = None


@dataclass
class Allowance:
    seconds: float


allowance: ContextVar[Allowance | None] = ContextVar("allowance", default=None)


@contextmanager
def limit_database_waits(seconds: float) -> Iterator[None]:
    """Let waits for PostgreSQL in a block fail after a number of seconds, together.

    Other work of the block, such as predictions, does not count.
    """
    token = allowance.set(Allowance(seconds))
    try:
        yield
    finally:
        allowance.reset(token)
