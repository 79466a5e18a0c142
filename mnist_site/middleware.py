"""Middleware of the site: error format, rate limit, Content-Security-Policy, allowed requests."""

import math
from collections.abc import Callable
from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.urls import resolve

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


class ApiMiddleware:
    """Calls the views under /api/ and /v2 without the middleware after this one.

    They use no sessions, users, messages or CSRF tokens, which would cost as much as a prediction.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        to_response = error_format(request)
        if to_response is None:
            return self.get_response(request)
        # Raises DisallowedHost.
        request.get_host()
        request.resolver_match = match = resolve(request.path_info)
        try:
            response: HttpResponse = match.func(request, *match.args, **match.kwargs)
        except ApiError as error:
            response = to_response(error)
        if not response.streaming:
            response["Content-Length"] = str(len(response.content))
        return response
