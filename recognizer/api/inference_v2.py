"""The Open Inference Protocol v2, for clients of KServe and Triton.

Inputs are preprocessed digits and outputs the model's tensors, without segmentation or verdicts.
https://kserve.github.io/website/docs/concepts/architecture/data-plane/v2-protocol specifies the
protocol; raw tensors after the JSON follow Triton's binary tensor data extension.
"""

import json
import math
import re
from http import HTTPStatus
from typing import Annotated, Any

import numpy as np
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, StrictInt, ValidationError

from ml.classifier import INPUT, OUTPUTS, PROBABILITIES, Classifier
from ml.preprocessing.strokes import SIZE
from recognizer.api.errors import ApiError
from recognizer.api.request_bodies import MAX_SHOWN, error_message, read_body
from recognizer.serving import ModelUnavailable, current_classifier

MODEL = "lenet"
# Length of the JSON at the start of a body; raw tensors follow it.
JSON_LENGTH_HEADER = "Inference-Header-Content-Length"
LITTLE_ENDIAN = np.dtype("<f4")
# Brackets and braces of a request, counted before parsing: 256 nested grids have 7,425 lists.
MAX_LISTS, MAX_OBJECTS = 10_000, 100

# Strict integers only: one long string would make NumPy allocate its length for every value.
Row = Annotated[list[StrictInt], Field(fail_fast=True)]
Rows = Annotated[list[Row], Field(fail_fast=True)]
Grids = Annotated[list[Rows], Field(fail_fast=True)]


class InputParameters(BaseModel):
    model_config = ConfigDict(extra="forbid")
    binary_data_size: NonNegativeInt | None = None


class InputTensor(BaseModel):
    name: str
    shape: Annotated[list[int], Field(fail_fast=True)]
    datatype: str
    data: Row | Rows | Grids | None = None
    parameters: InputParameters = InputParameters()


class OutputParameters(BaseModel):
    model_config = ConfigDict(extra="forbid")
    binary_data: bool | None = None


class RequestedOutput(BaseModel):
    name: str
    parameters: OutputParameters = OutputParameters()


class RequestParameters(BaseModel):
    binary_data_output: bool = False


class InferenceRequest(BaseModel):
    id: str | None = None
    inputs: list[InputTensor] = Field(min_length=1, max_length=1)
    # The limit keeps repeated names from multiplying the response.
    outputs: list[RequestedOutput] = Field(
        [RequestedOutput(name=PROBABILITIES)], min_length=1, max_length=len(OUTPUTS)
    )
    parameters: RequestParameters = RequestParameters()


@require_safe
def server_metadata(request: HttpRequest) -> HttpResponse:
    version = _serving_classifier().version
    return JsonResponse(
        {"name": "digits", "version": version, "extensions": ["binary_tensor_data"]}
    )


@require_safe
@never_cache
def server_live(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"live": True})


@require_safe
@never_cache
def server_ready(request: HttpRequest) -> HttpResponse:
    _serving_classifier()
    return JsonResponse({"ready": True})


@require_safe
def model_metadata(request: HttpRequest, name: str, version: str | None = None) -> HttpResponse:
    classifier = _find_model(name, version)
    return JsonResponse(
        {
            "name": MODEL,
            "versions": [classifier.version],
            "platform": "onnxruntime_onnx",
            "inputs": [{"name": INPUT, "datatype": "UINT8", "shape": [-1, SIZE, SIZE]}],
            "outputs": [
                {"name": name, "datatype": "FP32", "shape": [-1, *shape]}
                for name, shape in OUTPUTS.items()
            ],
        }
    )


@require_safe
@never_cache
def model_ready(request: HttpRequest, name: str, version: str | None = None) -> HttpResponse:
    _find_model(name, version)
    return JsonResponse({"name": MODEL, "ready": True})


@csrf_exempt
@require_POST
def infer(request: HttpRequest, name: str, version: str | None = None) -> HttpResponse:
    """Return the requested output tensors, by default the probabilities."""
    classifier = _find_model(name, version)
    inference, raw = _parse(request)
    images = _read_images(inference.inputs[0], raw)
    # ONNX Runtime returns a repeated output once.
    names = tuple(dict.fromkeys(output.name for output in inference.outputs))
    if unknown := set(names) - OUTPUTS.keys():
        raise _bad_request(f"Unknown outputs: {sorted(unknown)}. Available: {list(OUTPUTS)}.")
    tensors = classifier.activations(images, names)
    header = {"model_name": MODEL, "model_version": classifier.version}
    if inference.id is not None:
        header["id"] = inference.id
    return _response(header, inference, tensors)


def _serving_classifier() -> Classifier:
    try:
        return current_classifier()
    except ModelUnavailable as error:
        raise ApiError(
            HTTPStatus.SERVICE_UNAVAILABLE, f"No model is available: {error}."
        ) from error


