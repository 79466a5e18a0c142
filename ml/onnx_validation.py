"""Validate the graph of an ONNX file without the ``onnx`` package.

Field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
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
# Operators between the layers: normalization, temperature and reshaping.
GLUE = {"Cast", "Div", "Sub", "Unsqueeze", "Reshape"}

MODEL_GRAPH, MODEL_FUNCTIONS = 7, 25
GRAPH_NODE, GRAPH_INITIALIZER = 1, 5
NODE_OPERATOR, NODE_DOMAIN = 4, 7
TENSOR_TYPE, TENSOR_NAME, TENSOR_CONTENT = 2, 8, 9
FLOAT = 1


def find_fault(content: bytes) -> str | None:
    """Return why an ONNX file is not this project's LeNet, or None if it is."""
    operators = [_operator(node) for node in _graph_fields(content, GRAPH_NODE)]
    if not operators:
        return "it contains no graph"
    foreign = {name for name in operators if name not in {*LAYERS, *GLUE}}
    if foreign:
        return f"it has foreign operators: {', '.join(sorted(foreign))}"
    layers = [name for name in operators if name not in GLUE]
    if layers != LAYERS or list(_fields(content, MODEL_FUNCTIONS)):
        return f"it is another graph: {', '.join(layers)}"
    return _find_weight_fault(content)


def _find_weight_fault(content: bytes) -> str | None:
    for tensor in _graph_fields(content, GRAPH_INITIALIZER):
        if next(_fields(tensor, TENSOR_TYPE)) != FLOAT:
            continue
        name = next(_fields(tensor, TENSOR_NAME), b"").decode()
        weights = np.frombuffer(next(_fields(tensor, TENSOR_CONTENT), b""), "<f4")
        if not len(weights):
            return f"the file does not contain its weights {name}"
        if not np.isfinite(weights).all():
            return f"its weights {name} are not all finite"
    return None


def _operator(node: bytes) -> str:
    """Return an operator's name, prefixed with its domain unless that is ONNX's own."""
    domain, name = (next(_fields(node, n), b"").decode() for n in (NODE_DOMAIN, NODE_OPERATOR))
    return f"{domain}.{name}" if domain else name


def _graph_fields(content: bytes, number: int) -> Iterator[Any]:
    for graph in _fields(content, MODEL_GRAPH):
        yield from _fields(graph, number)


def _fields(message: bytes, number: int) -> Iterator[Any]:
    """Yield the fields of a protobuf message with a number: bytes or int."""
    for field in UnknownFieldSet(Empty.FromString(message)):
        if field.field_number == number:
            yield field.data
