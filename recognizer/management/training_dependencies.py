"""Error message for commands that run without requirements-train.txt."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError


@contextmanager
def training_dependencies() -> Iterator[None]:
    """Convert a failed import of a training dependency into a CommandError."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise CommandError(
            f"{error.name} is not installed. Run: pip install -r requirements-train.txt"
        ) from error
