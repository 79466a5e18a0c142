"""The HTTP API, and from the same code its OpenAPI document and browsable page."""

from base64 import b64encode
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.urls import register_converter
from django.urls.converters import UUIDConverter
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from ninja import NinjaAPI, Status
from ninja.errors import ValidationError

from ml.preprocessing.strokes import Grid
from ml.recognition import DigitPrediction, Prediction
from recognizer import drawings
from recognizer.api.errors import CONTENT_TYPE, ApiError, problem_response
from recognizer.api.request_bodies import (
    read_batch,
    read_drawing,
    read_json,
    read_picture,
)
from recognizer.api.schemas import (
    BatchOut,
    DrawingIn,
    LabelBody,
    ModelOut,
    OriginalOut,
    PredictionOut,
    StrokesIn,
)
from recognizer.drawings import Input
from recognizer.models import Drawing, Label, Source
from recognizer.serving import ModelUnavailable, current_classifier
from recognizer.telemetry.middleware import stage


class AnyCase(UUIDConverter):
    """Django takes UUIDs in small letters only; some systems write them in capitals."""

    regex = "(?i:" + UUIDConverter.regex + ")"


register_converter(AnyCase, "any_uuid")

api = NinjaAPI(
    title="Digits",
    version="1",
    description=(
        "Recognizes handwritten digits, from pen strokes or from a picture."
        " Errors are problem details (RFC 9457), except at /api/mnist, whose shape is older."
    ),
)


def _body(*, strokes: bool) -> dict[str, Any]:
    """What the bodies are read from, for the OpenAPI document."""
    picture = {
        "type": "object",
        "required": ["image"],
        "properties": {"image": {"type": "string", "format": "binary"}},
    }
    content: dict[str, Any] = {"multipart/form-data": {"schema": picture}}
    if strokes:
        example = {"strokes": [[[20, 20, 0], [80, 20, 90], [45, 95, 210]]]}
        schema = StrokesIn.model_json_schema()
        content = {"application/json": {"schema": schema, "example": example}, **content}
    return {"requestBody": {"required": True, "content": content}}


def _batch_body() -> dict[str, Any]:
    drawings = {"type": "array", "maxItems": settings.MAX_BATCH}
    batch = {"type": "object", "required": ["drawings"]}
    strokes = {**drawings, "items": DrawingIn.model_json_schema()}
    files = {**drawings, "items": {"type": "string", "format": "binary"}}
    example = {"drawings": [{"strokes": [[[20, 20], [80, 20], [45, 95]]]}]}
    return {
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {**batch, "properties": {"drawings": strokes}},
                    "example": example,
                },
                "multipart/form-data": {
                    "schema": {**batch, "required": ["image"], "properties": {"image": files}}
                },
            },
        }
    }


def _problems(*codes: int) -> dict[int, dict[str, Any]]:
    schema = {"$ref": "#/components/schemas/ProblemDetails"}
    return {
        code: {
            "description": HTTPStatus(code).phrase,
            "content": {CONTENT_TYPE: {"schema": schema}},
        }
        for code in sorted({*codes, HTTPStatus.TOO_MANY_REQUESTS})
    }


DRAWING_BODY = {**_body(strokes=True), "responses": _problems(400, 411, 413, 415, 422, 503)}


def _answer(reading: Prediction, *, images: bool) -> dict[str, Any]:
    """A reading as PredictionOut describes it, which need not be checked again for each request."""
    digits = [_digit(digit) for digit in reading.digits]
    if images:
        for answer, digit in zip(digits, reading.digits, strict=True):
            answer["image"] = b64encode(digit.grid.tobytes()).decode()
    return {"text": reading.text, "digits": digits, "model": reading.model}


def _digit(digit: DigitPrediction) -> dict[str, Any]:
    return {
        "digit": digit.digit,
        "verdict": digit.verdict,
        "confidence": round(digit.confidence, 4),
        "probabilities": [round(p, 4) for p in digit.probabilities],
        "box": [digit.box.x, digit.box.y, digit.box.width, digit.box.height],
    }


