"""manage.py migrate: one process at a time, and the stored shipped model."""

import subprocess
import sys
from contextlib import nullcontext

import pytest
from django.core.management import call_command
from django.db import connection, connections

from recognizer.management.commands import migrate
from recognizer.models import ModelVersion
from tools.samples import ROOT
from tools.server import server_environment


def test_concurrent_first_migrations_succeed(tmp_path):
    environment = server_environment(tmp_path)
    command = [sys.executable, "manage.py", "migrate", "--no-input"]
    processes = [
        subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL)
        for _ in range(3)
    ]
    assert [process.wait() for process in processes] == [0, 0, 0]


@pytest.mark.django_db
def test_migrate_stores_the_shipped_model_once(shipped):
    for _ in range(2):
        call_command("migrate", verbosity=0)
    version = ModelVersion.objects.get()
    assert (version.sha256, version.status) == (shipped.sha256, "shipped")
    assert ModelVersion.promoted_sha256() is None


@pytest.mark.django_db
def test_migrate_with_a_missing_shipped_model_succeeds(settings, tmp_path):
    settings.SHIPPED_MODEL = tmp_path / "missing.onnx"
    call_command("migrate", verbosity=0)
    assert not ModelVersion.objects.exists()


@pytest.mark.parametrize(
    "options",
    [{"fake": True}, {"plan": True}, {"check_unapplied": True}, {"database": "other"}],
    ids=lambda options: next(iter(options)),
)
def test_other_migration_stores_no_model(monkeypatch, options):
    other = {**connection.settings_dict, "ENGINE": "django.db.backends.sqlite3"}
    monkeypatch.setitem(connections.settings, "other", other | {"NAME": ":memory:"})
    monkeypatch.setattr(migrate, "_migration_lock", nullcontext)
    monkeypatch.setattr(migrate.migrate.Command, "handle", lambda command, **options: None)
    stored = []
    monkeypatch.setattr(migrate.registry, "store_shipped_model", lambda: stored.append(True))
    call_command("migrate", **options)
    assert not stored
    call_command("migrate")
    assert stored


@pytest.mark.postgresql
@pytest.mark.django_db
def test_migration_waits_for_the_lock_of_another_process(monkeypatch):
    other = connection.copy("other")
    waits = []

    def call(function):
        with other.cursor() as cursor:
            cursor.execute(f"SELECT {function}(%s)", [migrate.ADVISORY_LOCK])

    def release(seconds):
        waits.append(seconds)
        call("pg_advisory_unlock")

    monkeypatch.setattr(migrate.time, "sleep", release)
    call("pg_advisory_lock")
    with migrate._migration_lock(connection):
        assert len(waits) == 1
    other.close()
    other.close_pool()
