"""JSON log lines with the ID of the request."""

import json
import logging
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

# No format needs them ("Optimization" in Python's logging HOWTO).
logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
# json.dumps with options would construct an encoder for every line.
_encode = json.JSONEncoder(default=str).encode

request_id: ContextVar[str] = ContextVar("request_id", default="")


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
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _encode(line)
