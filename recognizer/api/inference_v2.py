"""The Open Inference Protocol v2, by which clients of KServe and Triton ask the net itself.

Prepared digits go in, what the named layers give comes out: no ink is looked for and no verdict is
given. See https://kserve.github.io/website/docs/concepts/architecture/data-plane/v2-protocol and,
for the tensors behind the JSON, Triton's binary tensor data extension.
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
from recognizer.api.request_bodies import read_body
from recognizer.serving import ModelUnavailable, current_classifier

MODEL = "lenet"
# Where the JSON of a body ends and the raw bytes of its tensors begin.
JSON_LENGTH = "Inference-Header-Content-Length"
LITTLE_ENDIAN = np.dtype("<f4")


# Numbers in one row, or nested as the tensor is. Of words, NumPy would make room for the longest.
Row = Annotated[list[StrictInt], Field(fail_fast=True)]
Rows = Annotated[list[Row], Field(fail_fast=True)]
Grids = Annotated[list[Rows], Field(fail_fast=True)]
# Brackets and braces of a request: more than its grids have rows, and few members.
MOST_LISTS, MOST_OBJECTS = 10_000, 100


class InputParameters(BaseModel):
    model_config = ConfigDict(extra="forbid")
    binary_data_size: NonNegativeInt | None = None


class Input(BaseModel):
    name: str
    shape: Annotated[list[int], Field(fail_fast=True)]
    datatype: str
    data: Row | Rows | Grids | None = None
    parameters: InputParameters = InputParameters()


class OutputParameters(BaseModel):
    model_config = ConfigDict(extra="forbid")
    binary_data: bool | None = None


class Output(BaseModel):
    name: str
    parameters: OutputParameters = OutputParameters()


class Parameters(BaseModel):
    binary_data_output: bool = False


class Inference(BaseModel):
    """A request to infer."""

    id: str | None = None
    inputs: list[Input] = Field(min_length=1, max_length=1)
    # Each once at most: what is named a thousand times would be answered a thousand times.
    outputs: list[Output] = Field([Output(name=PROBABILITIES)], max_length=len(OUTPUTS))
    parameters: Parameters = Parameters()


@require_safe
def server(request: HttpRequest) -> HttpResponse:
    """What this server is, and what it knows beyond the protocol."""
    version = _serving().version
    return JsonResponse(
        {"name": "digits", "version": version, "extensions": ["binary_tensor_data"]}
    )


@require_safe
@never_cache
def live(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"live": True})


@require_safe
@never_cache
def ready(request: HttpRequest) -> HttpResponse:
    _serving()
    return JsonResponse({"ready": True})


@require_safe
def model(request: HttpRequest, name: str, version: str | None = None) -> HttpResponse:
    """The tensors that the model takes and gives."""
    serving = _find(name, version)
    return JsonResponse(
        {
            "name": MODEL,
            "versions": [serving.version],
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
    _find(name, version)
    return JsonResponse({"name": MODEL, "ready": True})


@csrf_exempt
@require_POST
def infer(request: HttpRequest, name: str, version: str | None = None) -> HttpResponse:
    """What layers of the net give for prepared digits; the probabilities, if none is named."""
    serving = _find(name, version)
    body = read_body(request, settings.MAX_BATCH_BYTES)
    length = _json_length(request, body)
    wanted = _parse(body[:length])
    images = _images(wanted.inputs[0], body[length:])
    names = tuple(output.name for output in wanted.outputs)
    if unknown := set(names) - OUTPUTS.keys():
        raise _refused(f"There is no output {sorted(unknown)}; there are {list(OUTPUTS)}.")
    # ONNX Runtime gives an output that is named twice only once.
    given = serving.activations(images, tuple(dict.fromkeys(names)))
    answer = {"model_name": MODEL, "model_version": serving.version}
    if wanted.id is not None:
        answer["id"] = wanted.id
    return _response(answer, wanted, given)


def _serving() -> Classifier:
    try:
        return current_classifier()
    except ModelUnavailable as error:
        raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, f"No model is ready: {error}.") from error


def _find(name: str, version: str | None) -> Classifier:
    """The model that serves, where it is the one that is asked for."""
    serving = _serving()
    if name != MODEL or version not in (None, serving.version):
        asked = name if version is None else f"{name}, version {version}"
        raise ApiError(
            HTTPStatus.NOT_FOUND,
            f"There is no model {asked}; there is {MODEL}, version {serving.version}.",
        )
    return serving


def _json_length(request: HttpRequest, body: bytes) -> int:
    stated = request.headers.get(JSON_LENGTH, str(len(body)))
    # Python takes no numbers of thousands of digits.
    if not re.fullmatch("[0-9]{1,10}", stated) or int(stated) > len(body):
        raise _refused(f"{JSON_LENGTH} is {stated!r}; the body has {len(body)} bytes.")
    return int(stated)


def _parse(content: bytes) -> Inference:
    # Known before they are in memory.
    if content.count(b"[") > MOST_LISTS or content.count(b"{") > MOST_OBJECTS:
        raise _refused("There are too many lists or objects.")
    try:
        return Inference.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        at = ".".join(map(str, first["loc"]))
        raise _refused(f"{at or 'The body'}: {first['msg']}.") from error


def _images(tensor: Input, raw: bytes) -> NDArray[np.uint8]:
    """The images of a request, uint8[N, 28, 28]: its numbers, or the bytes behind the JSON."""
    if (tensor.name, tensor.datatype) != (INPUT, "UINT8"):
        raise _refused(f"The input is {INPUT}, of UINT8, not {tensor.name}, of {tensor.datatype}.")
    count, *grid = tensor.shape or [0]
    if grid != [SIZE, SIZE] or not 1 <= count <= settings.MAX_BATCH:
        raise _refused(
            f"The shape is {tensor.shape}, not [N, {SIZE}, {SIZE}] with N to {settings.MAX_BATCH}."
        )
    size = tensor.parameters.binary_data_size
    if (size is None) == (tensor.data is None) or len(raw) != (size or 0):
        raise _refused("Send either data, or binary_data_size and that many bytes.")
    values = np.frombuffer(raw, np.uint8) if size is not None else _numbers(tensor.data or [])
    if values.size != math.prod(tensor.shape):
        raise _refused(f"There are {values.size} values for the shape {tensor.shape}.")
    return values.reshape(tensor.shape)


def _numbers(data: Row | Rows | Grids) -> NDArray[np.uint8]:
    """Numbers, nested like the tensor or in one row."""
    try:
        values = np.asarray(data)
    except ValueError as error:
        raise _refused("The data is ragged.") from error
    if values.dtype.kind != "i" or values.min() < 0 or values.max() > 255:
        raise _refused("The data is not whole numbers from 0 to 255.")
    return values.astype(np.uint8)


def _response(
    answer: dict[str, Any], wanted: Inference, given: dict[str, NDArray[np.float32]]
) -> HttpResponse:
    outputs: list[dict[str, Any]] = []
    raw: list[bytes] = []
    for output in wanted.outputs:
        values = given[output.name]
        described = {"name": output.name, "datatype": "FP32", "shape": list(values.shape)}
        binary = output.parameters.binary_data
        if wanted.parameters.binary_data_output if binary is None else binary:
            raw.append(values.astype(LITTLE_ENDIAN, copy=False).tobytes())
            outputs.append({**described, "parameters": {"binary_data_size": len(raw[-1])}})
        else:
            outputs.append({**described, "data": values.ravel().tolist()})
    content = json.dumps({**answer, "outputs": outputs}).encode()
    if not raw:
        return HttpResponse(content, "application/json")
    headers = {JSON_LENGTH: str(len(content))}
    return HttpResponse(b"".join([content, *raw]), "application/octet-stream", headers=headers)


def _refused(detail: str) -> ApiError:
    return ApiError(HTTPStatus.BAD_REQUEST, detail)


ADDRESSES = ("v2/models/<name>", "v2/models/<name>/versions/<version>")

urlpatterns = [
    path("v2", server),
    path("v2/health/live", live),
    path("v2/health/ready", ready),
    *(path(address, model) for address in ADDRESSES),
    *(path(f"{address}/ready", model_ready) for address in ADDRESSES),
    *(path(f"{address}/infer", infer) for address in ADDRESSES),
]
