"""Log lines that programs read, and the id by which those of one request are found."""

import json
import logging
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

# json.dumps would make an encoder for each line.
_encode = json.JSONEncoder(default=str).encode

request_id: ContextVar[str] = ContextVar("request_id", default="")


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, message, the request's id and further facts.

    Facts come as ``extra={"facts": {…}}``.
    """

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, Any] = {
            "time": time.isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if asked := request_id.get():
            line["request_id"] = asked
        line |= getattr(record, "facts", {})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _encode(line)
