"""The site's own settings, with what tests need otherwise."""

import os
import tempfile
from pathlib import Path

os.environ.setdefault("SECRET_KEY", "for tests only")

from mnist_site.settings import *  # noqa: F403
from mnist_site.settings import DATABASES, VAR

SCRATCH = Path(tempfile.mkdtemp(prefix="digits-tests-"))
# All processes of a run share it, and so does the next run: see the fixture static_files.
STATIC_ROOT = VAR / "tests-static"
STATIC_ROOT.mkdir(exist_ok=True)
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A file, as it is when the site runs: in memory, threads would share one connection's locks.
    DATABASES["default"]["TEST"] = {"NAME": str(SCRATCH / "test.sqlite3")}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
