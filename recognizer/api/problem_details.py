"""Problem details (RFC 9457), without Django: load shedding uses them before Django is set up."""

from http import HTTPStatus
from typing import Any

CONTENT_TYPE = "application/problem+json"
RETRY_AFTER = "1"  # seconds, of every 503


def problem_details(status: int, detail: str, **members: Any) -> dict[str, Any]:
    """Return the problem details of an HTTP status, with extension members."""
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "detail": detail,
        **members,
    }
