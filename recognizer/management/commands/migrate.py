"""manage.py migrate: Django's command, one process at a time, then the shipped model."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fcntl import LOCK_EX, flock
from pathlib import Path
from typing import Any

from django.core.management.commands import migrate
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from ml.classifier import ModelError
from recognizer import registry

# Any number, the same for all processes.
ADVISORY_LOCK = 28_28_10
POLL_INTERVAL = 0.2  # seconds


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate after any other process that migrates the same database.

        A complete migration of the default database stores the shipped model. System checks report
        a damaged one.
        """
        with _migration_lock(connections[options["database"]]):
            super().handle(*args, **options)
            partial = any(
                options[name] for name in ("app_label", "plan", "fake", "check_unapplied")
            )
            if not partial and options["database"] == DEFAULT_DB_ALIAS:
                with suppress(ModelError):
                    registry.store_shipped_model()


@contextmanager
def _migration_lock(connection: BaseDatabaseWrapper) -> Iterator[None]:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # pg_advisory_lock would end at the lock timeout.
            while not _call(cursor, "pg_try_advisory_lock"):
                time.sleep(POLL_INTERVAL)
            try:
                yield
            finally:
                _call(cursor, "pg_advisory_unlock")
        return
    name = str(connection.settings_dict["NAME"])
    if "memory" in name:
        yield
        return
    # The file remains: deleting it would let two processes lock different files.
    with Path(f"{name}-migrate-lock").open("w") as file:
        flock(file, LOCK_EX)
        yield


def _call(cursor: Any, function: str) -> bool:
    cursor.execute(f"SELECT {function}(%s)", [ADVISORY_LOCK])
    return bool(cursor.fetchone()[0])