@api.post(
    "/v1/predict",
    response=PredictionOut,
    openapi_extra=DRAWING_BODY,
    tags=["v1"],
)
def predict(request: HttpRequest, *, images: bool = False) -> HttpResponse:
    """Recognize a drawing and keep nothing."""
    with stage("body"):
        drawn = read_drawing(request)
    with stage("predict"):
        reading = drawings.predict(drawn)
    return JsonResponse(_answer(reading, images=images))


@api.post(
    "/v1/predict/batch",
    response=BatchOut,
    openapi_extra={
        **_batch_body(),
        "responses": _problems(400, 411, 413, 415, 422, 503),
    },
    tags=["v1"],
)
def predict_batch(request: HttpRequest, *, images: bool = False) -> HttpResponse:
    """Recognize up to 256 drawings at once and keep nothing.

    A drawing that cannot be read has a problem in the place of its answer, and spoils no other.
    """
    errors: dict[int, ApiError] = {}

    def valid(items: Iterable[Input | Grid | ApiError]) -> Iterator[Input | Grid]:
        for position, item in enumerate(items):
            if isinstance(item, ApiError):
                errors[position] = item
            else:
                yield item

    with stage("body"):
        batch = read_batch(request)
    with stage("predict"):
        predictions = iter(drawings.predict_batch(valid(batch)))
    answers: list[dict[str, Any]] = [_answer(one, images=images) for one in predictions]
    for position in sorted(errors):
        answers.insert(position, errors[position].to_dict())
    return JsonResponse({"answers": answers})


@api.put(
    "/v1/drawings/{any_uuid:id}",
    response={200: PredictionOut, 201: PredictionOut},
    openapi_extra={
        **DRAWING_BODY,
        "responses": _problems(400, 404, 409, 411, 413, 415, 422, 503),
    },
    tags=["v1"],
)
def keep(request: HttpRequest, id: UUID, *, images: bool = False) -> HttpResponse:
    """Recognize a drawing and keep it under a UUID of your choice.

    The same drawing may be sent again: nothing is doubled and the answer is the same. Other ink
    under the same UUID replaces what was kept, until a reviewer has labeled it (409). A drawing
    without ink is taken back.
    """
    source = Source.PAGE if _is_our_page(request) else Source.API
    with stage("body"):
        drawn = read_drawing(request)
    try:
        with stage("save"):
            reading, created = drawings.save(id, drawn, source)
    except drawings.AlreadyReviewed:
        raise ApiError(
            HTTPStatus.CONFLICT, "A reviewer has labeled this drawing; use another UUID."
        ) from None
    status = HTTPStatus.CREATED if created else HTTPStatus.OK
    return JsonResponse(_answer(reading, images=images), status=status)


@api.delete(
    "/v1/drawings/{any_uuid:id}",
    response={204: None},
    openapi_extra={"responses": _problems(404, 503)},
    tags=["v1"],
)
def forget(request: HttpRequest, id: UUID) -> Status[None]:
    """Forget a drawing, reviewed or not. Whoever knows its UUID may; again changes nothing."""
    drawings.delete_by_id(id)
    return Status(HTTPStatus.NO_CONTENT, None)


@api.put(
    "/v1/drawings/{any_uuid:id}/label",
    response=LabelBody,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": LabelBody.model_json_schema()}},
        },
        "responses": _problems(400, 404, 411, 413, 422, 503),
    },
    tags=["v1"],
)
def label(request: HttpRequest, id: UUID) -> LabelBody:
    """Say what a kept drawing really is."""
    body = read_json(request, LabelBody)
    drawings.label_as_visitor(id, body.text or Label.NOT_A_DIGIT)
    return body


@api.delete(
    "/v1/drawings/{any_uuid:id}/label",
    response={204: None},
    openapi_extra={"responses": _problems(404, 503)},
    tags=["v1"],
)
def unlabel(request: HttpRequest, id: UUID) -> Status[None]:
    """Take back what was said of a kept drawing."""
    drawings.label_as_visitor(id, "")
    return Status(HTTPStatus.NO_CONTENT, None)


