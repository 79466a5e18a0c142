"""Middleware of the site: error format, rate limit, response headers, allowed requests."""

import math
from collections.abc import Callable
from http import HTTPStatus

from django.conf import settings
from django.core.exceptions import BadRequest, ValidationError
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed

from mnist_site.rate_limit import rate_limiter
from recognizer.api.errors import ApiError, error_format, problem_response
from recognizer.api.problem_details import CONTENT_TYPE

FORMATTED = (CONTENT_TYPE, "application/json")


def client_address(request: HttpRequest) -> str:
    """Return the client's address as the outermost trusted proxy saw it.

    Each proxy appends the address of its client to X-Forwarded-For; earlier entries can be forged.
    """
    forwarded: list[str] = request.headers.get("X-Forwarded-For", "").split(",")
    proxies = settings.TRUSTED_PROXIES
    if 0 < proxies <= len(forwarded) and (address := forwarded[-proxies].strip()):
        return address
    return str(request.META.get("REMOTE_ADDR", ""))


class ErrorFormatMiddleware:
    """Formats all errors under /api/ and /v2, including Django's own (404, 405, 500)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code < 400:
            return response
        to_response = error_format(request)
        if to_response is None or response.get("Content-Type", "").startswith(FORMATTED):
            return response
        status = HTTPStatus(response.status_code)
        formatted = to_response(ApiError(status, f"{status.phrase}: {request.path}"))
        # Replace only the body: headers such as Allow and CORS must stay.
        response.content = formatted.content
        response["Content-Type"] = formatted["Content-Type"]
        # A stale length would make clients misread the next response on the connection.
        response["Content-Length"] = str(len(formatted.content))
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        to_response = error_format(request)
        return to_response(error) if to_response and isinstance(error, ApiError) else None


class RateLimitMiddleware:
    """Rejects requests above the rate limit with 429; probes are exempt."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        limit = settings.REQUESTS_PER_MINUTE
        if not limit or request.path.startswith(settings.PROBE_PATHS):
            return self.get_response(request)
        wait = rate_limiter.wait(client_address(request), limit)
        if not wait:
            return self.get_response(request)
        seconds = math.ceil(wait)
        error = ApiError(
            HTTPStatus.TOO_MANY_REQUESTS,
            f"Your address exceeds {limit:,} requests per minute. Retry after {seconds} s.",
        )
        response = (error_format(request) or problem_response)(error)
        response["Retry-After"] = str(seconds)
        return response


class ContentSecurityPolicyMiddleware:
    """Adds the Content-Security-Policy header to the responses of later middleware and views."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response["Content-Security-Policy"] = settings.CONTENT_SECURITY_POLICY
        return response


class AllowedMethodsMiddleware:
    """Rejects TRACE and unknown methods with 405 at every URL."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method in settings.ALLOWED_METHODS:
            return self.get_response(request)
        return HttpResponseNotAllowed(settings.ALLOWED_METHODS)


class ContentEncodingMiddleware:
    """Rejects compressed bodies with 415 at every URL: limits and parsers assume plain bodies."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        encoding = request.headers.get("Content-Encoding", "")
        if encoding.lower() in ("", "identity"):
            return self.get_response(request)
        error = ApiError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"Unsupported Content-Encoding: {encoding!r}. Send the body uncompressed.",
        )
        response = (error_format(request) or problem_response)(error)
        response["Accept-Encoding"] = "identity"
        return response


class AdminRequestMiddleware:
    """Rejects admin requests with values on which queries would fail with 500."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], *_: object
    ) -> None:
        if not request.path.startswith("/admin/"):
            return
        # PostgreSQL cannot compare text with NUL characters.
        if "%00" in request.META["QUERY_STRING"]:
            raise BadRequest
        if model_admin := getattr(view, "model_admin", None):
            for key in request.POST.getlist("_selected_action"):
                _check_key(model_admin.model, key)


def _check_key(model: type[Model], key: str) -> None:
    """Raise BadRequest unless the text is a possible primary key of a model."""
    try:
        model._meta.pk.clean(key, None)
    except ValidationError as error:
        raise BadRequest from error
