"""The site's settings, adapted for tests."""

import hashlib
import os

os.environ.setdefault("SECRET_KEY", "for tests only")
# Test processes share the cores: more threads would wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from mnist_site.settings import *  # noqa: F403
from mnist_site.settings import BASE_DIR, MIDDLEWARE, VAR

# Test processes and later runs share collected static files (fixture static_files), in a folder
# named after their sources: it is complete or empty, and never changes under another process.
sources = [BASE_DIR / "requirements.txt", *(BASE_DIR / "mnist_site").glob("*.py")]
sources += sorted((BASE_DIR / "static").rglob("*"))
versions = [f"{source} {source.stat().st_mtime_ns}" for source in sources]
STATIC_ROOT = VAR / f"tests-static-{hashlib.sha256(repr(versions).encode()).hexdigest()[:12]}"
STATIC_ROOT.mkdir(exist_ok=True)
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# After the count of requests in progress, and before ApiMiddleware, which skips later middleware.
MIDDLEWARE.insert(1, "tests.browser.stale_requests.StaleRequestMiddleware")