@api.get(
    "/v1/model",
    response=ModelOut,
    openapi_extra={"responses": _problems(503)},
    tags=["v1"],
)
def model(request: HttpRequest) -> dict[str, Any]:
    """The model that answers now."""
    serving = current_classifier()
    return {
        "version": serving.version,
        "sha256": serving.sha256,
        "metrics": serving.facts.get("metrics", {}),
        "training": serving.facts.get("training", {}),
        "thresholds": serving.thresholds,
        "input": "uint8[N, 28, 28], 0 is paper and 255 is ink",
    }


@api.get(
    "/v1/model.onnx",
    openapi_extra={
        "responses": {
            200: {
                "description": "An ONNX file; its metadata describes it.",
                "content": {
                    "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
                },
            },
            304: {"description": "It is still the one of your If-None-Match."},
            **_problems(503),
        }
    },
    tags=["v1"],
)
def model_file(request: HttpRequest) -> HttpResponseBase | None:
    """The very file that answers now."""
    serving = current_classifier()
    etag = quote_etag(serving.sha256)
    headers = {
        "ETag": etag,
        "Cache-Control": "no-cache",
        "Content-Disposition": f'attachment; filename="lenet-{serving.version}.onnx"',
    }
    file = HttpResponse(serving.content, "application/octet-stream", headers=headers)
    return get_conditional_response(request, etag=etag, response=file)


@api.post(
    "/mnist",
    response=dict.fromkeys((200, 400, 413, 503), OriginalOut),
    openapi_extra={**_body(strokes=False), "responses": _problems()},
    tags=["original"],
    exclude_none=False,
)
def mnist(request: HttpRequest) -> HttpResponse:
    """Recognize a picture, as programs written for the original server expect it."""
    try:
        if request.content_type != "multipart/form-data":
            raise ApiError(HTTPStatus.BAD_REQUEST, "Send a picture in the multipart field “image”.")
        reading = drawings.predict(read_picture(request))
        if not reading.digits:
            raise ApiError(HTTPStatus.BAD_REQUEST, "Nothing is drawn in the picture.")
    except ApiError as problem:
        too_large = problem.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        return _original_error(problem.detail, problem.status if too_large else 400)
    except ModelUnavailable as error:
        return _original_error(str(error), HTTPStatus.SERVICE_UNAVAILABLE)
    names = current_classifier().labels
    probabilities = reading.digits[0].probabilities
    every: list[dict[str, Any]] = [
        {"class_name": name, "label": label, "probability": probability}
        for label, (name, probability) in enumerate(zip(names, probabilities, strict=True))
    ]
    best = max(every, key=lambda one: one["probability"])
    return JsonResponse({"success": True, "predictions": {"all": every, "prediction": best}})


def _original_error(error: str, status: int) -> HttpResponse:
    return JsonResponse({"success": False, "predictions": None, "error": error}, status=status)


def _is_our_page(request: HttpRequest) -> bool:
    """Browsers say so themselves, and scripts of other sites cannot set this header."""
    return request.headers.get("Sec-Fetch-Site") == "same-origin"


@api.exception_handler(ApiError)
def _on_problem(request: HttpRequest, problem: ApiError) -> HttpResponse:
    return problem_response(problem)


@api.exception_handler(Drawing.DoesNotExist)
def _on_no_drawing(request: HttpRequest, error: Drawing.DoesNotExist) -> HttpResponse:
    return problem_response(ApiError(HTTPStatus.NOT_FOUND, "No drawing is kept under this UUID."))


@api.exception_handler(ValidationError)
def _on_invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    return problem_response(
        ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "The request is invalid.", errors=error.errors)
    )


@api.exception_handler(ModelUnavailable)
def _on_no_model(request: HttpRequest, error: ModelUnavailable) -> HttpResponse:
    return problem_response(
        ApiError(HTTPStatus.SERVICE_UNAVAILABLE, f"No model can answer: {error}.")
    )


@api.exception_handler(OperationalError)
@api.exception_handler(InterfaceError)
def _on_no_database(request: HttpRequest, error: Exception) -> HttpResponse:
    return problem_response(
        ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "The database cannot be used; nothing was kept.")
    )