def _find_model(name: str, version: str | None) -> Classifier:
    """Return the serving classifier, the only model available."""
    classifier = _serving_classifier()
    if name != MODEL or version not in (None, classifier.version):
        requested = name if version is None else f"{name}, version {version}"
        raise ApiError(
            HTTPStatus.NOT_FOUND,
            f"Unknown model: {requested}. Available: {MODEL}, version {classifier.version}.",
        )
    return classifier


def _parse(request: HttpRequest) -> tuple[InferenceRequest, bytes]:
    """Return the JSON at the start of the body, and the raw tensors after it."""
    body = read_body(request, settings.MAX_BATCH_BYTES)
    value = request.headers.get(JSON_LENGTH_HEADER, str(len(body)))
    # int() raises ValueError for thousands of digits.
    if not re.fullmatch("[0-9]{1,10}", value) or int(value) > len(body):
        raise _bad_request(
            f"Invalid {JSON_LENGTH_HEADER}: {value!r}. Send the length of the JSON,"
            f" at most {len(body)}, the length of the body."
        )
    content, raw = body[: int(value)], body[int(value) :]
    if content.count(b"[") > MAX_LISTS or content.count(b"{") > MAX_OBJECTS:
        raise _bad_request(
            f"The JSON has too many lists or objects. Send at most {MAX_LISTS:,} and {MAX_OBJECTS}."
        )
    try:
        return InferenceRequest.model_validate_json(content), raw
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        location = ".".join(map(str, first["loc"])) or "body"
        raise _bad_request(f"Invalid request: {location}: {error_message(first)}.") from error


def _read_images(tensor: InputTensor, raw: bytes) -> NDArray[np.uint8]:
    """Return the images uint8[N, 28, 28] of a request, from its JSON or the bytes after it."""
    if (tensor.name, tensor.datatype) != (INPUT, "UINT8"):
        raise _bad_request(
            f"Unknown input: {tensor.name} of {tensor.datatype}. Send {INPUT} of UINT8."
        )
    count, *grid = tensor.shape or [0]
    if grid != [SIZE, SIZE] or not 1 <= count <= settings.MAX_BATCH:
        raise _bad_request(
            f"Invalid shape: {tensor.shape}. Send [N, {SIZE}, {SIZE}] with N from 1 to"
            f" {settings.MAX_BATCH}."
        )
    size = tensor.parameters.binary_data_size
    if (size is None) == (tensor.data is None) or len(raw) != (size or 0):
        raise _bad_request(
            f"{len(raw)} bytes follow the JSON. Send either data, or binary_data_size and exactly"
            " that many bytes."
        )
    values = np.frombuffer(raw, np.uint8) if size is not None else _to_array(tensor.data or [])
    if values.size != math.prod(tensor.shape):
        raise _bad_request(f"The tensor has {values.size} values. Its shape is {tensor.shape}.")
    return values.reshape(tensor.shape)


def _to_array(data: Row | Rows | Grids) -> NDArray[np.uint8]:
    try:
        values = np.asarray(data)
    except ValueError as error:
        raise _bad_request("The rows of data differ in length. Send equal rows.") from error
    invalid = values[(values < 0) | (values > 255)]
    if invalid.size:
        shown = str(invalid[0])[:MAX_SHOWN]
        raise _bad_request(f"Invalid value in data: {shown}. Send integers from 0 to 255.")
    return values.astype(np.uint8)


def _response(
    header: dict[str, Any], inference: InferenceRequest, tensors: dict[str, NDArray[np.float32]]
) -> HttpResponse:
    outputs: list[dict[str, Any]] = []
    raw: list[bytes] = []
    for requested in inference.outputs:
        values = tensors[requested.name]
        output = {"name": requested.name, "datatype": "FP32", "shape": list(values.shape)}
        binary = requested.parameters.binary_data
        if inference.parameters.binary_data_output if binary is None else binary:
            raw.append(values.astype(LITTLE_ENDIAN, copy=False).tobytes())
            outputs.append({**output, "parameters": {"binary_data_size": len(raw[-1])}})
        else:
            outputs.append({**output, "data": values.ravel().tolist()})
    content = json.dumps({**header, "outputs": outputs}).encode()
    if not raw:
        return HttpResponse(content, "application/json")
    headers = {JSON_LENGTH_HEADER: str(len(content))}
    return HttpResponse(b"".join([content, *raw]), "application/octet-stream", headers=headers)


def _bad_request(detail: str) -> ApiError:
    return ApiError(HTTPStatus.BAD_REQUEST, detail)


MODEL_URLS = ("v2/models/<name>", "v2/models/<name>/versions/<version>")

urlpatterns = [
    path("v2", server_metadata),
    path("v2/health/live", server_live),
    path("v2/health/ready", server_ready),
    *(path(url, model_metadata) for url in MODEL_URLS),
    *(path(f"{url}/ready", model_ready) for url in MODEL_URLS),
    *(path(f"{url}/infer", infer) for url in MODEL_URLS),
]
