"""What an ONNX file holds, for those who serve without the ``onnx`` package.

The field numbers are those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from google.protobuf.empty_pb2 import Empty
from google.protobuf.unknown_fields import UnknownFieldSet

LAYERS = [
    "Conv", "MaxPool", "Relu", "Conv", "MaxPool", "Relu", "Gemm", "Relu", "Gemm", "Relu", "Gemm",
    "Softmax",
]  # fmt: skip
# What stands between the layers: normalization, temperature and other shapes.
GLUE = {"Cast", "Div", "Sub", "Unsqueeze", "Reshape"}

MODEL_GRAPH, MODEL_FUNCTIONS = 7, 25
GRAPH_NODE, GRAPH_INITIALIZER = 1, 5
NODE_OPERATOR, NODE_DOMAIN = 4, 7
TENSOR_TYPE, TENSOR_NAME, TENSOR_CONTENT = 2, 8, 9
FLOAT = 1


def find_fault(content: bytes) -> str | None:
    """Why the ONNX file of these bytes is not the LeNet of this project; None where it is."""
    operators = [_operator(node) for node in _graph(content, GRAPH_NODE)]
    if not operators:
        return "it holds no graph"
    foreign = {name for name in operators if name not in {*LAYERS, *GLUE}}
    if foreign:
        return f"it has foreign operators: {', '.join(sorted(foreign))}"
    layers = [name for name in operators if name not in GLUE]
    if layers != LAYERS or list(_fields(content, MODEL_FUNCTIONS)):
        return f"it is another graph: {', '.join(layers)}"
    return _fault_of_weights(content)


def _fault_of_weights(content: bytes) -> str | None:
    for tensor in _graph(content, GRAPH_INITIALIZER):
        if next(_fields(tensor, TENSOR_TYPE)) != FLOAT:
            continue
        name = next(_fields(tensor, TENSOR_NAME), b"").decode()
        weights = np.frombuffer(next(_fields(tensor, TENSOR_CONTENT), b""), "<f4")
        if not len(weights):
            return f"its weights {name} are not in the file"
        if not np.isfinite(weights).all():
            return f"its weights {name} are not all finite"
    return None


def _operator(node: bytes) -> str:
    """The name of an operator, behind its domain unless that is ONNX's own."""
    domain, name = (next(_fields(node, n), b"").decode() for n in (NODE_DOMAIN, NODE_OPERATOR))
    return f"{domain}.{name}" if domain else name


def _graph(content: bytes, number: int) -> Iterator[Any]:
    for graph in _fields(content, MODEL_GRAPH):
        yield from _fields(graph, number)


def _fields(message: bytes, number: int) -> Iterator[Any]:
    """The fields of that number in a protobuf message: bytes, or int."""
    for field in UnknownFieldSet(Empty.FromString(message)):
        if field.field_number == number:
            yield field.data
