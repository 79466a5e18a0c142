"""The schema of a model file's metadata."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, Json, ValidationError, model_validator

FORMAT = "digits-lenet/2"
# Characters: every stored drawing holds the version of its model.
MAX_VERSION = 64
# Epochs of a training history.
MAX_EPOCHS = 1_000

Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]
# The upper bound keeps products with floats finite.
Count: TypeAlias = Annotated[int, Field(strict=True, ge=0, le=10**9)]
Loss: TypeAlias = Annotated[float, Field(ge=0, le=10**9)]


class MetadataError(ValueError):
    """Metadata that does not match the schema; the message names the first wrong field."""


class _Thresholds(BaseModel):
    digit: Share
    sure: Share


class _Metric(BaseModel):
    errors: Count
    of: Annotated[Count, Field(ge=1)]
    calibration_error: Share | None = None

    @model_validator(mode="after")
    def check_errors(self) -> Self:
        if self.errors > self.of:
            raise ValueError(f"{self.errors} errors of {self.of}")
        return self


class _History(BaseModel):
    """One value per epoch."""

    loss: Annotated[list[Loss], Field(max_length=MAX_EPOCHS)]
    validation_loss: list[Loss]
    validation_errors: list[Count]

    @model_validator(mode="after")
    def check_lengths(self) -> Self:
        lengths = [len(self.loss), len(self.validation_loss), len(self.validation_errors)]
        if len(set(lengths)) > 1:
            raise ValueError(f"lists of {lengths} epochs")
        return self


class _StrokeFile(BaseModel):
    model_config = ConfigDict(extra="allow")

    name: str


class _Training(BaseModel):
    """The facts that the site uses; there are others."""

    model_config = ConfigDict(extra="allow")

    training_images: Count = 0
    stroke_images: Count = 0
    stroke_files: list[_StrokeFile] = []
    reviewed_images: Count = 0
    reviewed_non_digits: Count = 0
    history: _History | None = None


class _Facts(BaseModel):
    model_config = ConfigDict(extra="allow")

    thresholds: _Thresholds
    metrics: dict[str, _Metric] = {}
    training: _Training = _Training()


class Metadata(BaseModel):
    format: Literal["digits-lenet/2"]
    # It is part of a header, a file name and addresses.
    version: Annotated[str, Field(pattern=rf"\A[0-9A-Za-z._+-]{{1,{MAX_VERSION}}}\z")]
    labels: Json[Annotated[list[str], Field(min_length=10, max_length=10)]]
    facts: Json[_Facts]
    digest: Annotated[str, Field(pattern=r"\A[0-9a-f]{64}\z")]


def parse_metadata(content: Mapping[str, str]) -> tuple[Metadata, dict[str, Any]]:
    """Validate the metadata of a file; return it, and its facts as JSON values.

    Raises MetadataError.
    """
    try:
        metadata = Metadata.model_validate(content)
        facts = metadata.facts.model_dump(exclude_unset=True)
        # Not every value in ``training`` can be sent: NaN and long integers cannot.
        json.dumps(facts, allow_nan=False)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise MetadataError(f"its {place} in the metadata is wrong: {first['msg']}") from error
    except ValueError as error:
        raise MetadataError(f"the facts in its metadata are not JSON: {error}") from error
    return metadata, facts
