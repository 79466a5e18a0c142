"""The site's settings, adapted for tests."""

import os
import tempfile
from pathlib import Path

os.environ.setdefault("SECRET_KEY", "for tests only")

from mnist_site.settings import *  # noqa: F403
from mnist_site.settings import DATABASES, VAR

# All test processes and later runs share collected static files; see the fixture static_files.
STATIC_ROOT = VAR / "tests-static"
STATIC_ROOT.mkdir(exist_ok=True)
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A file, as in production: an in-memory database would share one connection between threads.
    folder = Path(tempfile.mkdtemp(prefix="digits-tests-"))
    DATABASES["default"]["TEST"] = {"NAME": str(folder / "test.sqlite3")}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
