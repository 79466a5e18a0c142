"""Settings of the site, from the environment or a file ``.env`` beside ``manage.py``.

docs/deploy.md lists the variables and their defaults.
"""

import logging
import os
import re
import warnings
from contextlib import suppress
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import quote

from django.core.exceptions import ImproperlyConfigured

from mnist_site.startup import read_environment, require_writable
from recognizer.telemetry.logging import PrivateLogRecord

BASE_DIR = Path(__file__).resolve().parent.parent
VAR = BASE_DIR / "var"
with suppress(OSError):
    VAR.mkdir(exist_ok=True)

env = read_environment(BASE_DIR / ".env")

DEBUG = env.bool("DEBUG", False)
SECRET_KEY = env.str("SECRET_KEY", "only for debugging" if DEBUG else "")
if not SECRET_KEY:
    raise ImproperlyConfigured(
        "SECRET_KEY is not set. `make run` writes one to .env; elsewhere set it to a long random"
        ' string, such as python -c "import secrets; print(secrets.token_urlsafe(50))" prints.'
    )


def comma_separated(variable: str, default: list[str]) -> list[str]:
    """Return the items of a variable, without spaces around its commas."""
    return [item.strip() for item in env.list(variable, default) if item.strip()]


def integer(variable: str, default: int, minimum: int = 0, maximum: int = 10**9) -> int:
    """Return a number. Raises ImproperlyConfigured."""
    value = env.str(variable, str(default)).strip()
    if not value.isdecimal() or not minimum <= int(value) <= maximum:
        raise ImproperlyConfigured(
            f"{variable} is {value!r}. Set a whole number from {minimum:,} to {maximum:,}."
        )
    return int(value)


# gunicorn.conf.py uses these.
PORT = integer("PORT", 8000, 1, 65_535)
WEB_CONCURRENCY = integer("WEB_CONCURRENCY", 1, 1, 1_000)

LOCAL_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
ALLOWED_HOSTS = comma_separated("ALLOWED_HOSTS", LOCAL_HOSTS)
if not ALLOWED_HOSTS:
    raise ImproperlyConfigured(
        "ALLOWED_HOSTS is empty. List the names of the site, or unset it for this machine only."
    )
LOCAL_ONLY = set(ALLOWED_HOSTS) <= set(LOCAL_HOSTS)


def is_private(host: str) -> bool:
    """Return whether a host is this machine or an address of a private network."""
    try:
        return host in LOCAL_HOSTS or not ip_address(host.strip("[]")).is_global
    except ValueError:
        return False


# Private addresses have no certificates; any other host requires HTTPS.
HTTPS = not DEBUG and not all(map(is_private, ALLOWED_HOSTS))
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "sessionid", "csrftoken"
if HTTPS:
    # Browsers accept the __Host- prefix only over HTTPS, for one host and all of its paths.
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
# Browsers ignore this header over plain HTTP from other machines, with an error in the console.
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin" if HTTPS or LOCAL_ONLY else None
# Scripts read the token from the form, not from the cookie.
CSRF_COOKIE_HTTPONLY = True
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# Probes come over plain HTTP from the internal network; no rate limit applies to them.
PROBE_PATHS = ("/health/", "/v2/health/")
SECURE_REDIRECT_EXEMPT = [f"^{probe.removeprefix('/')}" for probe in PROBE_PATHS]
ALLOWED_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS")
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
# The page loads nothing from other origins and shows pictures as data: URLs.
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none';"
    " form-action 'self'; frame-ancestors 'none'"
)
# Django's middleware does not reach the responses of earlier middleware.
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": SECURE_REFERRER_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": X_FRAME_OPTIONS,
}
if SECURE_CROSS_ORIGIN_OPENER_POLICY:
    SECURITY_HEADERS["Cross-Origin-Opener-Policy"] = SECURE_CROSS_ORIGIN_OPENER_POLICY
CORS_ALLOWED_ORIGINS = comma_separated("CORS_ALLOWED_ORIGINS", [])
CORS_URLS_REGEX = r"^/api/"
CORS_EXPOSE_HEADERS = ["Retry-After"]

