"""The HTTP API; its OpenAPI document and docs page are generated from this code."""

from base64 import b64encode
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import register_converter
from django.urls.converters import UUIDConverter
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from ninja import NinjaAPI, Router, Status
from ninja.errors import ValidationError
from pydantic_core import to_json

from ml.preprocessing.picture_files import MAX_JPEG_PIXELS, MAX_PIXELS
from ml.preprocessing.strokes import Grid
from ml.recognition import DrawingInput, Prediction
from recognizer import drawings
from recognizer.api.errors import (
    ApiError,
    is_outage,
    original_error_response,
    problem_response,
)
from recognizer.api.request_bodies import (
    MAX_SHOWN,
    read_batch,
    read_drawing,
    read_json,
    read_picture,
)
from recognizer.api.schemas import (
    BATCH_BODY,
    DRAWING_BODY,
    LABEL_BODY,
    MODEL_FILE_PARAMETERS,
    MODEL_FILE_RESPONSES,
    PICTURE_BODY,
    BatchOut,
    LabelBody,
    ModelOut,
    OriginalOut,
    PredictionOut,
    operation,
)
from recognizer.models import Drawing, Label, Source
from recognizer.serving import ModelUnavailable, current_classifier
from recognizer.telemetry.middleware import stage


class CaseInsensitiveUUIDConverter(UUIDConverter):
    """Django's converter rejects uppercase UUIDs, which some systems write."""

    regex = "(?i:" + UUIDConverter.regex + ")"


register_converter(CaseInsensitiveUUIDConverter, "any_uuid")

api = NinjaAPI(
    title="Digits",
    version="1",
    description=(
        "Recognizes handwritten digits from pen strokes or pictures. A picture may have"
        f" {settings.MAX_PICTURE_BYTES:,} bytes and {MAX_JPEG_PIXELS:,} pixels as JPEG or"
        f" {MAX_PIXELS:,} in another format; all pictures of a batch {settings.MAX_BATCH_BYTES:,}"
        f" bytes, and each its share of {settings.MAX_BATCH_PIXELS:,} pixels."
        " Errors are problem details (RFC 9457), except at /api/mnist, which has an older format."
    ),
)
v1 = Router(tags=["v1"])


@v1.post(
    "/predict",
    response=PredictionOut,
    openapi_extra=operation(400, 411, 413, 415, 422, 503, body=DRAWING_BODY),
)
def predict(request: HttpRequest, *, images: bool = False) -> HttpResponse:
    """Recognize a drawing without saving it."""
    with stage("body"):
        drawing = read_drawing(request)
    with stage("predict"):
        prediction = drawings.predict(drawing)
    return _json_response(_prediction_out(prediction, images=images))


@v1.post(
    "/predict/batch",
    response=BatchOut,
    openapi_extra=operation(400, 411, 413, 415, 422, 503, body=BATCH_BODY),
)
def predict_batch(request: HttpRequest, *, images: bool = False) -> HttpResponse:
    """Recognize up to 256 drawings without saving them.

    An invalid drawing gets problem details in place of its prediction; the others are recognized.
    """
    errors: dict[int, ApiError] = {}

    def valid(items: Iterable[DrawingInput | Grid | ApiError]) -> Iterator[DrawingInput | Grid]:
        for position, item in enumerate(items):
            if isinstance(item, ApiError):
                errors[position] = item
            else:
                yield item

    with stage("body"):
        batch = read_batch(request)
    with stage("predict"):
        predictions = drawings.predict_batch(valid(batch))
    answers = [_prediction_out(prediction, images=images) for prediction in predictions]
    for position, error in errors.items():
        answers.insert(position, error.to_dict())
    return _json_response({"answers": answers})


@v1.put(
    "/drawings/{any_uuid:id}",
    response={200: PredictionOut, 201: PredictionOut},
    openapi_extra=operation(400, 404, 409, 411, 413, 415, 422, 503, body=DRAWING_BODY),
)
def save(request: HttpRequest, id: UUID, *, images: bool = False) -> HttpResponse:
    """Recognize a drawing and save it under a UUID chosen by the client.

    Idempotent: repeating a request saves the drawing once and returns the same prediction. A
    different drawing under the same UUID replaces the saved one; a blank drawing deletes it. Both
    fail with 409 after a reviewer has labeled the drawing.
    """
    # Scripts of other sites cannot forge these headers. Browsers omit the first over plain HTTP.
    origin = f"{request.scheme}://{request.get_host()}"
    same_origin = (
        request.headers.get("Sec-Fetch-Site") == "same-origin"
        or request.headers.get("Origin") == origin
    )
    with stage("body"):
        drawing = read_drawing(request)
    try:
        with stage("save"):
            prediction, created = drawings.save(
                id, drawing, Source.PAGE if same_origin else Source.API
            )
    except drawings.AlreadyReviewed:
        raise ApiError(
            HTTPStatus.CONFLICT, f"Drawing {id} has a reviewer label. Use another UUID."
        ) from None
    status = HTTPStatus.CREATED if created else HTTPStatus.OK
    return _json_response(_prediction_out(prediction, images=images), status=status)


@v1.delete("/drawings/{any_uuid:id}", response={204: None}, openapi_extra=operation(404, 503))
def delete(request: HttpRequest, id: UUID) -> Status[None]:
    """Delete a drawing with its labels, reviewed or not. Idempotent.

    The UUID is the only credential.
    """
    drawings.delete_by_id(id)
    return Status(HTTPStatus.NO_CONTENT, None)


@v1.put(
    "/drawings/{any_uuid:id}/label",
    response=LabelBody,
    openapi_extra=operation(400, 404, 411, 413, 415, 422, 503, body=LABEL_BODY),
)
def label(request: HttpRequest, id: UUID) -> LabelBody:
    """Set the visitor label of a saved drawing."""
    body = read_json(request, LabelBody)
    drawings.label_as_visitor(id, body.text or Label.NOT_A_DIGIT)
    return body


