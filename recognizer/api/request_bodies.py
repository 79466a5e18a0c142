"""Request bodies: how large they may be, and the drawing they hold."""

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
from pydantic import (
    BaseModel,
    ValidationError,
)

from ml.preprocessing import pictures
from ml.preprocessing.strokes import Grid, Strokes, grid_from_bytes
from recognizer.api.errors import ApiError
from recognizer.api.schemas import BatchIn, DrawingIn, StrokesIn
from recognizer.drawings import Input

# Of a drawing, and of all drawings in a batch.
MAX_POINTS, MAX_BATCH_POINTS = 20_000, 100_000
# Braces in a batch: known before they are in memory, as points are by their brackets.
MAX_OBJECTS = 4 * settings.MAX_BATCH

S = TypeVar("S", bound=BaseModel)
T = TypeVar("T")


def read_drawing(request: HttpRequest) -> Input:
    """The strokes (JSON) or the picture (multipart field ``image``) of a request.

    Raises Problem: 400, 411, 413, 415 or 422.
    """
    if request.content_type == "application/json":
        return _few_enough(read_json(request, StrokesIn).strokes)
    if request.content_type == "multipart/form-data":
        return read_picture(request)
    raise ApiError(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "Send strokes as application/json, or a picture as multipart/form-data.",
    )


def read_picture(request: HttpRequest) -> Image.Image:
    """The picture in the multipart field ``image``. Raises Problem: 400, 411, 413 or 422."""
    return _open_picture(_read_files(request, settings.MAX_PICTURE_BYTES)[-1])


def read_batch(request: HttpRequest) -> Iterator[Input | Grid | ApiError]:
    """The drawings of a batch one by one, each read when it is asked for.

    What cannot be read is a Problem in its place. Raises Problem: 400, 411, 413, 415 or 422.
    """
    if request.content_type == "application/json":
        body = read_body(request, settings.MAX_BATCH_BYTES)
        # Each point begins with a bracket, so too many are known before they are in memory.
        if body.count(b"[") > MAX_BATCH_POINTS or body.count(b"{") > MAX_OBJECTS:
            raise ApiError(
                HTTPStatus.UNPROCESSABLE_ENTITY, "There are too many drawings, or points in them."
            )
        return _read_items(_fitting(body, BatchIn).drawings, _read_item)
    if request.content_type == "multipart/form-data":
        files = _read_files(request, settings.MAX_BATCH_BYTES)
        return _read_items(files, _open_picture)
    raise ApiError(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "Send drawings as application/json, or pictures as multipart/form-data.",
    )


def _read_items(
    items: Sequence[T], read: Callable[[T, int], Input | Grid]
) -> Iterator[Input | Grid | ApiError]:
    if len(items) > settings.MAX_BATCH:
        raise ApiError(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            f"There are {len(items)} drawings; at most {settings.MAX_BATCH} are read.",
        )
    most = settings.MAX_BATCH_PIXELS // max(len(items), 1)
    for item in items:
        try:
            yield read(item, most)
        except ApiError as problem:
            yield problem


def _read_item(item: Any, most: int) -> Input | Grid:
    try:
        drawing = DrawingIn.model_validate(item)
    except ValidationError as error:
        raise _unfit("The drawing does not fit the schema.", error) from error
    if drawing.strokes is not None:
        return _few_enough(drawing.strokes)
    if drawing.image is not None:
        return _open_picture(drawing.image, most)
    return grid_from_bytes(drawing.grid or b"")


def _read_files(request: HttpRequest, limit: int) -> list[bytes]:
    """The files of the multipart field ``image``, at least one."""
    check_length(request, limit)
    try:
        # Django itself parses the bodies of POST alone.
        parser = MultiPartParser(request.META, request, request.upload_handlers)
        _, files = parser.parse()
    except (MultiPartParserError, BadRequest) as error:
        raise ApiError(HTTPStatus.BAD_REQUEST, f"The multipart body is broken: {error}") from error
    except (TooManyFilesSent, TooManyFieldsSent) as error:
        raise ApiError(
            HTTPStatus.UNPROCESSABLE_ENTITY, "There are too many files or fields."
        ) from error
    except RequestDataTooBig as error:
        raise ApiError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            "A field that is no file is too large; send the picture as a file.",
        ) from error
    if "image" not in files:
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "There is no file in the field “image”.")
    contents = []
    for file in files.getlist("image"):
        # Closed, it is not held a second time for as long as the request is.
        with file:
            contents.append(file.read())
    return contents


def _open_picture(content: bytes, most: int = pictures.MAX_JPEG_PIXELS) -> Image.Image:
    try:
        return pictures.open_picture(content, most)
    except pictures.PictureTooLarge as error:
        raise ApiError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, str(error)) from error
    except pictures.PictureError as error:
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from error


def _few_enough(strokes: list[list[list[float]]]) -> Strokes:
    points = sum(map(len, strokes))
    if points > MAX_POINTS:
        raise ApiError(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            f"The drawing has {points} points; at most {MAX_POINTS} are read.",
        )
    return strokes


def read_json(request: HttpRequest, schema: type[S]) -> S:
    """The body checked against a schema. Raises Problem: 411, 413 or 422."""
    return _fitting(read_body(request, settings.MAX_JSON_BYTES), schema)


def read_body(request: HttpRequest, limit: int) -> bytes:
    """The body, of at most so many bytes. Raises Problem: 411 or 413."""
    check_length(request, limit)
    # Not request.body, for Django has one limit for all addresses.
    return request.read()


def _fitting(body: bytes, schema: type[S]) -> S:
    try:
        return schema.model_validate_json(body)
    except ValidationError as error:
        raise _unfit("The body does not fit the schema.", error) from error


def _unfit(detail: str, error: ValidationError) -> ApiError:
    errors = error.errors(include_url=False, include_context=False, include_input=False)
    return ApiError(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        detail,
        errors=[{"at": list(e["loc"]), "message": e["msg"]} for e in errors[:10]],
    )


def check_length(request: HttpRequest, limit: int) -> None:
    """Refuse a body that is longer than the limit or does not say how long it is."""
    if "HTTP_TRANSFER_ENCODING" in request.META:
        raise ApiError(HTTPStatus.LENGTH_REQUIRED, "Send a Content-Length.")
    stated = request.META.get("CONTENT_LENGTH") or "0"
    if not stated.isdecimal():
        raise ApiError(HTTPStatus.BAD_REQUEST, "The Content-Length is no number.")
    length = int(stated)
    if length <= limit:
        return
    raise ApiError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"The body has {length:,} bytes; at most {limit:,} are read.",
    )
