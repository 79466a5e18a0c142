"""The site's own settings, with what tests need otherwise."""

import os
import tempfile
from pathlib import Path

os.environ.setdefault("SECRET_KEY", "for tests only")

from mnist_site.settings import *  # noqa: F403

STATIC_ROOT = Path(tempfile.mkdtemp(prefix="digits-static-"))
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
