"""Settings of the site, and the checks at its start."""

import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from mnist_site.settings import check_database_url
from mnist_site.storage import require_static_files
from recognizer import checks
from tests.conftest import run_python
from tests.mnist_site.conftest import read_settings


@pytest.mark.parametrize(
    ("version", "safe"),
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
def test_sqlite_check_warns_of_versions_with_the_wal_reset_race(monkeypatch, version, safe):
    monkeypatch.setattr("sqlite3.sqlite_version_info", version)
    monkeypatch.setattr(connections["default"], "vendor", "sqlite")
    ids = [message.id for message in checks.check_sqlite_version(None, databases=["default"])]
    assert ids == ([] if safe else ["recognizer.W002"])
    monkeypatch.setattr(connections["default"], "vendor", "postgresql")
    assert not checks.check_sqlite_version(None, databases=["default"])


@pytest.mark.parametrize("names", [(), ("icon.svg", "js/page.js")])
def test_startup_with_uncollected_static_files_names_the_command(monkeypatch, static_files, names):
    monkeypatch.setattr(staticfiles_storage._wrapped, "hashed_files", dict.fromkeys(names))
    with pytest.raises(ImproperlyConfigured, match=r"manage\.py collectstatic"):
        require_static_files()


def test_startup_in_development_needs_no_collected_files():
    done = run_python("import mnist_site.wsgi", DEBUG="1")
    assert done.returncode == 0, done.stderr


def test_startup_on_heroku_without_database_url_fails():
    done = run_python("import django; django.setup()", SECRET_KEY="x", DYNO="web.1")
    assert done.returncode != 0
    assert "heroku-postgresql" in done.stderr


@pytest.mark.parametrize(
    ("hosts", "https"),
    [
        ("", False),
        ("192.168.1.20", False),
        ("localhost,10.0.0.5,[fd00::1]", False),
        ("digits.example", True),
        ("192.168.1.20,digits.example", True),
        ("8.8.8.8", True),
        (".168.1.20", True),
        ("*", True),
    ],
)
def test_https_redirect_depends_on_allowed_hosts(hosts, https):
    environment = {"ALLOWED_HOSTS": hosts} if hosts else {}
    assert read_settings("SECURE_SSL_REDIRECT", **environment) == [https]


@pytest.mark.parametrize(
    ("hosts", "warns"), [("localhost", False), ("10.0.0.5", True), ("digits.example", False)]
)
def test_startup_with_plain_http_on_a_network_warns(hosts, warns, static_files):
    environment = {"ALLOWED_HOSTS": hosts, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    done = run_python("import mnist_site.wsgi", SECRET_KEY="x", **environment)
    assert done.returncode == 0
    assert ("plain HTTP" in done.stderr) == warns


def test_private_network_has_a_rate_limit_and_no_opener_policy():
    names = ("REQUESTS_PER_MINUTE", "LOCAL_ONLY", "SECURE_CROSS_ORIGIN_OPENER_POLICY")
    assert read_settings(*names, ALLOWED_HOSTS="10.0.0.5") == [12_000, False, None]


def test_site_without_training_packages_predicts():
    code = """
import sys
for name in ("torch", "torchvision", "onnx", "matplotlib"):
    sys.modules[name] = None
import django
django.setup()
from django.test import Client
response = Client(SERVER_NAME="localhost").post(
    "/api/v1/predict", {"strokes": [[[20, 20], [80, 20], [45, 95]]]}, "application/json"
)
print(response.json()["text"])
"""
    done = run_python(code, SECRET_KEY="x")
    assert done.stdout.strip() == "7", done.stderr


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "postgres://u:p@db.example/digits?options=-c%20search_path%3Ddigits&connect_timeout=3",
            {"options": "-c lock_timeout=8s -c search_path=digits", "connect_timeout": 3},
        ),
        ("sqlite:///db.sqlite3?timeout=60", {"timeout": 60}),
    ],
)
def test_options_in_database_url_override_defaults(url, expected):
    (databases,) = read_settings("DATABASES", DATABASE_URL=url)
    assert databases["default"]["OPTIONS"].items() >= expected.items()


@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        ("postgres://u:secret#1@db.example/digits", "Write # as %23."),
        ("postgres://u:secret/1@db.example/digits", "Write / as %2F."),
        ("postgres://u:secret?1@db.example/digits", "Write ? as %3F."),
        ("postgres://u:secret[1@db.example/digits", "Write [ as %5B."),
        ("postgres://u:secret]1@db.example/digits", "Write ] as %5D."),
        ("postgres://u:secret@1/2@db.example/digits", "Write / as %2F."),
        # These were read as another host, port or file.
        ("postgres://u:1234/secret@db.example/digits", "Write / as %2F."),
        ("sqlite:////srv/secret#1/db.sqlite3", "Write # as %23."),
    ],
)
def test_database_url_with_an_unencoded_character_names_it(url, remedy):
    with pytest.raises(ImproperlyConfigured) as error:
        check_database_url(url)
    assert remedy in str(error.value)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgres://u:p@s%23%2F@db.example:5432/digits?application_name=a@b",
        "postgres://u:p@[::1]:5432/digits",
        "postgres:///digits?host=/run/a@b",
        "sqlite:///a@b/db.sqlite3?timeout=60",
    ],
)
def test_database_url_without_wrong_divisions_is_accepted(url):
    check_database_url(url)


def test_list_setting_with_spaces_is_stripped():
    read = read_settings("ALLOWED_HOSTS", "HTTPS", ALLOWED_HOSTS="localhost, 127.0.0.1,")
    assert read == [["localhost", "127.0.0.1"], False]
