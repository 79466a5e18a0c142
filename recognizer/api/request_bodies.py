"""Request bodies: size limits, validation, and the drawings they contain."""

import io
import json
import re
from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus
from typing import Any, TypeVar

from django.conf import settings
from django.core.exceptions import (
    BadRequest,
    RequestDataTooBig,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from PIL import Image
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ml.preprocessing import picture_files
from ml.preprocessing.strokes import Grid, Strokes, grid_from_bytes, round_strokes
from ml.recognition import DrawingInput
from recognizer.api.errors import ApiError
from recognizer.api.schemas import BatchIn, DrawingIn, StrokesIn

MAX_POINTS = 20_000
MAX_SHOWN = 50  # characters of an invalid value
# Brackets and braces of a JSON batch, counted before parsing; each point has one bracket.
MAX_BATCH_LISTS, MAX_BATCH_OBJECTS = 100_000, 4 * settings.MAX_BATCH

JSON, MULTIPART = "application/json", "multipart/form-data"
# The head of a file as browsers and most HTTP libraries write it, without the boundary.
FILE_HEAD = re.compile(
    rb'\r\nContent-Disposition: form-data; name="image"; filename="[^"\\\r\n]+"'
    rb"(\r\nContent-Type: [^\r\n]*)?"
)

S = TypeVar("S", bound=BaseModel)
T = TypeVar("T")


def read_drawing(request: HttpRequest) -> DrawingInput:
    """Return the strokes (JSON) or the picture (multipart field ``image``) of a request.

    Raises ApiError: 400, 411, 413, 415 or 422.
    """
    if request.content_type == JSON:
        return _read_strokes(read_json(request, StrokesIn).strokes)
    if request.content_type == MULTIPART:
        return read_picture(request)
    raise _unsupported_media_type(request)


def read_picture(request: HttpRequest) -> Image.Image:
    """Return the picture in the multipart field ``image``.

    Raises ApiError: 400, 411, 413 or 422.
    """
    return _open_picture(_read_files(request, settings.MAX_PICTURE_BYTES)[-1])


def read_batch(request: HttpRequest) -> Iterator[DrawingInput | Grid | ApiError]:
    """Yield the drawings of a batch lazily, so that one picture at a time is decoded.

    An invalid drawing yields an ApiError. Raises ApiError: 400, 411, 413, 415 or 422.
    """
    if request.content_type == JSON:
        body = read_body(request, settings.MAX_BATCH_BYTES)
        if body.count(b"[") > MAX_BATCH_LISTS or body.count(b"{") > MAX_BATCH_OBJECTS:
            raise _unprocessable(
                f"The batch has too many drawings or points. Send at most {settings.MAX_BATCH}"
                f" drawings with fewer than {MAX_BATCH_LISTS:,} points in total."
            )
        return _read_items(_validate(body, BatchIn).drawings, _read_item)
    if request.content_type == MULTIPART:
        return _read_items(_read_files(request, settings.MAX_BATCH_BYTES), _open_picture)
    raise _unsupported_media_type(request)


def _read_items(
    items: Sequence[T], read: Callable[[T, int], DrawingInput | Grid]
) -> Iterator[DrawingInput | Grid | ApiError]:
    if len(items) > settings.MAX_BATCH:
        raise _unprocessable(
            f"The batch has {len(items)} drawings. Send at most {settings.MAX_BATCH}."
        )
    max_pixels = settings.MAX_BATCH_PIXELS // max(len(items), 1)
    for item in items:
        try:
            yield read(item, max_pixels)
        except ApiError as error:
            yield error


def _read_item(item: Any, max_pixels: int) -> DrawingInput | Grid:
    try:
        drawing = DrawingIn.model_validate(item)
    except ValidationError as error:
        raise _schema_error("The drawing does not match the schema.", error) from error
    if drawing.strokes is not None:
        return _read_strokes(drawing.strokes)
    if drawing.image is not None:
        return _open_picture(drawing.image, max_pixels)
    return grid_from_bytes(drawing.grid or b"")


def _read_files(request: HttpRequest, limit: int) -> list[bytes]:
    """Return the files of the multipart field ``image``, at least one."""
    body = read_body(request, limit)
    # Parse a usual body with one part here: ten times faster than Django.
    boundary = (request.content_params or {}).get("boundary", "")
    delimiter = f"--{boundary}".encode()
    head, _, rest = body.partition(b"\r\n\r\n")
    content, end, after = rest.partition(b"\r\n" + delimiter)
    usual = boundary and head.startswith(delimiter) and FILE_HEAD.fullmatch(head, len(delimiter))
    if usual and end and after in (b"--\r\n", b"--"):
        return [content]
    return _parse_files(request, body)


def _parse_files(request: HttpRequest, body: bytes) -> list[bytes]:
    try:
        # Django itself parses multipart bodies of POST only, not of PUT.
        parser = MultiPartParser(request.META, io.BytesIO(body), request.upload_handlers)
        _, files = parser.parse()
    except (MultiPartParserError, BadRequest) as error:
        raise ApiError(HTTPStatus.BAD_REQUEST, f"Invalid multipart body: {error}") from error
    except (TooManyFilesSent, TooManyFieldsSent) as error:
        raise _unprocessable(
            f"The multipart body has too many parts. Send at most {settings.MAX_BATCH} files"
            " in the field “image”."
        ) from error
    except RequestDataTooBig as error:
        raise ApiError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            "A text field of the multipart body is too large. Send pictures as files.",
        ) from error
    if "image" not in files:
        raise _unprocessable("The multipart body has no file in the field “image”.")
    contents = []
    for file in files.getlist("image"):
        # An open file would keep its content in memory as long as the request.
        with file:
            contents.append(file.read())
    return contents


