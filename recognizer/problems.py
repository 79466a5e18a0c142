"""One shape for every error of the API: problem details (RFC 9457).

The original project's address and the Open Inference Protocol have shapes of their own.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse

CONTENT_TYPE = "application/problem+json"
SHAPED = (CONTENT_TYPE, "application/json")
API_PREFIX = "/api/"
INFERENCE_PREFIX = "/v2"
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS")


class Problem(Exception):
    """A request that cannot be answered: HTTP status, what is wrong, and more members."""

    def __init__(self, status: int, detail: str, **members: Any) -> None:
        super().__init__(detail)
        self.status, self.detail, self.members = status, detail, members

    def to_dict(self) -> dict[str, Any]:
        """Its problem details."""
        return {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            **self.members,
        }


def problem_response(problem: Problem) -> HttpResponse:
    response = JsonResponse(problem.to_dict(), status=problem.status, content_type=CONTENT_TYPE)
    return _come_again(response)


def inference_error(problem: Problem) -> HttpResponse:
    """An error as the Open Inference Protocol has them."""
    return _come_again(JsonResponse({"error": problem.detail}, status=problem.status))


def _come_again(response: HttpResponse) -> HttpResponse:
    if response.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
        response["Retry-After"] = "2"
    return response


class ProblemMiddleware:
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
        problem = shape(Problem(status, f"{status.phrase}: {request.path}"))
        # The other headers stay: what the browser is told, which methods there are.
        response.content = problem.content
        response["Content-Type"] = problem["Content-Type"]
        # Of what stood there before: a client would read on, or take the rest for the next answer.
        response["Content-Length"] = str(len(problem.content))
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        shape = shape_at(request)
        return shape(error) if shape and isinstance(error, Problem) else None


def shape_at(request: HttpRequest) -> Callable[[Problem], HttpResponse] | None:
    """How errors are said at an address; None where pages are."""
    if request.path.startswith(API_PREFIX):
        return problem_response
    return inference_error if request.path.startswith(INFERENCE_PREFIX) else None


class KnownMethodsMiddleware:
    """Refuses TRACE, and methods that nothing here has, wherever they are tried."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method in METHODS:
            return self.get_response(request)
        return HttpResponseNotAllowed(METHODS)
