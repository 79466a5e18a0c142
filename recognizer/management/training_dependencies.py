"""What the commands that train need beyond the server's own requirements."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError


@contextmanager
def training_requirements() -> Iterator[None]:
    """Turn a failed import of PyTorch and its kin into one sentence that helps."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise CommandError(
            f"This needs {error.name}: pip install -r requirements-train.txt"
        ) from error
