"""The page and its installation, the page of a saved drawing, health probes and metrics."""

import sys
from functools import cache
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from shutil import disk_usage
from uuid import UUID

from django.conf import settings
from django.db import Error, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.templatetags.static import static
from django.utils.crypto import constant_time_compare
from django.views import defaults
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from recognizer import drawings, rendering
from recognizer.api.errors import ApiError, is_outage, problem_response
from recognizer.database.sqlite_file import find_problem
from recognizer.database.waits import limit_database_waits
from recognizer.models import Drawing
from recognizer.serving import ModelUnavailable, current_classifier
from recognizer.telemetry import metrics

LOOPBACK = {"127.0.0.1", "::1"}

# The page's background in base.css, for the window and the start screen of the installed page.
PAPER = "#fbfaf6"

STYLE_SHEETS = ["css/base.css", "css/page.css", "css/network.css"]
# Imports of page.js, preloaded so that the browser fetches them in parallel.
MODULES = [
    f"js/{name}.js"
    for name in (
        "accuracy", "draw/drawing", "draw/keyboard", "draw/pad", "draw/paint",
        "draw/picture_input", "draw/timeline", "explain/loader",
        "recognize/client", "recognize/local_prediction", "recognize/result_view",
        "recognize/session", "visit/correction", "visit/outbox", "visit/storage", "visit/strip",
        "visit/typed_label", "visit/visit", "visit/welcome", "visitor_error",
    )
]  # fmt: skip


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    context = {
        "digits": range(10),
        "modules": MODULES,
        "style_sheets": STYLE_SHEETS,
        "preview": request.build_absolute_uri(static("preview.png")),
        "source": settings.SOURCE_URL,
        # In development, a service worker would serve outdated modules.
        "is_offline_capable": not settings.DEBUG,
    }
    return render(request, "recognizer/page.html", context)


@require_safe
@never_cache
def service_worker(request: HttpRequest) -> HttpResponse:
    """Return the service worker with the files of this release."""
    files = _page_files()
    # The page's text is part of the release; its links contain the hashes of the files.
    release = sha256("".join([page(request).content.decode(), *files]).encode()).hexdigest()[:16]
    context = {"release": release, "files": files}
    return render(request, "recognizer/service_worker.js", context, "text/javascript")


@cache
def _page_files() -> list[str]:
    """Return the URLs of all static files of the page, those loaded later included."""
    folder = settings.BASE_DIR / "static"
    modules = [
        path for path in folder.glob("js/**/*.js") if path.parent.name not in ("admin", "review")
    ]
    names = (str(path.relative_to(folder)) for path in sorted(modules))
    return [static(name) for name in (*STYLE_SHEETS, "icon.svg", *names)]


@require_safe
def manifest(request: HttpRequest) -> HttpResponse:
    """Return the web app manifest, with which browsers install the page."""
    icons = [
        {"src": static("icon.svg"), "sizes": "any", "type": "image/svg+xml"},
        {"src": static("icon.png"), "sizes": "512x512", "type": "image/png", "purpose": "maskable"},
    ]
    content = {
        "id": "/",
        "name": "Digits",
        "description": "Recognizes handwritten digits while you draw them.",
        "start_url": "/",
        "display": "standalone",
        "background_color": PAPER,
        "theme_color": PAPER,
        "icons": icons,
    }
    return JsonResponse(content, content_type="application/manifest+json")


@require_safe
@never_cache
def drawing(request: HttpRequest, id: UUID) -> HttpResponse:
    """Show a saved drawing and its predictions. The UUID is the only credential."""
    saved = get_object_or_404(Drawing, id=id)
    try:
        prediction = drawings.predict_again(saved)
    except ModelUnavailable:
        prediction = None
    picture = rendering.strokes_svg(saved.strokes or [], side=224)
    digits = saved.digits.order_by("position")
    inputs = [rendering.grid_png(digit.image, side=56) for digit in digits]
    context = {"drawing": saved, "picture": picture, "inputs": inputs, "today": prediction}
    return render(request, "recognizer/drawing.html", context)


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """Redirect the default icon URL, which browsers request for pages without an icon."""
    return redirect(static("icon.svg"))


@require_safe
@never_cache
def live(request: HttpRequest) -> HttpResponse:
    """Liveness probe: the process responds."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def ready(request: HttpRequest) -> HttpResponse:
    """Readiness probe: database and model are usable, and all migrations are applied."""
    problems = {}
    with limit_database_waits(settings.PROBE_TIMEOUT):
        if problem := _database_problem():
            problems["database"] = problem
    try:
        current_classifier()
    except ModelUnavailable as error:
        problems["model"] = str(error)
    if problems:
        return JsonResponse({"status": "unavailable", "problems": problems}, status=503)
    return JsonResponse({"status": "ok"})


def _database_problem() -> str:
    """Return why drawings cannot be saved, or ""."""
    try:
        applied = MigrationRecorder(connection).applied_migrations()
        if unapplied := sorted(_migrations() - applied.keys()):
            names = ", ".join(map(".".join, unapplied))
            return f"Unapplied migrations: {names}. Run: python manage.py migrate"
        if connection.vendor != "sqlite":
            return ""
        return _file_problem() or ("full" if _sqlite_is_full() else "")
    except Error:
        found = _file_problem() if connection.vendor == "sqlite" else ""
        return found or "unavailable"


def _file_problem() -> str:
    """Return SQLite's own message, which has no path and no address."""
    return find_problem(Path(connection.settings_dict["NAME"]))


@cache
def _migrations() -> set[tuple[str, str]]:
    """Return app and name of every migration of this release."""
    return set(MigrationLoader(None).graph.nodes)


def _sqlite_is_full() -> bool:
    """Return whether SQLite has no free page, or its disk no space for one more drawing."""
    with connection.cursor() as cursor:
        pages, max_pages, free_pages = (
            cursor.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "max_page_count", "freelist_count")
        )
    folder = Path(connection.settings_dict["NAME"]).parent
    if pages >= max_pages and not free_pages:
        return True
    return disk_usage(folder).free < settings.MAX_JSON_BYTES


@require_safe
@never_cache
def prometheus(request: HttpRequest) -> HttpResponse:
    """Return the metrics. Require METRICS_TOKEN; without one, a local client of a local site."""
    is_allowed = settings.LOCAL_ONLY and request.META["REMOTE_ADDR"] in LOOPBACK
    if settings.METRICS_TOKEN:
        authorization = request.headers.get("Authorization", "")
        is_allowed = constant_time_compare(authorization, f"Bearer {settings.METRICS_TOKEN}")
    if not is_allowed:
        raise Http404
    return HttpResponse(metrics.exposition(), metrics.CONTENT_TYPE)


def server_error(request: HttpRequest) -> HttpResponse:
    """Handle uncaught exceptions: 503 for database errors, otherwise 500."""
    if not is_outage(sys.exc_info()[1]):
        return defaults.server_error(request)
    detail = "The database is unavailable. Retry later."
    return problem_response(ApiError(HTTPStatus.SERVICE_UNAVAILABLE, detail))
