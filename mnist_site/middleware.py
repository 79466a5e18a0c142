"""Requests are counted by the address they come from; answers say what a page may load."""

import math
from collections.abc import Callable
from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from mnist_site.limits import limiter
from recognizer.problems import Problem, problem_response, shape_at


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


class LimitMiddleware:
    """Answers 429 to an address that asks too often. Probes are not counted."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        limit = settings.REQUESTS_PER_MINUTE
        if not limit or request.path.startswith(settings.PROBES):
            return self.get_response(request)
        wait = limiter.wait(client_address(request), limit)
        if not wait:
            return self.get_response(request)
        problem = Problem(
            HTTPStatus.TOO_MANY_REQUESTS,
            f"More than {limit} requests a minute came from your address.",
        )
        response = (shape_at(request) or problem_response)(problem)
        response["Retry-After"] = str(math.ceil(wait))
        return response


class PolicyMiddleware:
    """Sends the Content-Security-Policy, which is the same for every answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response["Content-Security-Policy"] = settings.CONTENT_SECURITY_POLICY
        return response
