"""How gunicorn serves the site; it reads this file by itself."""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from environs import Env

env = Env()
env.read_env(str(Path(__file__).with_name(".env")), recurse=False)

wsgi_app = "mnist_site.wsgi"
bind = f"0.0.0.0:{env.int('PORT', 8000)}"
workers = env.int("WEB_CONCURRENCY", 1)
worker_class = "mnist_site.worker.Worker"
# They read and wait; a few at a time answer (mnist_site/door.py).
threads = 32
# More connections than this wait in the kernel.
worker_connections = 512
# Finish what was begun within the 30 seconds Heroku leaves after SIGTERM.
graceful_timeout = 25
# Its heartbeat file belongs in memory: a slow disk must not look like a hanging worker.
MEMORY = Path("/dev/shm")  # noqa: S108  gunicorn makes a file of its own in it
worker_tmp_dir = str(MEMORY) if MEMORY.is_dir() else None
# Nobody steers it from outside, and two servers of one user would share the socket.
control_socket_disable = True

if not env.bool("DEBUG", False):
    # Its own lines are like the site's.
    logconfig_dict = {
        "root": {},
        "loggers": {
            "gunicorn.error": {"level": "INFO", "handlers": ["error_console"], "propagate": False}
        },
        "formatters": {"generic": {"()": "recognizer.telemetry.logging.JsonLines"}},
    }

# Each worker keeps its figures for Prometheus in files here; whoever is asked adds up all of them.
# A reload finds the folder of this very process; a new server makes its own.
FIGURES = "PROMETHEUS_MULTIPROC_DIR"
OURS = f"digits-figures-{os.getpid()}-"
if not Path(os.environ.get(FIGURES, "")).name.startswith(OURS):
    os.environ[FIGURES] = tempfile.mkdtemp(prefix=OURS, dir=worker_tmp_dir)


def child_exit(_server: Any, worker: Any) -> None:
    """A worker that is gone, however it went, has nothing in progress; what it counted stays."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)


def on_exit(_server: Any) -> None:
    shutil.rmtree(os.environ[FIGURES], ignore_errors=True)
