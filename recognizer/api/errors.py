"""Error responses: problem details (RFC 9457), or the format of another API."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeAlias

from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse

CONTENT_TYPE = "application/problem+json"
RETRY_AFTER = "1"  # seconds, of every 503
API_PREFIX = "/api/"
ORIGINAL_PATH = "/api/mnist"
INFERENCE_PREFIX = "/v2"


class ApiError(Exception):
    """A rejected request: HTTP status, explanation and extension members."""

    def __init__(self, status: int, detail: str, **members: Any) -> None:
        super().__init__(detail)
        self.status, self.detail, self.members = status, detail, members

    def to_dict(self) -> dict[str, Any]:
        """Return the problem details."""
        return {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": int(self.status),
            "detail": self.detail,
            **self.members,
        }


ErrorFormat: TypeAlias = Callable[[ApiError], HttpResponse]


def problem_response(error: ApiError) -> HttpResponse:
    """Return an error as problem details."""
    return _error_response(error, error.to_dict(), CONTENT_TYPE)


def inference_error_response(error: ApiError) -> HttpResponse:
    """Return an error in the format of the Open Inference Protocol."""
    return _error_response(error, {"error": error.detail}, "application/json")


def original_error_response(error: ApiError) -> HttpResponse:
    """Return an error in the format of the original project."""
    body = {"success": False, "predictions": None, "error": error.detail}
    return _error_response(error, body, "application/json")


def _error_response(error: ApiError, body: dict[str, Any], content_type: str) -> HttpResponse:
    response = JsonResponse(body, status=error.status, content_type=content_type)
    if error.status == HTTPStatus.SERVICE_UNAVAILABLE:
        response["Retry-After"] = RETRY_AFTER
    return response


def is_outage(error: BaseException | None) -> bool:
    """Return whether a database error is no error of the program.

    SQLite's error for a damaged file is a DatabaseError of no narrower class.
    """
    return isinstance(error, OperationalError | InterfaceError) or type(error) is DatabaseError


def error_format(request: HttpRequest) -> ErrorFormat | None:
    """Return the error format of a URL; None for HTML pages."""
    if request.path == ORIGINAL_PATH:
        return original_error_response
    if request.path.startswith(API_PREFIX):
        return problem_response
    return inference_error_response if request.path.startswith(INFERENCE_PREFIX) else None
