"""The resilience trials themselves: they leave no stopped processes."""

import subprocess
import sys

import psutil
import pytest

from tests.polling import TIMEOUT, wait_until
from tools.resilience.server import suspended


def fail_while_stopped(process):
    with suspended([process]):
        wait_until(lambda: process.status() == psutil.STATUS_STOPPED)
        raise RuntimeError


def test_suspended_process_continues_after_a_failure():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        with pytest.raises(RuntimeError):
            fail_while_stopped(psutil.Process(child.pid))
        try:
            child.communicate(b"\n", TIMEOUT)
        finally:
            child.kill()
