"""SQLite files that are damaged, read-only, locked, missing or replaced."""

import sqlite3
from types import SimpleNamespace

import pytest
from django.core.signals import request_started
from django.db import connections
from django.db.backends.sqlite3.base import DatabaseWrapper

from recognizer.database import sqlite_file
from recognizer.database.sqlite_file import find_problem


@pytest.fixture
def file(tmp_path):
    """Return a database of a few pages."""
    file = tmp_path / "db #1.sqlite3"
    with sqlite3.connect(file) as database:
        database.execute("CREATE TABLE drawing (content BLOB)")
        database.executemany("INSERT INTO drawing VALUES (?)", [[bytes(3_000)]] * 20)
    database.close()
    return file


def overwrite(file, start, content):
    with file.open("r+b") as opened:
        opened.seek(start)
        opened.write(content)


@pytest.mark.parametrize(
    ("start", "content", "problem"),
    [
        (0, bytes(100), "file is not a database"),
        (5 * 4_096, b"\xff" * 2_000, "damaged: "),
        # The header's write version: newer ones are read-only.
        (18, b"\x03", "readonly database"),
    ],
    ids=["header", "page", "read-only"],
)
def test_find_problem_names_the_damage(file, start, content, problem):
    overwrite(file, start, content)
    assert problem in find_problem(file)


def test_find_problem_of_a_missing_file_does_not_create_it(tmp_path):
    missing = tmp_path / "missing.sqlite3"
    assert find_problem(missing) == "unable to open database file"
    assert not missing.exists()


def test_find_problem_of_a_locked_file_is_empty(file):
    """Another process writes, as it should."""
    database = sqlite3.connect(file, isolation_level=None)
    database.execute("BEGIN EXCLUSIVE")
    assert find_problem(file) == ""
    database.close()


def test_find_problem_of_a_large_file_skips_the_check_of_all_pages(file, monkeypatch):
    overwrite(file, 5 * 4_096, b"\xff" * 2_000)
    monkeypatch.setattr(sqlite_file, "MAX_CHECKED", 10_000)
    assert find_problem(file) == ""


@pytest.mark.sqlite
@pytest.mark.django_db
@pytest.mark.parametrize("is_replaced", [True, False])
def test_request_closes_connections_to_a_replaced_file(file, monkeypatch, is_replaced):
    """Drawings written to the old file would be lost."""
    settings = {**connections.databases["default"], "NAME": str(file), "OPTIONS": {}}
    settings["ENGINE"] = "django.db.backends.sqlite3"
    connection = DatabaseWrapper(settings, "other")
    connection.inc_thread_sharing()
    connection.ensure_connection()
    monkeypatch.setattr(
        sqlite_file, "connections", SimpleNamespace(all=lambda initialized_only: [connection])
    )
    if is_replaced:
        file.rename(file.with_suffix(".old"))
    request_started.send(sender=None)
    assert (connection.connection is None) == is_replaced
    connection.close()
