"""Log lines without private data, as JSON with the ID of the request."""

import json
import logging
import re
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from ipaddress import IPv6Address
from typing import Any

# No format needs them ("Optimization" in Python's logging HOWTO).
logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
# json.dumps with options would construct an encoder for every line.
_encode = json.JSONEncoder(default=str).encode

request_id: ContextVar[str] = ContextVar("request_id", default="")

HEX = "[0-9a-fA-F]"
UUID = re.compile(rf"(?<!{HEX}){HEX}{{8}}-?(?:{HEX}{{4}}-?){{3}}{HEX}{{12}}(?!{HEX})")
# gunicorn listens on 0.0.0.0.
IPV4 = re.compile(r"\b(?!0\.0\.0\.0)\d{1,3}(?:\.\d{1,3}){3}\b")
IPV6_CANDIDATE = re.compile(rf"(?<![\w:])(?:{HEX}{{0,4}}:){{2,7}}(?:[\d.]+|{HEX}{{0,4}})(?![\w:])")
# gunicorn quotes malformed requests, which can contain anything.
QUOTED_REQUEST = re.compile(r"(Invalid request) from ip=\S*: ([^:\n]*).*", re.DOTALL)
CREDENTIALS = re.compile(r"(cookie|authorization)(['\"]?\s*[:=]).*", re.IGNORECASE)


def without_private_data(text: str) -> str:
    """Replace UUIDs, which authorize deletion, addresses, cookies and malformed requests."""
    text = QUOTED_REQUEST.sub(r"\1: \2", text)
    text = CREDENTIALS.sub(r"\1\2 <private>", text)
    text = UUID.sub("<UUID>", text)
    return IPV6_CANDIDATE.sub(_without_ipv6, IPV4.sub("<address>", text))


def _without_ipv6(match: re.Match[str]) -> str:
    try:
        IPv6Address(match[0])
    except ValueError:
        return match[0]
    return "<address>"


class PrivateLogRecord(logging.LogRecord):
    """A record without private data in message and traceback, for every logger and handler.

    Install it with ``logging.setLogRecordFactory``.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.exc_info:
            lines = traceback.format_exception(*self.exc_info)
            # Formatters prefer this text over exc_info.
            self.exc_text = without_private_data("".join(lines).rstrip())

    def getMessage(self) -> str:  # noqa: N802
        return without_private_data(super().getMessage())


class JsonFormatter(logging.Formatter):
    """One JSON object per line: time, level, logger, message, request ID and more fields.

    Add fields with ``extra={"fields": {…}}``.
    """

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, Any] = {
            "time": time.isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if current_id := request_id.get():
            line["request_id"] = current_id
        line |= getattr(record, "fields", {})
        if record.exc_text:
            line["exception"] = record.exc_text
        return _encode(line)