# A pen sends up to 120 requests per second, and several visitors can share an address.
REQUESTS_PER_MINUTE = integer("REQUESTS_PER_MINUTE", 0 if DEBUG or LOCAL_ONLY else 12_000)
TRUSTED_PROXIES = integer("TRUSTED_PROXIES", 1 if "DYNO" in os.environ else 0)

INSTALLED_APPS = [
    "recognizer",
    "mnist_site.apps.StaffSiteConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "axes",
    "django_otp",
    "django_otp.plugins.otp_static",
    "django_otp.plugins.otp_totp",
    "corsheaders",
    "ninja",
]

MIDDLEWARE = [
    "recognizer.telemetry.middleware.TelemetryMiddleware",
    "mnist_site.middleware.HeadMiddleware",
    "mnist_site.middleware.SecurityHeadersMiddleware",
    "mnist_site.middleware.ErrorFormatMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "mnist_site.middleware.RequestCheckMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "mnist_site.middleware.ApiMiddleware",
    # Pages and static files only.
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "axes.middleware.AxesMiddleware",
    "mnist_site.middleware.AdminRequestMiddleware",
]

ROOT_URLCONF = "mnist_site.urls"
WSGI_APPLICATION = "mnist_site.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Heroku deletes a dyno's disk at every restart, and SQLite's drawings with it.
if "DYNO" in os.environ and "DATABASE_URL" not in os.environ:
    raise ImproperlyConfigured(
        "DATABASE_URL is not set. Add a database: heroku addons:create heroku-postgresql"
    )


def check_database_url(url: str) -> None:
    """Raise ImproperlyConfigured for an unsupported database, or if an unencoded character divides
    the URL at a wrong place.

    The message must not contain the password.
    """
    if not url.startswith(("postgres://", "postgresql://", "sqlite://")):
        raise ImproperlyConfigured("DATABASE_URL must start with postgres:// or sqlite:///.")
    before_query = url.partition("?")[0]
    authority = (before_query if "@" in before_query else url).partition("://")[2]
    # Without a host, "@" belongs to the path or the query.
    user = "" if authority.startswith("/") else authority.rpartition("@")[0]
    if match := re.search(r"[/?\[\]]", user) or re.search("#", url):
        raise ImproperlyConfigured(
            f"DATABASE_URL has an unencoded {match[0]} in its user name, password or path."
            f" Write {match[0]} as {quote(match[0], safe='')}."
        )


DEFAULT_DATABASE = f"sqlite:///{quote(str(VAR / 'db.sqlite3'))}"
check_database_url(env.str("DATABASE_URL", DEFAULT_DATABASE))
DATABASES = {
    "default": env.dj_db_url(
        "DATABASE_URL",
        DEFAULT_DATABASE,
        conn_max_age=600,
        conn_health_checks=True,
    )
}
# Seconds to wait for a connection or a lock, less than the page's timeout of ten.
DATABASE_TIMEOUT = 8
POOL_TIMEOUT = 1  # seconds until a new connection to PostgreSQL counts as failed
# Seconds to wait for responses of PostgreSQL: in total during a probe, in total during an API
# request, and during each query of other pages. The API answers before the page's timeout, and
# after lock_timeout.
PROBE_TIMEOUT, API_TIMEOUT, QUERY_TIMEOUT = 1, DATABASE_TIMEOUT + 1, 25
# Options in DATABASE_URL take precedence.
url_options = DATABASES["default"].get("OPTIONS", {})
if DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":
    # The import of the client library adds 6 MB.
    from recognizer.database.postgresql import BoundedConnection

    # The pool keeps connections; with it, Django requires 0.
    DATABASES["default"]["CONN_MAX_AGE"] = 0
    DATABASES["default"]["OPTIONS"] = {
        "connect_timeout": DATABASE_TIMEOUT,
        "pool": {
            "connection_class": BoundedConnection,
            "min_size": 0,
            # One for each database request that load_shedding.py processes at the same time, and
            # one for the thread that follows promotions.
            "max_size": 5,
            "timeout": POOL_TIMEOUT,
            "reconnect_timeout": POOL_TIMEOUT,
            "num_workers": 1,
        },
        **url_options,
        "options": f"-c lock_timeout={DATABASE_TIMEOUT}s {url_options.get('options', '')}".strip(),
    }
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    require_writable(Path(DATABASES["default"]["NAME"]).absolute().parent)
    # Each thread has a connection with a page cache; cache_size is in kB if negative. Larger
    # caches, 2 and 16 MB, save no CPU time with a million rows.
    # WAL lets readers continue during a write; IMMEDIATE makes writers wait at the start of a
    # transaction instead of failing in the middle.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": DATABASE_TIMEOUT,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA cache_size=-256",
        **url_options,
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

