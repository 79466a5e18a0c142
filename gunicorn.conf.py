"""gunicorn's configuration, which it reads from the working directory."""

import ctypes
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from environs import Env

import mnist_site.rate_limit  # noqa: F401  imported before the fork: workers share its table

env = Env()
env.read_env(str(Path(__file__).with_name(".env")), recurse=False)

wsgi_app = "mnist_site.wsgi"
bind = f"0.0.0.0:{env.int('PORT', 8000)}"
workers = env.int("WEB_CONCURRENCY", 1)
worker_class = "mnist_site.worker.Worker"
# Threads buffer bodies and wait; mnist_site/load_shedding.py limits concurrency.
threads = 32
# The kernel queues further connections.
worker_connections = 512
# Heroku kills processes 30 seconds after SIGTERM.
graceful_timeout = 25
# Keep heartbeat and metric files in memory: a slow disk must not look like a hanging worker.
MEMORY = Path("/dev/shm")  # noqa: S108  gunicorn and mkdtemp create private files in it
worker_tmp_dir = str(MEMORY) if MEMORY.is_dir() else None
# glibc stops returning large blocks to the system after the first one is freed, unless its
# threshold is fixed: after 60 pictures of 6 MP, four at a time, a worker kept 351 MB, not 129 MB.
# Few arenas leave fewer gaps: 139 MB instead of 143 after 800 odd pictures. Other C libraries have
# no such function.
M_MMAP_THRESHOLD, M_ARENA_MAX = -3, -8
if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):
    mallopt(M_MMAP_THRESHOLD, 1_000_000)
    mallopt(M_ARENA_MAX, 2)
# Two servers of one user would share the control socket.
control_socket_disable = True

if not env.bool("DEBUG", False):
    # The same JSON format as the site's log.
    logconfig_dict = {
        "root": {},
        "loggers": {
            "gunicorn.error": {"level": "INFO", "handlers": ["error_console"], "propagate": False}
        },
        "formatters": {"generic": {"()": "recognizer.telemetry.logging.JsonFormatter"}},
    }

# Folder of all workers' metric files. A reload of this process keeps its folder; a server started
# with an inherited environment creates its own.
METRICS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
METRICS_PREFIX = f"digits-metrics-{os.getpid()}-"
if not Path(os.environ.get(METRICS_VARIABLE, "")).name.startswith(METRICS_PREFIX):
    os.environ[METRICS_VARIABLE] = tempfile.mkdtemp(prefix=METRICS_PREFIX, dir=worker_tmp_dir)


def child_exit(_server: Any, worker: Any) -> None:
    """Remove the gauges of an exited worker; its counters stay."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)


def on_exit(_server: Any) -> None:
    shutil.rmtree(os.environ[METRICS_VARIABLE], ignore_errors=True)