@v1.delete("/drawings/{any_uuid:id}/label", response={204: None}, openapi_extra=operation(404, 503))
def withdraw_label(request: HttpRequest, id: UUID) -> Status[None]:
    """Withdraw the visitor label of a saved drawing."""
    drawings.label_as_visitor(id, "")
    return Status(HTTPStatus.NO_CONTENT, None)


@v1.get("/model", response=ModelOut, openapi_extra=operation(503))
def model(request: HttpRequest) -> dict[str, Any]:
    """Describe the serving model."""
    classifier = current_classifier()
    return {
        "version": classifier.version,
        "sha256": classifier.public_sha256,
        "metrics": classifier.facts.get("metrics", {}),
        "training": classifier.public_facts["training"],
        "thresholds": classifier.thresholds,
        "input": "uint8[N, 28, 28]; 0 is background, 255 is ink",
    }


@v1.get(
    "/model.onnx",
    openapi_extra={
        "parameters": MODEL_FILE_PARAMETERS,
        "responses": {**MODEL_FILE_RESPONSES, **operation(412, 503)["responses"]},
    },
)
def model_file(request: HttpRequest) -> HttpResponseBase | None:
    """Download the serving model."""
    classifier = current_classifier()
    etag = quote_etag(classifier.public_sha256)
    headers = {
        "ETag": etag,
        "Cache-Control": "no-cache",
        "Content-Disposition": f'attachment; filename="lenet-{classifier.version}.onnx"',
    }
    file = HttpResponse(classifier.public_content, "application/octet-stream", headers=headers)
    return get_conditional_response(request, etag=etag, response=file)


api.add_router("/v1", v1)


@api.post(
    "/mnist",
    response=dict.fromkeys((200, 400, 413, 415, 429, 503), OriginalOut),
    openapi_extra={"requestBody": {"required": True, "content": PICTURE_BODY}},
    tags=["original"],
    exclude_none=False,
)
def mnist(request: HttpRequest) -> HttpResponse:
    """Recognize a picture of one digit, in the format of the original project.

    Of several digits, the first one counts; marks and other non-digits are skipped.
    """
    try:
        if request.content_type != "multipart/form-data":
            raise ApiError(
                HTTPStatus.BAD_REQUEST, "No picture. Send one in the multipart field “image”."
            )
        prediction = drawings.predict(read_picture(request))
        if not prediction.digits:
            raise ApiError(HTTPStatus.BAD_REQUEST, "The picture is blank. Send one with a digit.")
    except ApiError as error:
        if error.status != HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            error.status = HTTPStatus.BAD_REQUEST
        return original_error_response(error)
    except ModelUnavailable as error:
        return original_error_response(ApiError(HTTPStatus.SERVICE_UNAVAILABLE, str(error)))
    names = current_classifier().labels
    digits = (one for one in prediction.digits if one.digit is not None)
    probabilities = next(digits, prediction.digits[0]).probabilities
    every = [
        {"class_name": name, "label": label, "probability": probability}
        for label, (name, probability) in enumerate(zip(names, probabilities, strict=True))
    ]
    best = every[probabilities.index(max(probabilities))]
    return _json_response({"success": True, "predictions": {"all": every, "prediction": best}})


def _json_response(content: Any, status: int = HTTPStatus.OK) -> HttpResponse:
    """Serialize ten times faster than Django's JsonResponse."""
    return HttpResponse(to_json(content), "application/json", status)


def _prediction_out(prediction: Prediction, *, images: bool) -> dict[str, Any]:
    """Return the members of PredictionOut, without the cost of validating them."""
    digits = [
        {
            "digit": digit.digit,
            "verdict": digit.verdict,
            "confidence": round(digit.confidence, 4),
            "probabilities": [round(p, 4) for p in digit.probabilities],
            "box": digit.box,
            **({"image": b64encode(digit.grid.tobytes()).decode()} if images else {}),
        }
        for digit in prediction.digits
    ]
    return {"text": prediction.text, "digits": digits, "model": prediction.model}


@api.exception_handler(ApiError)
def api_error(request: HttpRequest, error: ApiError) -> HttpResponse:
    return problem_response(error)


@api.exception_handler(Drawing.DoesNotExist)
def drawing_not_found(request: HttpRequest, error: Drawing.DoesNotExist) -> HttpResponse:
    detail = "No drawing is saved under this UUID. Save it first with PUT."
    return problem_response(ApiError(HTTPStatus.NOT_FOUND, detail))


@api.exception_handler(ValidationError)
def invalid_request(request: HttpRequest, error: ValidationError) -> HttpResponse:
    return problem_response(
        ApiError(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "The request does not match the schema.",
            # Only the query is validated here; ninja removes its values from the errors.
            errors=[
                {
                    **one,
                    "msg": f"{one['msg']}; got {request.GET.get(one['loc'][-1], '')[:MAX_SHOWN]}",
                }
                for one in error.errors
            ],
        )
    )


@api.exception_handler(ModelUnavailable)
def model_unavailable(request: HttpRequest, error: ModelUnavailable) -> HttpResponse:
    return problem_response(
        ApiError(HTTPStatus.SERVICE_UNAVAILABLE, f"No model is available: {error}.")
    )


@api.exception_handler(DatabaseError)
@api.exception_handler(InterfaceError)
def database_unavailable(request: HttpRequest, error: Exception) -> HttpResponse:
    if not is_outage(error):
        raise error
    detail = "The database is unavailable; nothing was saved. Retry later."
    return problem_response(ApiError(HTTPStatus.SERVICE_UNAVAILABLE, detail))
