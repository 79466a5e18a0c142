"""Request and response schemas of the HTTP API."""

from typing import Annotated, Any, Self

from ninja import Schema
from pydantic import Base64Bytes, BaseModel, ConfigDict, Field, model_validator

from ml.classifier import Verdict
from ml.preprocessing.strokes import SIZE
from recognizer.models import MAX_TEXT

# Finite, and small enough that no sum or square of them overflows.
Number = Annotated[float, Field(ge=-1e15, le=1e15, strict=True)]
Point = Annotated[list[Number], Field(min_length=2, max_length=3)]
# To collect all that is wrong with a body would take hundreds of times its size.
Stroke = Annotated[list[Point], Field(fail_fast=True)]
Many = Annotated[list[Stroke], Field(fail_fast=True)]


class StrokesIn(BaseModel):
    """Pen strokes: points [x, y] or [x, y, t], in pixels (y downwards) and milliseconds."""

    strokes: Many


class DrawingIn(BaseModel):
    """One drawing of a batch, in one of three forms."""

    model_config = ConfigDict(extra="forbid")

    strokes: Many | None = Field(None, description="As in a single request.")
    image: Base64Bytes | None = Field(None, description="The file of a picture, in Base64.")
    grid: Annotated[Base64Bytes, Field(min_length=SIZE**2, max_length=SIZE**2)] | None = Field(
        None,
        description="A digit as the net sees it: 28x28 bytes in Base64; 255 is ink.",
    )

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if [self.strokes, self.image, self.grid].count(None) != 2:
            raise ValueError("Send either strokes or image or grid.")
        return self


class BatchIn(BaseModel):
    """Many drawings; each is checked by itself, so that one does not spoil the others."""

    drawings: list[Any]


class DigitOut(Schema):
    digit: int | None = Field(description="The digit; null where the verdict is “not a digit”.")
    verdict: Verdict
    confidence: float = Field(description="The largest of the probabilities.")
    probabilities: list[float] = Field(description="Of 0 to 9, calibrated.")
    box: tuple[float, float, float, float] = Field(
        description="The ink's x, y, width and height, in pixels of what was sent, turned upright."
    )
    image: str | None = Field(
        None, description="What the net saw, if asked for: 28x28 bytes in Base64; 255 is ink."
    )


class PredictionOut(Schema):
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


class ProblemDetails(Schema):
    type: str
    title: str
    status: int
    detail: str


class BatchOut(Schema):
    answers: list[PredictionOut | ProblemDetails] = Field(
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