def _open_picture(content: bytes, max_pixels: int = picture_files.MAX_JPEG_PIXELS) -> Image.Image:
    try:
        return picture_files.open_picture(content, max_pixels)
    except picture_files.PictureTooLarge as error:
        raise ApiError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, str(error)) from error
    except picture_files.PictureError as error:
        raise _unprocessable(str(error)) from error


def _read_strokes(strokes: list[list[list[float]]]) -> Strokes:
    """Return rounded strokes, so that predictions and stored drawings agree."""
    points = sum(map(len, strokes))
    if points > MAX_POINTS:
        raise _unprocessable(f"The drawing has {points:,} points. Send at most {MAX_POINTS:,}.")
    return round_strokes(strokes)


def read_json(request: HttpRequest, schema: type[S]) -> S:
    """Return the validated JSON body. Raises ApiError: 400, 411, 413 or 422."""
    return _validate(read_body(request, settings.MAX_JSON_BYTES), schema)


def read_body(request: HttpRequest, limit: int) -> bytes:
    """Return the body, at most ``limit`` bytes. Raises ApiError: 400, 411 or 413."""
    if "HTTP_TRANSFER_ENCODING" in request.META:
        raise ApiError(
            HTTPStatus.LENGTH_REQUIRED,
            "Transfer-Encoding is not supported. Send a Content-Length header.",
        )
    value = request.META.get("CONTENT_LENGTH") or "0"
    if not value.isdecimal():
        raise ApiError(
            HTTPStatus.BAD_REQUEST, f"Invalid Content-Length: {value!r}. Send a number of bytes."
        )
    if int(value) > limit:
        raise ApiError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"The body has {int(value):,} bytes. Send at most {limit:,}.",
        )
    # request.body would apply Django's single limit for all URLs.
    return request.read()


def _validate(body: bytes, schema: type[S]) -> S:
    try:
        return schema.model_validate_json(body)
    except ValidationError as error:
        raise _schema_error("The body does not match the schema.", error) from error


def _schema_error(detail: str, error: ValidationError) -> ApiError:
    errors = error.errors(include_url=False, include_context=False)[:10]
    return _unprocessable(
        detail, errors=[{"at": list(e["loc"]), "message": error_message(e)} for e in errors]
    )


def error_message(error: ErrorDetails) -> str:
    """Return the message of a schema error with the start of the invalid value, unless nested."""
    value = error["input"]
    if error["type"] == "json_invalid" or not isinstance(value, str | int | float | None):
        return error["msg"]
    shown = json.dumps(value[:MAX_SHOWN] if isinstance(value, str) else value)
    return f"{error['msg']}; got {shown[:MAX_SHOWN]}"


def _unprocessable(detail: str, **members: Any) -> ApiError:
    return ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, detail, **members)


def _unsupported_media_type(request: HttpRequest) -> ApiError:
    return ApiError(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        f"Unsupported Content-Type: {request.content_type!r}. Send JSON as {JSON} or pictures"
        f" as {MULTIPART}.",
    )
