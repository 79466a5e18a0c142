"""Settings of the site, all from the environment (or a file ``.env`` beside ``manage.py``).

SECRET_KEY            required unless DEBUG
DEBUG                 off by default
ALLOWED_HOSTS         comma-separated; by default this machine only, over plain HTTP
DATABASE_URL          by default SQLite under var/
CORS_ALLOWED_ORIGINS  comma-separated origins whose pages may use the API
METRICS_TOKEN         bearer token for /metrics; by default this machine only may read it
REQUESTS_PER_MINUTE   from one address; 12000, but 0 (no limit) where this machine alone is served
TRUSTED_PROXIES       how many proxies in front append to X-Forwarded-For; 0, on Heroku 1
KEEP_DRAWINGS_DAYS    after how many days `manage.py purge_drawings` deletes; by default it does not
"""

import os
from datetime import timedelta
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from environs import Env, validate

BASE_DIR = Path(__file__).resolve().parent.parent
VAR = BASE_DIR / "var"
VAR.mkdir(exist_ok=True)

env = Env()
env.read_env(str(BASE_DIR / ".env"), recurse=False)

DEBUG = env.bool("DEBUG", False)
SECRET_KEY = env.str("SECRET_KEY", "only for debugging" if DEBUG else "")
if not SECRET_KEY:
    raise ImproperlyConfigured(
        "SECRET_KEY is not set. `make run` writes one to .env; elsewhere set it to a long random"
        ' string, such as python -c "import secrets; print(secrets.token_urlsafe(50))" prints.'
    )


def names(variable: str, default: list[str]) -> list[str]:
    """What a variable lists, with or without spaces behind its commas."""
    return [name.strip() for name in env.list(variable, default) if name.strip()]


# A site that other machines reach is served over HTTPS only.
THIS_MACHINE = ["localhost", "127.0.0.1", "[::1]"]
ALLOWED_HOSTS = names("ALLOWED_HOSTS", THIS_MACHINE)
FOR_THIS_MACHINE = set(ALLOWED_HOSTS) <= set(THIS_MACHINE)
HTTPS = not DEBUG and not FOR_THIS_MACHINE
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "sessionid", "csrftoken"
if HTTPS:
    # Browsers take these from this host alone, over HTTPS, and for all of it.
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
# The page reads the token in the form, never the cookie.
CSRF_COOKIE_HTTPONLY = True
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# Health probes come from inside, without a certificate; nor are they counted.
PROBES = ("/health/", "/v2/health/")
SECURE_REDIRECT_EXEMPT = [f"^{probe.removeprefix('/')}" for probe in PROBES]
X_FRAME_OPTIONS = "DENY"
# For browsers; the page needs nothing from elsewhere, and shows what it was given as data: URLs.
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none';"
    " form-action 'self'; frame-ancestors 'none'"
)
CORS_ALLOWED_ORIGINS = names("CORS_ALLOWED_ORIGINS", [])
CORS_URLS_REGEX = r"^/api/"
CORS_EXPOSE_HEADERS = ["Retry-After"]

# A pen draws 120 readings a second, and several people may share an address.
REQUESTS_PER_MINUTE = env.int(
    "REQUESTS_PER_MINUTE", 12_000 if HTTPS else 0, validate=validate.Range(min=0)
)
TRUSTED_PROXIES = env.int(
    "TRUSTED_PROXIES", 1 if "DYNO" in os.environ else 0, validate=validate.Range(min=0)
)

INSTALLED_APPS = [
    "recognizer",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
    "django_otp",
    "django_otp.plugins.otp_static",
    "django_otp.plugins.otp_totp",
    "corsheaders",
    "ninja",
]

MIDDLEWARE = [
    "recognizer.telemetry.middleware.TelemetryMiddleware",
    "mnist_site.middleware.ErrorFormatMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "mnist_site.middleware.RateLimitMiddleware",
    "mnist_site.middleware.ContentSecurityPolicyMiddleware",
    "mnist_site.middleware.AllowedMethodsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
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

# A dyno's disk is thrown away at every restart: on Heroku, SQLite would lose every drawing.
if "DYNO" in os.environ and "DATABASE_URL" not in os.environ:
    raise ImproperlyConfigured(
        "DATABASE_URL is not set. Add a database: heroku addons:create heroku-postgresql"
    )
DATABASES = {
    "default": env.dj_db_url(
        "DATABASE_URL",
        f"sqlite:///{VAR / 'db.sqlite3'}",
        conn_max_age=600,
        conn_health_checks=True,
    )
}
# Seconds for a connection or a lock: less than the ten the page waits for an answer.
PATIENCE = 8
# What the address of the database says wins.
said = DATABASES["default"].get("OPTIONS", {})
if DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":
    DATABASES["default"]["OPTIONS"] = {
        "connect_timeout": PATIENCE,
        **said,
        "options": f"-c lock_timeout={PATIENCE}s {said.get('options', '')}".strip(),
    }
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # Readers go on while one writes; writers queue up instead of failing half-way.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": PATIENCE,
        "init_command": "PRAGMA journal_mode=WAL",
        **said,
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

# Sign-in is closed for a quarter of an hour to an address, never to a name: its owner gets in.
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AXES_HANDLER = "mnist_site.sign_in.Attempts"
AXES_CLIENT_IP_CALLABLE = "mnist_site.sign_in.pseudonym"
AXES_LOCKOUT_CALLABLE = "mnist_site.sign_in.locked_out"
AXES_LOCKOUT_PARAMETERS = ["ip_address"]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_SENSITIVE_PARAMETERS = ["username", "token", "csrfmiddlewaretoken"]
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False
OTP_TOTP_ISSUER = "Digits"

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"

STATIC_URL = "static/"
STATIC_ROOT = VAR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Nobody asks for a file by its plain name: half the work of a build, and half its size.
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "mnist_site.storage.HashedStaticFiles"
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {"format": "%(levelname)s %(name)s: %(message)s"},
        "json": {"()": "recognizer.telemetry.logging.JsonLines"},
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "plain" if DEBUG else "json"}
    },
    "root": {"handlers": ["console"], "level": "WARNING"},
    # Of 4xx, Django's lines say what recognizer's do, and paths too.
    "loggers": {"recognizer": {"level": "INFO"}, "django.request": {"level": "ERROR"}},
}

METRICS_TOKEN = env.str("METRICS_TOKEN", "")

KEEP_DRAWINGS_DAYS: int | None = env.int("KEEP_DRAWINGS_DAYS", None, validate=validate.Range(min=1))

# Serves until a model is promoted (`manage.py models`).
SHIPPED_MODEL = BASE_DIR / "ml" / "weights" / "lenet.onnx"

# Bodies are read whole into memory, so they are capped; pictures never touch the disk.
# A confirmation in the admin names each drawing that is to be deleted; the lists show 10,000.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_100
MAX_JSON_BYTES = DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
MAX_PICTURE_BYTES = FILE_UPLOAD_MAX_MEMORY_SIZE = 8_000_000
# Up to so many drawings in one body; their pictures share the pixels.
MAX_BATCH, MAX_BATCH_BYTES, MAX_BATCH_PIXELS = 256, 4_000_000, 64_000_000
DATA_UPLOAD_MAX_NUMBER_FILES = MAX_BATCH
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]
