"""Requests are counted by the address they come from; answers say what a page may load."""

import math
from collections.abc import Callable
from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed

from mnist_site.rate_limit import rate_limiter
from recognizer.api.errors import METHODS, SHAPED, ApiError, problem_response, shape_at


def client_address(request: HttpRequest) -> str:
    """The address a request comes from, as the outermost trusted proxy saw it.

    Each proxy appends the address it was asked from to X-Forwarded-For; what stands before that
    may be anything.
    """
    seen: list[str] = request.headers.get("X-Forwarded-For", "").split(",")
    proxies = settings.TRUSTED_PROXIES
    if 0 < proxies <= len(seen) and (address := seen[-proxies].strip()):
        return address
    return str(request.META.get("REMOTE_ADDR", ""))


class RateLimitMiddleware:
    """Answers 429 to an address that asks too often. Probes are not counted."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        limit = settings.REQUESTS_PER_MINUTE
        if not limit or request.path.startswith(settings.PROBES):
            return self.get_response(request)
        wait = rate_limiter.wait(client_address(request), limit)
        if not wait:
            return self.get_response(request)
        problem = ApiError(
            HTTPStatus.TOO_MANY_REQUESTS,
            f"More than {limit} requests a minute came from your address.",
        )
        response = (shape_at(request) or problem_response)(problem)
        response["Retry-After"] = str(math.ceil(wait))
        return response


class ContentSecurityPolicyMiddleware:
    """Sends the Content-Security-Policy, which is the same for every answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response["Content-Security-Policy"] = settings.CONTENT_SECURITY_POLICY
        return response


class ErrorFormatMiddleware:
    """Gives each error under /api/ and /v2, Django's own (404, 405, 500 …) too, its shape."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code < 400:
            return response
        shape = shape_at(request)
        if shape is None or response.get("Content-Type", "").startswith(SHAPED):
            return response
        status = HTTPStatus(response.status_code)
        problem = shape(ApiError(status, f"{status.phrase}: {request.path}"))
        # The other headers stay: what the browser is told, which methods there are.
        response.content = problem.content
        response["Content-Type"] = problem["Content-Type"]
        # Of what stood there before: a client would read on, or take the rest for the next answer.
        response["Content-Length"] = str(len(problem.content))
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        shape = shape_at(request)
        return shape(error) if shape and isinstance(error, ApiError) else None


class AllowedMethodsMiddleware:
    """Refuses TRACE, and methods that nothing here has, wherever they are tried."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method in METHODS:
            return self.get_response(request)
        return HttpResponseNotAllowed(METHODS)
