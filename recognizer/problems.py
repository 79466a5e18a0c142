"""One shape for every error of the API: problem details (RFC 9457)."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse

CONTENT_TYPE = "application/problem+json"
API_PREFIX = "/api/"
# The original project's address keeps the original project's errors.
ORIGINAL = "/api/mnist"
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS")


class Problem(Exception):
    """A request that cannot be answered: HTTP status, what is wrong, and more members."""

    def __init__(self, status: int, detail: str, **members: Any) -> None:
        super().__init__(detail)
        self.status, self.detail, self.members = status, detail, members


def problem_response(problem: Problem) -> HttpResponse:
    body = {
        "type": "about:blank",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        **problem.members,
    }
    response = JsonResponse(body, status=problem.status, content_type=CONTENT_TYPE)
    if problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
        response["Retry-After"] = "2"
    return response


class ProblemMiddleware:
    """Gives errors that Django itself answers under /api/ (404, 405, 500 …) the same shape."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if (
            response.status_code < 400
            or not request.path.startswith(API_PREFIX)
            or response.get("Content-Type", "").startswith((CONTENT_TYPE, "application/json"))
        ):
            return response
        status = HTTPStatus(response.status_code)
        problem = problem_response(Problem(status, f"{status.phrase}: {request.path}"))
        # The other headers stay: what the browser is told, which methods there are.
        response.content = problem.content
        response["Content-Type"] = CONTENT_TYPE
        return response


class KnownMethodsMiddleware:
    """Refuses TRACE, and methods that nothing here has, wherever they are tried."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method in METHODS:
            return self.get_response(request)
        return HttpResponseNotAllowed(METHODS)
