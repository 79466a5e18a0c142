"""The site's own settings, with what tests need otherwise."""

import os
import tempfile
from pathlib import Path

os.environ.setdefault("SECRET_KEY", "for tests only")

from mnist_site.settings import *  # noqa: F403
from mnist_site.settings import DATABASES

if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A file, as deployed: in memory there is one connection, which all threads would share.
    FOLDER = tempfile.mkdtemp(prefix="digits-database-")
    DATABASES["default"]["TEST"] = {"NAME": f"{FOLDER}/test.sqlite3"}
STATIC_ROOT = Path(tempfile.mkdtemp(prefix="digits-static-"))
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
