"""Middleware of the site: error format, rate limit, response headers, allowed requests."""

import math
from collections.abc import Callable
from http import HTTPStatus

from django.conf import settings
from django.core.exceptions import BadRequest, DisallowedHost, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.urls import resolve
from django.utils.deprecation import MiddlewareMixin

from mnist_site.rate_limit import rate_limiter
from recognizer.api.errors import (
    API_PREFIX,
    CONTENT_TYPE,
    ApiError,
    error_format,
    problem_response,
)
from recognizer.database.waits import limit_database_waits

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


class ErrorFormatMiddleware(MiddlewareMixin):
    """Formats all errors under /api/ and /v2, including Django's own (404, 405, 500)."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
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


class SecurityHeadersMiddleware(MiddlewareMixin):
    """Adds the security headers to every response, also to errors of the middleware after it."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        for name, value in settings.SECURITY_HEADERS.items():
            response.setdefault(name, value)
        # The icon has a style element, which the policy of pages forbids.
        if request.path.startswith(settings.STATIC_URL) and response.status_code == HTTPStatus.OK:
            del response["Content-Security-Policy"]
        return response


class HeadMiddleware:
    """Answers HEAD like GET, without the body.

    The framework of the API allows only documented methods, and gunicorn logs every body that it
    drops.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method != "HEAD":
            return self.get_response(request)
        if request.path.startswith(API_PREFIX):
            request.method = "GET"
        response = self.get_response(request)
        request.method = "HEAD"
        if not response.streaming:
            response.setdefault("Content-Length", str(len(response.content)))
            response.content = b""
        return response


class RequestCheckMiddleware(MiddlewareMixin):
    """Rejects requests above the rate limit, then requests that no view accepts."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        if rejection := _check_rate(request):
            return rejection
        if request.method not in settings.ALLOWED_METHODS:
            return HttpResponseNotAllowed(settings.ALLOWED_METHODS)
        return _check_host(request) or _check_encoding(request)


def _check_rate(request: HttpRequest) -> HttpResponse | None:
    """Reject requests above the rate limit with 429; probes and static files are exempt."""
    limit = settings.REQUESTS_PER_MINUTE
    if not limit or request.path.startswith((settings.STATIC_URL, *settings.PROBE_PATHS)):
        return None
    wait = rate_limiter.wait(client_address(request), limit)
    if not wait:
        return None
    seconds = math.ceil(wait)
    error = ApiError(
        HTTPStatus.TOO_MANY_REQUESTS,
        f"Your address exceeds {limit:,} requests per minute. Retry after {seconds} s.",
    )
    response = _rejection(request, error)
    response["Retry-After"] = str(seconds)
    return response


def _check_host(request: HttpRequest) -> HttpResponse | None:
    """Reject a Host that ALLOWED_HOSTS does not contain, without Django's traceback in the log."""
    try:
        request.get_host()
    except DisallowedHost:
        error = ApiError(
            HTTPStatus.BAD_REQUEST,
            "This site has another name. Check the address; ALLOWED_HOSTS lists its names.",
        )
        return _rejection(request, error)
    return None


def _check_encoding(request: HttpRequest) -> HttpResponse | None:
    """Reject compressed bodies with 415: limits and parsers assume plain bodies."""
    encoding = request.META.get("HTTP_CONTENT_ENCODING", "")
    if encoding.lower() in ("", "identity"):
        return None
    error = ApiError(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        f"Unsupported Content-Encoding: {encoding!r}. Send the body uncompressed.",
    )
    response = _rejection(request, error)
    response["Accept-Encoding"] = "identity"
    return response


def _rejection(request: HttpRequest, error: ApiError) -> HttpResponse:
    return (error_format(request) or problem_response)(error)


class AdminRequestMiddleware(MiddlewareMixin):
    """Rejects admin requests with values on which queries would fail with 500."""

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], *_: object
    ) -> None:
        if not request.path.startswith("/admin/"):
            return
        # PostgreSQL cannot compare text with NUL characters.
        if "%00" in request.META["QUERY_STRING"]:
            raise BadRequest
        if model_admin := getattr(view, "model_admin", None):
            try:
                for key in request.POST.getlist("_selected_action"):
                    model_admin.model._meta.pk.clean(key, None)
            except ValidationError as error:
                raise BadRequest from error


class ApiMiddleware(MiddlewareMixin):
    """Calls the views under /api/ and /v2 without the middleware after this one.

    They use no sessions, users, messages or CSRF tokens, which would cost as much as a prediction.
    """

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        to_response = error_format(request)
        if to_response is None:
            return None
        request.resolver_match = match = resolve(request.path_info)
        try:
            with limit_database_waits(settings.API_TIMEOUT):
                response: HttpResponse = match.func(request, *match.args, **match.kwargs)
        except ApiError as error:
            response = to_response(error)
        response["Content-Length"] = str(len(response.content))
        return response
