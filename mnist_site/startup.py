"""Startup: errors in one sentence, the environment, and the folder of the metric files."""

import errno
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, OperationalError
from environs import Env, EnvError

UNWRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC)


@contextmanager
def short_errors() -> Iterator[None]:
    """Exit with one sentence, without a traceback, for unusable settings, folders or databases."""
    try:
        yield
    except (EnvError, ImproperlyConfigured) as error:
        sys.exit(f"Error: {error}")
    except OSError as error:
        if error.errno not in UNWRITABLE:
            raise
        sys.exit(f"Error: {error.filename} cannot be written: {error.strerror}.")
    except DatabaseError as error:
        # Others, such as IntegrityError, are faults of the program.
        if "--traceback" in sys.argv or type(error) not in (DatabaseError, OperationalError):
            raise
        reason = next(iter(str(error).splitlines()), "no reason given")
        sys.exit(
            f"Error: The database cannot be used ({reason})."
            " Check DATABASE_URL and run manage.py migrate; --traceback shows more."
        )


def read_environment(file: Path) -> Env:
    """Return the environment, completed from a file of lines ``NAME=value`` if it exists.

    Raises ImproperlyConfigured for an unreadable file.
    """
    env = Env()
    try:
        env.read_env(str(file), recurse=False)
    except (OSError, ValueError) as error:
        raise ImproperlyConfigured(
            f"{file} cannot be read ({error}). Replace it by UTF-8 text with lines NAME=value."
        ) from error
    return env


def require_writable(folder: Path) -> None:
    """Raise ImproperlyConfigured if a folder cannot hold a SQLite database."""
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ImproperlyConfigured(
            f"The database folder {folder} is missing or not writable. Create it, change its"
            " permissions, or set DATABASE_URL."
        )


def create_metrics_folder(parent: Path, prefix: str) -> str:
    """Create a folder that is locked while a process of this server runs.

    Remove unlocked ones, which killed servers have left.
    """
    for folder in parent.glob("digits-metrics-*"):
        with suppress(OSError), ExitStack() as stack:
            descriptor = os.open(folder, os.O_RDONLY)
            stack.callback(os.close, descriptor)
            flock(descriptor, LOCK_EX | LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
    while True:
        created = tempfile.mkdtemp(prefix=prefix, dir=parent)
        # Another server can remove the folder before it is locked.
        with suppress(FileNotFoundError):
            # Workers inherit the open descriptor, and the lock with it.
            flock(os.open(created, os.O_RDONLY), LOCK_EX)
            if Path(created).is_dir():
                return created
