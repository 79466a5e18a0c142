"""Start gunicorn with its arguments: python -m mnist_site [ARGUMENT …]

gunicorn itself would report an invalid WEB_CONCURRENCY with a traceback.
"""

import os
import sys
from pathlib import Path

from mnist_site.startup import short_errors

with short_errors():
    import mnist_site.settings  # noqa: F401  validates the environment

gunicorn = str(Path(sys.executable).with_name("gunicorn"))
os.execv(gunicorn, [gunicorn, *sys.argv[1:]])  # noqa: S606  needs no shell
