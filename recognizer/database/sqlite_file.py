"""The file of a SQLite database: replaced files and damage that open connections do not notice."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote
from weakref import WeakKeyDictionary

from django.core.signals import request_started
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.dispatch import receiver

# Bytes: checking the pages of a larger file would take longer than a probe may.
MAX_CHECKED = 100_000_000
BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)

Identity = tuple[int, int] | None

_opened: WeakKeyDictionary[BaseDatabaseWrapper, Identity] = WeakKeyDictionary()


@receiver(connection_created)
def _remember_file(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    if connection.vendor == "sqlite":
        _opened[connection] = _identity(connection)


@receiver(request_started)
def _close_replaced_files(**kwargs: Any) -> None:
    """Close connections to deleted or replaced files, which would lose all writes."""
    for connection in connections.all(initialized_only=True):
        is_open = connection.connection is not None and not connection.in_atomic_block
        if is_open and connection in _opened and _opened[connection] != _identity(connection):
            connection.close()


def _identity(connection: BaseDatabaseWrapper) -> Identity:
    """Return device and inode of the database file; None if it does not exist."""
    try:
        status = Path(connection.settings_dict["NAME"]).stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def find_problem(file: Path) -> str:
    """Return why a database cannot be read or written, or "".

    A connection of its own sees damage that others hide with their caches.
    """
    # Without this mode, SQLite creates a missing file.
    url = f"file:{quote(str(file))}?mode=rw"
    try:
        with closing(sqlite3.connect(url, uri=True, timeout=0, isolation_level=None)) as database:
            result = "ok"
            if file.stat().st_size <= MAX_CHECKED:
                (result,) = database.execute("PRAGMA quick_check(1)").fetchone()
            # Write a number that is already there, without committing it.
            (version,) = database.execute("PRAGMA user_version").fetchone()
            database.execute("BEGIN IMMEDIATE")
            database.execute(f"PRAGMA user_version = {version}")
            database.execute("ROLLBACK")
    except (sqlite3.Error, OSError) as error:
        is_busy = getattr(error, "sqlite_errorcode", None) in BUSY
        return "" if is_busy else getattr(error, "strerror", None) or str(error)
    return "" if result == "ok" else f"damaged: {result}"
