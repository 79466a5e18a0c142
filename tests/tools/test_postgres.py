"""The temporary PostgreSQL of tests and tools."""

import os
import signal
import subprocess
import sys

from tests.polling import TIMEOUT
from tools.samples import ROOT


def test_postgres_stopped_by_sigterm_leaves_no_folder(tmp_path):
    command = [sys.executable, "-m", "tools.postgres", "sh", "-c", "echo started; exec sleep 60"]
    environment = {"PATH": os.environ["PATH"], "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as postgres:
        assert "started\n" in iter(postgres.stdout.readline, "")
        assert list(tmp_path.glob("digits-postgres-*"))
        postgres.send_signal(signal.SIGTERM)
        assert postgres.wait(TIMEOUT) == 128 + signal.SIGTERM
    assert not list(tmp_path.glob("digits-postgres-*"))
