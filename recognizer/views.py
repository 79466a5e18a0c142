"""The page, and the health probes."""

import sys
from http import HTTPStatus
from pathlib import Path
from shutil import disk_usage
from uuid import UUID

from django.conf import settings
from django.db import Error, InterfaceError, OperationalError, connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.templatetags.static import static
from django.utils.crypto import constant_time_compare
from django.views import defaults
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from recognizer import drawings, rendering
from recognizer.api.errors import ApiError, problem_response
from recognizer.models import Drawing
from recognizer.serving import ModelUnavailable, current_classifier
from recognizer.telemetry import metrics

LOOPBACK = {"127.0.0.1", "::1"}

# What page.js imports: fetched with it, not one after another.
MODULES = [
    f"js/{name}.js"
    for name in (
        "draw/drawing", "draw/export", "draw/keyboard", "draw/pad", "draw/paint",
        "draw/picture_input", "draw/replay", "draw/timeline", "explain/loader",
        "recognize/client", "recognize/local_prediction", "recognize/result_view",
        "recognize/session", "visit/correction", "visit/outbox", "visit/strip", "visit/visit",
    )
]  # fmt: skip


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    return render(request, "recognizer/page.html", {"digits": range(10), "modules": MODULES})


@require_safe
@never_cache
def drawing(request: HttpRequest, id: UUID) -> HttpResponse:
    """What became of a drawing, for whoever knows its UUID: that is nobody but who drew it."""
    kept = get_object_or_404(Drawing, id=id)
    try:
        today = drawings.predict_again(kept)
    except ModelUnavailable:
        today = None
    picture = rendering.strokes_svg(kept.strokes or [], side=224)
    digits = kept.digits.order_by("position")
    inputs = [rendering.grid_png(digit.image, side=56) for digit in digits]
    context = {"drawing": kept, "picture": picture, "inputs": inputs, "today": today}
    return render(request, "recognizer/drawing.html", context)


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """Where browsers look on pages that name no icon, such as the admin's."""
    return redirect(static("icon.svg"))


@require_safe
@never_cache
def live(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


def _is_full() -> bool:
    """Whether SQLite has no page left, or its disk no room for one more drawing."""
    with connection.cursor() as cursor:
        pages, most, free = (
            cursor.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "max_page_count", "freelist_count")
        )
    folder = Path(connection.settings_dict["NAME"]).parent
    return bool(pages >= most and not free) or disk_usage(folder).free < settings.MAX_JSON_BYTES


@require_safe
@never_cache
def ready(request: HttpRequest) -> HttpResponse:
    """The database and a model can be used."""
    problems = {}
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        if connection.vendor == "sqlite" and _is_full():
            problems["database"] = "is full"
    except Error:
        problems["database"] = "cannot be used"
    try:
        current_classifier()
    except ModelUnavailable as error:
        problems["model"] = str(error)
    if problems:
        return JsonResponse({"status": "unavailable", "problems": problems}, status=503)
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def prometheus(request: HttpRequest) -> HttpResponse:
    """The figures of this server; to whoever may not read them, there is no such page."""
    if not _may_read_figures(request):
        raise Http404
    return HttpResponse(metrics.exposition(), metrics.CONTENT_TYPE)


def _may_read_figures(request: HttpRequest) -> bool:
    """With the token; where none is set, on a site that is for this machine alone."""
    if settings.METRICS_TOKEN:
        sent = request.headers.get("Authorization", "")
        return constant_time_compare(sent, f"Bearer {settings.METRICS_TOKEN}")
    return settings.FOR_THIS_MACHINE and request.META["REMOTE_ADDR"] in LOOPBACK


def failed(request: HttpRequest) -> HttpResponse:
    """What Django answers to an exception nobody caught: 503 where it was the database."""
    if not isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        return defaults.server_error(request)
    return problem_response(
        ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "The database cannot be used.")
    )
