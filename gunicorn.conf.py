"""gunicorn's configuration, which it reads from the working directory."""

import os
import shutil
import socket
from contextlib import suppress
from ctypes import CDLL
from pathlib import Path
from tempfile import gettempdir
from typing import Any

from gunicorn import glogging

import mnist_site.rate_limit  # noqa: F401  imported before the fork: workers share its table
from mnist_site.startup import create_metrics_folder, short_errors

# Without this, each worker would report invalid settings with a traceback.
with short_errors():
    from mnist_site import settings

wsgi_app = "mnist_site.wsgi"
bind = f"0.0.0.0:{settings.PORT}"
workers = settings.WEB_CONCURRENCY
worker_class = "gthread"
# Threads buffer bodies and wait: the limits of mnist_site/load_shedding.py occupy 60.
threads = 64
# Seconds in which Linux keeps connections without data from these threads.
SILENCE = 600
# Heroku kills processes 30 seconds after SIGTERM.
graceful_timeout = 25
# Keep heartbeat and metric files in memory: a slow disk must not look like a hanging worker.
MEMORY = Path("/dev/shm")  # noqa: S108  gunicorn and mkdtemp create private files in it
worker_tmp_dir = str(MEMORY) if MEMORY.is_dir() else gettempdir()
# glibc stops returning large blocks to the system after the first one is freed, unless its
# threshold is fixed: after 60 pictures of 6 MP from four clients, a worker kept 351 MB, not 129 MB.
# Few arenas leave fewer gaps: 139 MB instead of 143 after 800 odd pictures.
# A fixed threshold also fixes the other one, above which the end of a heap is returned: each
# picture then took 60 page faults, 5% of its time. Keeping it costs 1.5 MB.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
with suppress(AttributeError):  # other C libraries have no such function
    mallopt = CDLL(None).mallopt
    mallopt(M_TRIM_THRESHOLD, 2_000_000)
    mallopt(M_MMAP_THRESHOLD, 1_000_000)
    mallopt(M_ARENA_MAX, 2)
# Two servers of one user would share the control socket.
control_socket_disable = True

# Without this, local clients could send SCRIPT_NAME, on which gunicorn fails with 500.
forwarder_headers = ""

if not settings.DEBUG:
    # The same JSON format as the site's log.
    logconfig_dict = {
        "root": {},
        "loggers": {
            "gunicorn.error": {"level": "INFO", "handlers": ["error_console"], "propagate": False}
        },
        "formatters": {"generic": {"()": "recognizer.telemetry.logging.JsonFormatter"}},
    }


class logger_class(glogging.Logger):  # noqa: N801  gunicorn's setting
    """gunicorn's logger without its access log: it would format 60 values for no handler."""

    @property
    def access_log_enabled(self) -> bool:
        return bool(self.cfg.accesslog)


# Folder of all workers' metric files. A reload of this process keeps its folder; a server started
# with an inherited environment creates its own.
METRICS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
METRICS_PREFIX = f"digits-metrics-{os.getpid()}-"
if not Path(os.environ.get(METRICS_VARIABLE, "")).name.startswith(METRICS_PREFIX):
    os.environ[METRICS_VARIABLE] = create_metrics_folder(Path(worker_tmp_dir), METRICS_PREFIX)


def child_exit(_server: Any, worker: Any) -> None:
    """Remove the gauges of an exited worker; its counters stay."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)


def on_exit(_server: Any) -> None:
    shutil.rmtree(os.environ[METRICS_VARIABLE], ignore_errors=True)


def when_ready(server: Any) -> None:
    """Accept connections with their first data; each silent one would occupy a thread for 5 s."""
    for listener in server.LISTENERS:
        with suppress(AttributeError, OSError):  # for Linux and TCP only
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, SILENCE)