# Lock out addresses, never user names: guessing must not lock out the owner of an account.
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AXES_HANDLER = "mnist_site.sign_in.AnonymousAttemptsHandler"
AXES_CLIENT_IP_CALLABLE = "mnist_site.sign_in.address_pseudonym"
AXES_LOCKOUT_CALLABLE = "mnist_site.sign_in.lockout_response"
AXES_LOCKOUT_PARAMETERS = ["ip_address"]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_SENSITIVE_PARAMETERS = ["username", "token", "csrfmiddlewaretoken"]
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False
OTP_TOTP_ISSUER = "Digits"
# Only the admin has a sign-in.
LOGIN_URL, LOGIN_REDIRECT_URL = "admin:login", "admin:index"
# Staff set up their phones at /admin/two-factor/; no page shows a stored key.
OTP_ADMIN_HIDE_SENSITIVE_DATA = True

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"

STATIC_URL = "static/"
STATIC_ROOT = VAR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Pages use hashed names only; this halves build time and size.
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "mnist_site.storage.HashedStaticFilesStorage"
    },
}

logging.setLogRecordFactory(PrivateLogRecord)
logging.captureWarnings(capture=True)
# Pillow warns of damaged metadata, which visitors could use to flood the log.
warnings.filterwarnings("ignore", module="PIL")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {"format": "%(levelname)s %(name)s: %(message)s"},
        "json": {"()": "recognizer.telemetry.logging.JsonFormatter"},
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "plain" if DEBUG else "json"}
    },
    "root": {"handlers": ["console"], "level": "WARNING"},
    # Django's lines for 4xx responses repeat ours and contain paths, which are private.
    "loggers": {
        "recognizer": {"level": "INFO"},
        "django.request": {"level": "ERROR"},
        "PIL": {"level": "ERROR"},
    },
}

METRICS_TOKEN = env.str("METRICS_TOKEN", "")
SOURCE_URL = env.str("SOURCE_URL", "")

KEEP_DRAWINGS_DAYS: int | None = None
if "KEEP_DRAWINGS_DAYS" in os.environ:
    KEEP_DRAWINGS_DAYS = integer("KEEP_DRAWINGS_DAYS", 0, 1, 36_500)

# The serving model until another one is promoted (`manage.py models`).
SHIPPED_MODEL = BASE_DIR / "ml" / "weights" / "lenet.onnx"

# The admin's confirmation page has one field per selected drawing; lists show up to 10,000.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_100
# Bodies are buffered in memory; uploads are never written to disk.
MAX_JSON_BYTES = DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
MAX_PICTURE_BYTES = FILE_UPLOAD_MAX_MEMORY_SIZE = 8_000_000
# Drawings, bytes and total pixels of a batch.
MAX_BATCH, MAX_BATCH_BYTES, MAX_BATCH_PIXELS = 256, 4_000_000, 64_000_000
DATA_UPLOAD_MAX_NUMBER_FILES = MAX_BATCH
# A batch and a few fields. Forms of the admin are not multipart bodies.
MAX_PARTS = MAX_BATCH + 10
FILE_UPLOAD_HANDLERS = ["mnist_site.uploads.BoundedUploadHandler"]
