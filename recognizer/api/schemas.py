"""Request and response schemas of the HTTP API, and their OpenAPI descriptions."""

from http import HTTPStatus
from typing import Annotated, Any, Self

from django.conf import settings
from ninja import Schema
from pydantic import Base64Bytes, BaseModel, ConfigDict, Field, model_validator

from ml.classifier import Verdict
from ml.preprocessing.strokes import SIZE
from recognizer.api.errors import CONTENT_TYPE
from recognizer.models import MAX_TEXT

# The bound keeps sums and squares of coordinates finite.
Number = Annotated[float, Field(ge=-1e15, le=1e15, allow_inf_nan=False, strict=True)]
Point = Annotated[list[Number], Field(min_length=2, max_length=3)]
# Without fail_fast, the collected errors need hundreds of times the memory of the body.
Stroke = Annotated[list[Point], Field(fail_fast=True)]
Strokes = Annotated[list[Stroke], Field(fail_fast=True)]


class StrokesIn(BaseModel):
    """Pen strokes: points [x, y] or [x, y, t], in pixels (y downwards) and milliseconds.

    Numbers are rounded to 0.01, or to 1/10,000 of the drawing's longer side if that is less.
    """

    strokes: Strokes


class DrawingIn(BaseModel):
    """One drawing of a batch: strokes, a picture or a preprocessed digit."""

    model_config = ConfigDict(extra="forbid")

    strokes: Strokes | None = Field(None, description="Pen strokes, as in /api/v1/predict.")
    image: Base64Bytes | None = Field(None, description="A picture file in Base64.")
    grid: Annotated[Base64Bytes, Field(min_length=SIZE**2, max_length=SIZE**2)] | None = Field(
        None,
        description="A preprocessed digit: 28x28 bytes in Base64; 0 is background, 255 is ink.",
    )

    @model_validator(mode="after")
    def check_one_input(self) -> Self:
        if [self.strokes, self.image, self.grid].count(None) != 2:
            raise ValueError("Send exactly one of strokes, image and grid.")
        return self


class BatchIn(BaseModel):
    """A batch of drawings. Each is validated separately, so an invalid one fails alone."""

    drawings: list[Any]


class DigitOut(Schema):
    digit: int | None = Field(description="The digit; null if the verdict is “not a digit”.")
    verdict: Verdict
    confidence: float = Field(description="The largest probability.")
    probabilities: list[float] = Field(description="Calibrated probabilities of 0 to 9.")
    box: tuple[float, float, float, float] = Field(
        description="Bounding box of the ink: x, y, width, height, in pixels of the drawing"
        " (of the upright picture)."
    )
    image: str | None = Field(
        None,
        description="The model's input, if requested: 28x28 bytes in Base64; 255 is ink.",
    )


class PredictionOut(Schema):
    text: str = Field(
        description="The digits from left to right; “?” for a mark or another non-digit, a newline"
        " between lines."
    )
    digits: list[DigitOut] = Field(description="One per character of the text except newlines.")
    model: str = Field(description="Version of the model.")


# At least one digit.
LABEL = r"^[0-9?\n]*[0-9][0-9?\n]*$"


class LabelBody(Schema):
    text: Annotated[str, Field(pattern=LABEL, max_length=MAX_TEXT)] | None = Field(
        description="The correct digits, “?” for a mark, a newline between lines;"
        " null for “not a digit”."
    )


class ModelOut(Schema):
    version: str
    sha256: str
    metrics: dict[str, Any]
    training: dict[str, Any]
    thresholds: dict[str, float]
    input: str


class ProblemDetails(Schema):
    type: str
    title: str
    status: int
    detail: str


class BatchOut(Schema):
    answers: list[PredictionOut | ProblemDetails] = Field(
        description="One prediction per drawing, in the same order; problem details for an"
        " invalid drawing."
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


def operation(*error_codes: int, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the OpenAPI description of an operation's request body and problem details.

    ``body`` maps media types to media type objects. Every operation can return 429.
    """
    schema = {"$ref": "#/components/schemas/ProblemDetails"}
    responses = {
        code: {
            "description": HTTPStatus(code).phrase,
            "content": {CONTENT_TYPE: {"schema": schema}},
        }
        for code in sorted({*error_codes, HTTPStatus.TOO_MANY_REQUESTS})
    }
    if body is None:
        return {"responses": responses}
    return {"requestBody": {"required": True, "content": body}, "responses": responses}


def _object(**properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}


_FILE = {"type": "string", "format": "binary"}
_ITEMS = {"type": "array", "maxItems": settings.MAX_BATCH}

LABEL_BODY = {"application/json": {"schema": LabelBody.model_json_schema()}}
PICTURE_BODY = {"multipart/form-data": {"schema": _object(image=_FILE)}}
DRAWING_BODY = {
    "application/json": {
        "schema": StrokesIn.model_json_schema(),
        "example": {"strokes": [[[20, 20, 0], [80, 20, 90], [45, 95, 210]]]},
    },
    **PICTURE_BODY,
}
BATCH_BODY = {
    "application/json": {
        "schema": _object(drawings={**_ITEMS, "items": DrawingIn.model_json_schema()}),
        "example": {"drawings": [{"strokes": [[[20, 20], [80, 20], [45, 95]]]}]},
    },
    "multipart/form-data": {"schema": _object(image={**_ITEMS, "items": _FILE})},
}
MODEL_FILE_PARAMETERS = [
    {"in": "header", "name": name, "schema": {"type": "string"}, "description": description}
    for name, description in (
        ("If-Match", "ETags; 412 if the file has another one."),
        ("If-None-Match", "ETags; 304 if the file has one of them."),
    )
]
MODEL_FILE_RESPONSES = {
    200: {
        "description": "The ONNX file; its metadata describes the model.",
        "content": {"application/octet-stream": {"schema": _FILE}},
    },
    304: {"description": "The file still matches If-None-Match."},
}
