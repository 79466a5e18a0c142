"""One shape for every error of the API: problem details (RFC 9457).

The original project's address and the Open Inference Protocol have shapes of their own.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

CONTENT_TYPE = "application/problem+json"
SHAPED = (CONTENT_TYPE, "application/json")
API_PREFIX = "/api/"
INFERENCE_PREFIX = "/v2"
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS")


class ApiError(Exception):
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


def problem_response(problem: ApiError) -> HttpResponse:
    response = JsonResponse(problem.to_dict(), status=problem.status, content_type=CONTENT_TYPE)
    return _come_again(response)


def inference_error(problem: ApiError) -> HttpResponse:
    """An error as the Open Inference Protocol has them."""
    return _come_again(JsonResponse({"error": problem.detail}, status=problem.status))


def _come_again(response: HttpResponse) -> HttpResponse:
    if response.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
        response["Retry-After"] = "2"
    return response


def shape_at(request: HttpRequest) -> Callable[[ApiError], HttpResponse] | None:
    """How errors are said at an address; None where pages are."""
    if request.path.startswith(API_PREFIX):
        return problem_response
    return inference_error if request.path.startswith(INFERENCE_PREFIX) else None
