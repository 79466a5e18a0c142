"""The HTTP API, and from the same code its OpenAPI document and browsable page."""

from base64 import b64encode
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.urls import register_converter
from django.urls.converters import UUIDConverter
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from ninja import NinjaAPI, Schema, Status
from ninja.errors import ValidationError
from pydantic import Field

from ml import classifier as ml
from recognizer import classifier, services
from recognizer.bodies import (
    DrawingIn,
    StrokesIn,
    read_batch,
    read_drawing,
    read_json,
    read_picture,
)
from recognizer.models import MAX_TEXT, Drawing, Label, Source
from recognizer.observe import stage
from recognizer.problems import CONTENT_TYPE, Problem, problem_response


class AnyCase(UUIDConverter):
    """Django takes UUIDs in small letters only; some systems write them in capitals."""

    regex = "(?i:" + UUIDConverter.regex + ")"


register_converter(AnyCase, "any_uuid")

api = NinjaAPI(
    title="Digits",
    version="1",
    description=(
        "Recognises handwritten digits, from pen strokes or from a picture."
        " Errors are problem details (RFC 9457), except at /api/mnist, whose shape is older."
    ),
)


class DigitOut(Schema):
    digit: int | None = Field(description="The digit; null where the verdict is “not a digit”.")
    verdict: ml.Verdict
    confidence: float = Field(description="The largest of the probabilities.")
    probabilities: list[float] = Field(description="Of 0 to 9, calibrated.")
    box: tuple[float, float, float, float] = Field(
        description="The ink's x, y, width and height, in pixels of what was sent, turned upright."
    )
    image: str | None = Field(
        None, description="What the net saw, if asked for: 28x28 bytes in Base64; 255 is ink."
    )


class ReadingOut(Schema):
    text: str = Field(description="The digits from left to right; “?” where there is none.")
    digits: list[DigitOut]
    model: str = Field(description="The version of the model that answered.")


class LabelBody(Schema):
    text: Annotated[str, Field(pattern=r"^[0-9]+$", max_length=MAX_TEXT)] | None = Field(
        description="What the drawing is; null: not a digit."
    )


class ModelOut(Schema):
    version: str
    sha256: str
    metrics: dict[str, Any]
    training: dict[str, Any]
    thresholds: dict[str, float]
    input: str


class ProblemOut(Schema):
    type: str
    title: str
    status: int
    detail: str


class BatchOut(Schema):
    answers: list[ReadingOut | ProblemOut] = Field(
        description="One a drawing, in their order; a problem for what could not be read."
    )


class OriginalPrediction(Schema):
    class_name: str
    label: int
    probability: float


class OriginalPredictions(Schema):
    all: list[OriginalPrediction]
    prediction: OriginalPrediction


class OriginalOut(Schema):
    success: bool
    predictions: OriginalPredictions | None
    error: str | None = None


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
    schema = {"$ref": "#/components/schemas/ProblemOut"}
    return {
        code: {
            "description": HTTPStatus(code).phrase,
            "content": {CONTENT_TYPE: {"schema": schema}},
        }
        for code in sorted({*codes, HTTPStatus.TOO_MANY_REQUESTS})
    }


DRAWING_BODY = {**_body(strokes=True), "responses": _problems(400, 411, 413, 415, 422, 503)}


def _answer(reading: ml.Reading, *, images: bool) -> dict[str, Any]:
    """A reading as ReadingOut describes it, which need not be checked again for each request."""
    digits = [_digit(digit) for digit in reading.digits]
    if images:
        for answer, digit in zip(digits, reading.digits, strict=True):
            answer["image"] = b64encode(digit.image.tobytes()).decode()
    return {"text": reading.text, "digits": digits, "model": reading.model}


def _digit(digit: ml.Digit) -> dict[str, Any]:
    return {
        "digit": digit.digit,
        "verdict": digit.verdict,
        "confidence": round(digit.confidence, 4),
        "probabilities": [round(p, 4) for p in digit.probabilities],
        "box": [digit.box.x, digit.box.y, digit.box.width, digit.box.height],
    }


