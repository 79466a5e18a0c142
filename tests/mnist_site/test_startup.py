"""Startup: errors in one sentence, the virtual environment, and folders of killed servers."""

import errno
import os
import shutil
import signal
import stat
import subprocess
import sys
from fcntl import LOCK_EX, flock
from importlib import metadata
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, IntegrityError, OperationalError
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from mnist_site.startup import require_writable, short_errors
from tests.conftest import run, run_python
from tests.polling import TIMEOUT, wait_until
from tools.samples import ROOT

ERRORS = {
    "PORT=abc": "PORT is 'abc'. Set a whole number from 1 to 65,535.",
    "PORT=0": "PORT is '0'.",
    "PORT=99999": "PORT is '99999'.",
    "WEB_CONCURRENCY=x": "WEB_CONCURRENCY is 'x'.",
    "ALLOWED_HOSTS=": "ALLOWED_HOSTS is empty",
    "ALLOWED_HOSTS= , ": "ALLOWED_HOSTS is empty",
    "SECRET_KEY=": "SECRET_KEY is not set",
    "DEBUG=maybe": "DEBUG",
    "DATABASE_URL=postgres://u:p#p@db.example/d": "Write # as %23.",
    "DATABASE_URL=": "DATABASE_URL must start with postgres:// or sqlite:///.",
    "DATABASE_URL=mysql://user:password@host/name": "DATABASE_URL must start with",
    "DATABASE_URL=sqlite:////nowhere/db.sqlite3": "/nowhere",
    "REQUESTS_PER_MINUTE=-1": "REQUESTS_PER_MINUTE is '-1'.",
    "TRUSTED_PROXIES=x": "TRUSTED_PROXIES is 'x'.",
    "KEEP_DRAWINGS_DAYS=0": "KEEP_DRAWINGS_DAYS is '0'.",
}
COMMANDS = [("manage.py", "check"), ("-m", "gunicorn", "--check-config")]


def check_one_sentence(done, part):
    assert done.returncode != 0
    assert part in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("setting", ERRORS)
def test_invalid_setting_is_reported_in_one_sentence(setting):
    name, value = setting.split("=", 1)
    # gunicorn parses WEB_CONCURRENCY itself; make and Heroku run a command of manage.py before.
    command = COMMANDS[setting.startswith("PORT")]
    environment = {"SECRET_KEY": "x", name: value}
    check_one_sentence(run(sys.executable, *command, **environment), ERRORS[setting])


@pytest.fixture
def site(tmp_path):
    """A copy of the files that read the settings."""
    shutil.copytree(ROOT / "mnist_site", tmp_path / "mnist_site")
    shutil.copytree(ROOT / "recognizer", tmp_path / "recognizer")
    shutil.copy(ROOT / "manage.py", tmp_path)
    shutil.copy(ROOT / "gunicorn.conf.py", tmp_path)
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("requirements.txt", "constraints.txt"):
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS, ids=["manage.py", "server"])
def test_binary_env_file_is_reported_in_one_sentence(site, command):
    (site / ".env").write_bytes(b"\x7fELF\xff\xfe")
    done = run(sys.executable, *command, folder=site, SECRET_KEY="x")
    check_one_sentence(done, f"{site}/.env cannot be read")


def test_command_with_an_unusable_database_is_reported_in_one_sentence(tmp_path):
    (tmp_path / "db.sqlite3").write_text("no database " * 100)
    command = [sys.executable, ROOT / "manage.py", "migrate"]
    environment = {"DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3", "SECRET_KEY": "x"}
    check_one_sentence(run(*command, **environment), "cannot be used (file is not a database).")
    done = run(*command, "--traceback", **environment)
    assert "Traceback" in done.stderr


@pytest.mark.parametrize("error", [OperationalError("locked"), DatabaseError()])
def test_database_error_is_reported_in_one_sentence(error):
    message = r"The database cannot be used \((locked|no reason given)\)"
    with pytest.raises(SystemExit, match=message), short_errors():
        raise error


def test_folder_without_write_permission_is_rejected(tmp_path, monkeypatch):
    # Tests may run as root, without limits.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(ImproperlyConfigured, match=str(tmp_path)):
        require_writable(tmp_path)


@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS, errno.ENOSPC])
def test_unwritable_file_is_reported_in_one_sentence(code):
    message = rf"Error: /srv/static cannot be written: {os.strerror(code)}\."
    with pytest.raises(SystemExit, match=message), short_errors():
        raise OSError(code, os.strerror(code), "/srv/static")


