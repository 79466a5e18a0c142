"""The page, the probes, the settings, and how the site starts."""

import os
import subprocess
import sys

import pytest
from django.db import DatabaseError, OperationalError, connection, connections

from recognizer import checks
from recognizer.models import Drawing
from tools.samples import ROOT

FRESH = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "mnist_site.settings"}


def start(code, **environment):
    """Run code in a new Python, with no environment but what is given and no .env file."""
    prelude = "import environs; environs.Env.read_env = lambda *a, **k: None;"
    return subprocess.run(
        [sys.executable, "-c", prelude + code],
        env={**FRESH, **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


def test_the_page_has_what_its_tests_and_others_stand_on(client, static_files):
    page = client.get("/").content.decode()
    for part in ('id="pad"', 'output id="reading"', 'id="confidence"', 'id="seen"'):
        assert part in page
    assert page.count("data-probability") == 10
    for action in ("clear", "undo", "redo"):
        assert f'data-action="{action}"' in page
    assert 'data-state="empty"' in page
    assert "https://" not in page


def test_every_module_the_page_imports_has_a_hashed_name(client, static_files, settings):
    (module,) = settings.STATIC_ROOT.glob("js/page.????????????.js")
    text = module.read_text()
    assert 'from "./draw/pad.js"' not in text
    assert 'from "./draw/pad.' in text


def test_the_browser_is_told_what_is_allowed(client, static_files):
    response = client.get("/")
    policy = response["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert response["X-Frame-Options"] == "DENY"
    assert response["X-Content-Type-Options"] == "nosniff"


@pytest.mark.django_db
def test_the_probes_answer(client):
    assert client.get("/health/live").json() == {"status": "ok"}
    assert client.get("/health/ready").json() == {"status": "ok"}


@pytest.mark.django_db
def test_ready_says_what_is_missing(client, no_model, monkeypatch):
    def fail():
        raise DatabaseError

    monkeypatch.setattr(connection, "cursor", fail)
    response = client.get("/health/ready")
    assert response.status_code == 503
    assert set(response.json()["problems"]) == {"database", "model"}
    assert client.get("/health/live").status_code == 200


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "sqlite", reason="a PRAGMA of SQLite")
def test_a_full_database_is_said_and_recovers(client, put):
    with connection.cursor() as cursor:
        # What other tests deleted would be filled first.
        cursor.execute("VACUUM")
        cursor.execute("PRAGMA page_count")
        (pages,) = cursor.fetchone()
        cursor.execute(f"PRAGMA max_page_count = {pages}")
        statuses = [put().status_code for _ in range(100)]
        assert set(statuses) == {201, 503}
        assert Drawing.objects.count() == statuses.count(201)
        assert client.get("/health/ready").json()["problems"] == {"database": "is full"}
        cursor.execute("PRAGMA max_page_count = 4294967294")
    assert put().status_code == 201
    assert client.get("/health/ready").status_code == 200


@pytest.mark.parametrize(
    ("version", "sound"),
    [
        ((3, 40, 1), False),
        ((3, 44, 5), False),
        ((3, 44, 6), True),
        ((3, 45, 0), False),
        ((3, 50, 7), True),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
        ((4, 0, 0), True),
    ],
)
def test_an_sqlite_that_may_damage_the_database_is_said(monkeypatch, version, sound):
    monkeypatch.setattr("sqlite3.sqlite_version_info", version)
    monkeypatch.setattr(connections["default"], "vendor", "sqlite")
    said = [message.id for message in checks.check_sqlite_version(None, databases=["default"])]
    assert said == ([] if sound else ["recognizer.W002"])
    monkeypatch.setattr(connections["default"], "vendor", "postgresql")
    assert not checks.check_sqlite_version(None, databases=["default"])


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/drawings/8f14e45f-ceea-467f-a0e6-0123456789ab", "/admin/"])
def test_pages_say_that_the_database_is_gone(admin_client, monkeypatch, address):
    def fail(*arguments, **options):
        raise OperationalError("disk I/O error")

    monkeypatch.setattr("django.db.models.sql.compiler.SQLCompiler.execute_sql", fail)
    admin_client.raise_request_exception = False
    response = admin_client.get(address)
    assert response.status_code == 503
    assert response["Retry-After"]
    assert b"disk" not in response.content


def test_it_does_not_start_without_a_secret_key():
    done = start("import django; django.setup()")
    assert done.returncode != 0
    assert "SECRET_KEY is not set" in done.stderr


def test_it_does_not_run_silently_on_sqlite_on_heroku():
    done = start("import django; django.setup()", SECRET_KEY="x", DYNO="web.1")
    assert done.returncode != 0
    assert "heroku-postgresql" in done.stderr


@pytest.mark.parametrize(("hosts", "https"), [("", False), ("digits.example", True)])
def test_https_is_demanded_where_others_can_reach_the_site(hosts, https):
    environment = {"ALLOWED_HOSTS": hosts} if hosts else {}
    code = "from django.conf import settings; print(settings.SECURE_SSL_REDIRECT)"
    assert start(code, SECRET_KEY="x", **environment).stdout.strip() == str(https)


def test_the_site_starts_and_answers_where_pytorch_cannot_be_imported():
    code = """
import sys
for name in ("torch", "torchvision", "onnx", "matplotlib"):
    sys.modules[name] = None
import django
django.setup()
from django.test import Client
answer = Client(SERVER_NAME="localhost").post(
    "/api/v1/predict", {"strokes": [[[20, 20], [80, 20], [45, 95]]]}, "application/json"
)
print(answer.json()["text"])
"""
    done = start(code, SECRET_KEY="x")
    assert done.stdout.strip() == "7", done.stderr


def database(**environment):
    shown = "from mnist_site import settings; print(settings.DATABASES['default']['OPTIONS'])"
    return start(shown, SECRET_KEY="x", **environment).stdout


def test_what_the_address_of_the_database_says_wins():
    address = "postgres://u:p@db.example/digits?options=-c%20search_path%3Ddigits&connect_timeout=3"
    said = database(DATABASE_URL=address)
    assert "'options': '-c lock_timeout=8s -c search_path=digits'" in said
    assert "'connect_timeout': 3" in said
    assert "'timeout': 60" in database(DATABASE_URL="sqlite:///db.sqlite3?timeout=60")


def test_lists_may_have_spaces():
    shown = "from mnist_site import settings as s; print(s.ALLOWED_HOSTS, s.HTTPS)"
    said = start(shown, SECRET_KEY="x", ALLOWED_HOSTS="localhost, 127.0.0.1,").stdout
    assert said == "['localhost', '127.0.0.1'] False\n"