@api.post(
    "/v1/predict",
    response=ReadingOut,
    openapi_extra=DRAWING_BODY,
    tags=["v1"],
)
def predict(request: HttpRequest, *, images: bool = False) -> HttpResponse:
    """Recognise a drawing and keep nothing."""
    with stage("body"):
        drawn = read_drawing(request)
    with stage("read"):
        reading = services.read(drawn)
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
    """Recognise up to 256 drawings at once and keep nothing.

    A drawing that cannot be read has a problem in the place of its answer, and spoils no other.
    """
    with stage("body"):
        batch = read_batch(request)
    with stage("read"):
        readings = services.read_batch(batch)
    answers = [
        one.to_dict() if isinstance(one, Problem) else _answer(one, images=images)
        for one in readings
    ]
    return JsonResponse({"answers": answers})


@api.put(
    "/v1/drawings/{any_uuid:id}",
    response={200: ReadingOut, 201: ReadingOut},
    openapi_extra={
        **DRAWING_BODY,
        "responses": _problems(400, 404, 409, 411, 413, 415, 422, 503),
    },
    tags=["v1"],
)
def keep(request: HttpRequest, id: UUID, *, images: bool = False) -> HttpResponse:
    """Recognise a drawing and keep it under a UUID of your choice.

    The same drawing may be sent again: nothing is doubled and the answer is the same. Other ink
    under the same UUID replaces what was kept, until a reviewer has labelled it (409). A drawing
    without ink is taken back.
    """
    source = Source.PAGE if _is_our_page(request) else Source.API
    with stage("body"):
        drawn = read_drawing(request)
    try:
        with stage("keep"):
            reading, created = services.keep(id, drawn, source)
    except services.AlreadyReviewed:
        raise Problem(
            HTTPStatus.CONFLICT, "A reviewer has labelled this drawing; use another UUID."
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
    services.forget(id)
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
    services.label_as_visitor(id, body.text or Label.NOT_A_DIGIT)
    return body


@api.delete(
    "/v1/drawings/{any_uuid:id}/label",
    response={204: None},
    openapi_extra={"responses": _problems(404, 503)},
    tags=["v1"],
)
def unlabel(request: HttpRequest, id: UUID) -> Status[None]:
    """Take back what was said of a kept drawing."""
    services.label_as_visitor(id, "")
    return Status(HTTPStatus.NO_CONTENT, None)


@api.get(
    "/v1/model",
    response=ModelOut,
    openapi_extra={"responses": _problems(503)},
    tags=["v1"],
)
def model(request: HttpRequest) -> dict[str, Any]:
    """The model that answers now."""
    serving = classifier.current()
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
    serving = classifier.current()
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
    """Recognise a picture, as programs written for the original server expect it."""
    try:
        if request.content_type != "multipart/form-data":
            raise Problem(HTTPStatus.BAD_REQUEST, "Send a picture in the multipart field “image”.")
        reading = services.read(read_picture(request))
        if not reading.digits:
            raise Problem(HTTPStatus.BAD_REQUEST, "Nothing is drawn in the picture.")
    except Problem as problem:
        too_large = problem.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        return _original_error(problem.detail, problem.status if too_large else 400)
    except classifier.ModelUnavailable as error:
        return _original_error(str(error), HTTPStatus.SERVICE_UNAVAILABLE)
    names = classifier.current().labels
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


@api.exception_handler(Problem)
def _on_problem(request: HttpRequest, problem: Problem) -> HttpResponse:
    return problem_response(problem)


@api.exception_handler(Drawing.DoesNotExist)
def _on_no_drawing(request: HttpRequest, error: Drawing.DoesNotExist) -> HttpResponse:
    return problem_response(Problem(HTTPStatus.NOT_FOUND, "No drawing is kept under this UUID."))


@api.exception_handler(ValidationError)
def _on_invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    return problem_response(
        Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "The request is invalid.", errors=error.errors)
    )


@api.exception_handler(classifier.ModelUnavailable)
def _on_no_model(request: HttpRequest, error: classifier.ModelUnavailable) -> HttpResponse:
    return problem_response(
        Problem(HTTPStatus.SERVICE_UNAVAILABLE, f"No model can answer: {error}.")
    )


@api.exception_handler(OperationalError)
@api.exception_handler(InterfaceError)
def _on_no_database(request: HttpRequest, error: Exception) -> HttpResponse:
    return problem_response(
        Problem(HTTPStatus.SERVICE_UNAVAILABLE, "The database cannot be used; nothing was kept.")
    )