@pytest.mark.parametrize("error", [OSError(errno.ECONNREFUSED, "refused"), IntegrityError()])
def test_error_of_the_program_keeps_its_traceback(error):
    with pytest.raises(type(error)), short_errors():
        raise error


def test_make_with_an_old_python_creates_no_environment(site):
    python = site / "python3.10"
    # A Python that claims to be version 3.10.
    python.write_text(
        "#!/bin/sh\n"
        'test "$1" != -c && exec mkdir .venv\n'
        f'exec {sys.executable} -c "import sys; sys.version_info = (3, 10, 13); $2"\n'
    )
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    done = run("make", "run", f"PYTHON={python}", folder=site)
    assert done.returncode != 0
    assert "Digits needs Python 3.11 or later, not 3.10." in done.stderr
    assert "Traceback" not in done.stderr
    assert not (site / ".venv").exists()


def test_make_replaces_an_environment_without_a_usable_python(site):
    bin = site / ".venv" / "bin"
    bin.mkdir(parents=True)
    (bin / "python").symlink_to("/nowhere/python3.10")
    done = run("make", ".venv/server", f"PYTHON={sys.executable}", folder=site)
    assert done.returncode == 0, done.stderr
    assert run(bin / "python", "--version").stdout.startswith("Python 3.")


def test_make_waits_for_another_make_in_the_same_folder(site):
    python = site / "python"
    python.write_text(
        "#!/bin/sh\n"
        'case "$2" in *flock*) touch waiting;; venv) exit 1;; esac\n'
        f'exec {sys.executable} "$@"\n'
    )
    python.chmod(0o755)
    command = ["make", ".venv/server", f"PYTHON={python}"]
    with (site / "Makefile").open() as lock:
        flock(lock, LOCK_EX)
        environment = {"PATH": os.environ["PATH"]}
        make = subprocess.Popen(command, cwd=site, env=environment, stdout=subprocess.DEVNULL)
        wait_until((site / "waiting").exists)
        bin = site / ".venv" / "bin"
        bin.mkdir(parents=True)
        for name in ("python", "pip"):
            (bin / name).write_text("#!/bin/sh\n")
            (bin / name).chmod(0o755)
    assert make.wait(TIMEOUT) == 0


def read_pins(name):
    lines = (ROOT / name).read_text().splitlines()
    requirements = [Requirement(line) for line in lines if line[:1] not in "#-"]
    return {canonicalize_name(one.name): str(one.specifier) for one in requirements}


def dependencies(name):
    """Yield the names of the installed packages that a package requires, at any depth."""
    for line in metadata.requires(name) or ():
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield canonicalize_name(requirement.name)
            yield from dependencies(requirement.name)


def test_constraints_pin_all_direct_and_indirect_dependencies():
    """Otherwise run: make constraints"""
    direct, pins = read_pins("requirements.txt"), read_pins("constraints.txt")
    assert direct.items() <= pins.items()
    indirect = {found for name in direct for found in dependencies(name)}
    assert indirect <= pins.keys()
    assert "-c constraints.txt" in (ROOT / "requirements.txt").read_text().splitlines()


def test_site_on_sqlite_does_without_the_client_library_of_postgresql():
    """It adds 6 MB."""
    code = (
        "import sys, django\ndjango.setup()\n"
        "from mnist_site import urls\nprint('psycopg' in sys.modules)"
    )
    assert run_python(code, SECRET_KEY="x").stdout.strip() == "False"


START = """
import runpy, time
config = runpy.run_path("gunicorn.conf.py")
print(config["os"].environ["PROMETHEUS_MULTIPROC_DIR"], flush=True)
time.sleep(600)
"""


def start_server():
    """Start a process that reads the configuration; return it and its metrics folder."""
    server = subprocess.Popen(
        [sys.executable, "-c", START],
        env={"PATH": os.environ["PATH"], "SECRET_KEY": "x"},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    return server, Path(server.stdout.readline().strip())


def kill(server):
    server.send_signal(signal.SIGKILL)
    server.wait()
    server.stdout.close()


def test_start_removes_the_metrics_of_killed_servers_only():
    killed, abandoned = start_server()
    assert abandoned.is_dir()
    kill(killed)
    running, kept = start_server()
    other, created = start_server()
    try:
        assert not abandoned.exists()
        assert kept.is_dir()
    finally:
        for server, folder in ((running, kept), (other, created)):
            kill(server)
            shutil.rmtree(folder)
