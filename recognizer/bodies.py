"""Request bodies: how large they may be, and the drawing they hold."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, TypeVar

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from PIL import Image
from pydantic import BaseModel, Field, ValidationError

from ml import image
from recognizer.problems import Problem
from recognizer.services import Input

MAX_POINTS = 20_000

# Finite, and small enough that no sum or square of them overflows.
Number = Annotated[float, Field(ge=-1e15, le=1e15, strict=True)]
Point = Annotated[list[Number], Field(min_length=2, max_length=3)]


S = TypeVar("S", bound=BaseModel)


class StrokesIn(BaseModel):
    """Pen strokes: points [x, y] or [x, y, t], in pixels (y downwards) and milliseconds."""

    strokes: list[list[Point]]


def read_drawing(request: HttpRequest) -> Input:
    """The strokes (JSON) or the picture (multipart field ``image``) of a request.

    Raises Problem: 400, 411, 413, 415 or 422.
    """
    if request.content_type == "application/json":
        return _read_strokes(request)
    if request.content_type == "multipart/form-data":
        return read_picture(request)
    raise Problem(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "Send strokes as application/json, or a picture as multipart/form-data.",
    )


def read_picture(request: HttpRequest) -> Image.Image:
    """The picture in the multipart field ``image``. Raises Problem: 400, 411, 413 or 422."""
    check_length(request, settings.MAX_PICTURE_BYTES)
    try:
        # Django itself parses the bodies of POST alone.
        parser = MultiPartParser(request.META, request, request.upload_handlers)
        _, files = parser.parse()
    except (MultiPartParserError, BadRequest) as error:
        raise Problem(HTTPStatus.BAD_REQUEST, f"The multipart body is broken: {error}") from error
    upload = files.get("image")
    if upload is None:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "There is no file in the field “image”.")
    try:
        return image.open_picture(upload.read())
    except image.PictureTooLarge as error:
        raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, str(error)) from error
    except image.PictureError as error:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from error


def _read_strokes(request: HttpRequest) -> Sequence[Sequence[Sequence[float]]]:
    body = read_json(request, StrokesIn)
    points = sum(map(len, body.strokes))
    if points > MAX_POINTS:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            f"The drawing has {points} points; at most {MAX_POINTS} are read.",
        )
    return body.strokes


def read_json(request: HttpRequest, schema: type[S]) -> S:
    """The body checked against a schema. Raises Problem: 411, 413 or 422."""
    check_length(request, settings.MAX_JSON_BYTES)
    try:
        return schema.model_validate_json(request.body)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_context=False, include_input=False)
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "The body does not fit the schema.",
            errors=[{"at": list(e["loc"]), "message": e["msg"]} for e in errors[:10]],
        ) from error


def check_length(request: HttpRequest, limit: int) -> None:
    """Refuse a body that is longer than the limit or does not say how long it is."""
    if "Transfer-Encoding" in request.headers:
        raise Problem(HTTPStatus.LENGTH_REQUIRED, "Send a Content-Length.")
    stated = request.headers.get("Content-Length") or "0"
    if not stated.isdecimal():
        raise Problem(HTTPStatus.BAD_REQUEST, "The Content-Length is no number.")
    length = int(stated)
    if length <= limit:
        return
    raise Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"The body has {length:,} bytes; at most {limit:,} are read.",
    )
