"""Temporary files of a test run."""

import sys
from getpass import getuser

from tests.conftest import run

TEST = "tests/recognizer/test_command_migrate.py::test_migrate_stores_the_shipped_model_once"


def test_passed_run_leaves_no_temporary_files(tmp_path):
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", TEST]
    done = run(*command, TMPDIR=str(tmp_path))
    assert done.returncode == 0, done.stdout
    assert [path.name for path in tmp_path.iterdir()] == [f"pytest-of-{getuser()}"]
    assert not list(tmp_path.glob("*/*"))
