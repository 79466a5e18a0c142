"""Storage trials: a damaged, replaced or missing SQLite file."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

from tools.resilience.client import predict_request, request, save_request
from tools.resilience.server import Result, Server, running_server

READY = request("GET", "/health/ready")


def damage_pages(file: Path) -> None:
    """Overwrite half of every page except the first one."""
    content = bytearray(file.read_bytes())
    for start in range(4_096, len(content), 4_096):
        content[start : start + 2_048] = os.urandom(2_048)
    with file.open("r+b") as opened:
        opened.write(content)


def damage_header(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.write(bytes(100))


def replace_file(file: Path) -> None:
    other = file.with_suffix(".other")
    other.write_bytes(os.urandom(100_000))
    other.replace(file)


DAMAGES: tuple[Callable[[Path], None], ...] = (
    damage_pages,
    damage_header,
    replace_file,
    Path.unlink,
)


def damaged_database(database_url: str | None, *, short: bool) -> Iterator[Result]:
    """Damage SQLite's file, then restore a backup."""
    if database_url:
        return
    for damage in DAMAGES:
        with running_server(None, WEB_CONCURRENCY="1") as server:
            yield Result("damaged database", damage.__name__, *_statuses(server, damage))


def _statuses(server: Server, damage: Callable[[Path], None]) -> tuple[str, bool]:
    assert server.sqlite_file
    server.send(save_request())
    backup = server.sqlite_file.with_suffix(".backup")
    with sqlite3.connect(server.sqlite_file) as database, sqlite3.connect(backup) as copy:
        # SQLite would read the latest pages from its log instead.
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.backup(copy)
    damage(server.sqlite_file)
    contents = (save_request(), READY, predict_request())
    during = [server.send(content).status for content in contents]
    for suffix in ("-wal", "-shm"):
        Path(f"{server.sqlite_file}{suffix}").unlink(missing_ok=True)
    backup.replace(server.sqlite_file)
    after = [server.send(content).status for content in contents]
    outcome = f"save, ready, predict {during}; restored {after}"
    return outcome, during == [503, 503, 200] and after == [201, 200, 200]
