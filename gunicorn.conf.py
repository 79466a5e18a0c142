"""How gunicorn serves the site; it reads this file by itself. WEB_CONCURRENCY sets the workers."""

import os
from pathlib import Path

import mnist_site.limits  # noqa: F401  before the fork, so that all workers count together

wsgi_app = "mnist_site.wsgi"
bind = f"0.0.0.0:{os.environ.get('PORT', '8000')}"
worker_class = "mnist_site.worker.Worker"
# They read and wait; a few of the door's own answer (mnist_site/door.py).
threads = 64
# More connections than this wait in the kernel.
worker_connections = 512
# Finish what was begun within the 30 seconds Heroku leaves after SIGTERM.
graceful_timeout = 25
# Its heartbeat file belongs in memory: a slow disk must not look like a hanging worker.
MEMORY = Path("/dev/shm")  # noqa: S108  gunicorn makes a file of its own in it
worker_tmp_dir = str(MEMORY) if MEMORY.is_dir() else None
# Nobody steers it from outside, and two servers of one user would share the socket.
control_socket_disable = True
