"""Validate the graph of an ONNX file without the ``onnx`` package.

Only the graph of this project's LeNet is accepted, with every tensor in its place: the page
computes the same layers from the same names.

Field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from google.protobuf.empty_pb2 import Empty
from google.protobuf.unknown_fields import UnknownFieldSet
from numpy.typing import NDArray

# The operators in order, each with its constants after the data: names of weights, or values.
STEPS: tuple[tuple[Any, ...], ...] = (
    ("Cast",),
    ("Div", 255.0),
    ("Sub", "mean"),
    ("Div", "deviation"),
    ("Unsqueeze", [1]),
    ("Conv", "net.features.0.weight", "net.features.0.bias"),
    ("MaxPool",),
    ("Relu",),
    ("Conv", "net.features.3.weight", "net.features.3.bias"),
    ("MaxPool",),
    ("Relu",),
    ("Reshape", [-1, 256]),
    ("Gemm", "net.classifier.0.weight", "net.classifier.0.bias"),
    ("Relu",),
    ("Gemm", "net.classifier.2.weight", "net.classifier.2.bias"),
    ("Relu",),
    ("Gemm", "net.classifier.4.weight", "net.classifier.4.bias"),
    ("Div", "temperature"),
    ("Softmax",),
)
SHAPES: Mapping[str, tuple[int, ...]] = {
    "mean": (),
    "deviation": (),
    "net.features.0.weight": (6, 1, 5, 5),
    "net.features.0.bias": (6,),
    "net.features.3.weight": (16, 6, 5, 5),
    "net.features.3.bias": (16,),
    "net.classifier.0.weight": (120, 256),
    "net.classifier.0.bias": (120,),
    "net.classifier.2.weight": (84, 120),
    "net.classifier.2.bias": (84,),
    "net.classifier.4.weight": (10, 84),
    "net.classifier.4.bias": (10,),
    "temperature": (),
}
# With these limits no input overflows 32 bits: inputs reach 1e6, logits 1e31, divided 1e34.
MAX_WEIGHT = 1e3
MIN_DIVISOR = 1e-3
DIVISORS = ("deviation", "temperature")
# The exporter drops the steps of these weights if they change nothing, such as a division by 1.
OPTIONAL = {"mean", "deviation", "temperature"}

FLOAT, INT64 = 1, 7
TYPES = {FLOAT: "<f4", INT64: "<i8"}
ONE = 0x3F800000  # the bits of a float
# Accepted values of attributes, as lists of fields; the defaults may be omitted.
ATTRIBUTES: Mapping[str, Mapping[str, list[int | bytes]]] = {
    "Cast": {"to": [FLOAT], "saturate": [1]},
    "Conv": {
        "auto_pad": [b"NOTSET"],
        "dilations": [1, 1],
        "group": [1],
        "kernel_shape": [5, 5],
        "pads": [0, 0, 0, 0],
        "strides": [1, 1],
    },
    "MaxPool": {
        "auto_pad": [b"NOTSET"],
        "ceil_mode": [0],
        "dilations": [1, 1],
        "kernel_shape": [2, 2],
        "pads": [0, 0, 0, 0],
        "storage_order": [0],
        "strides": [2, 2],
    },
    "Reshape": {"allowzero": [1]},
    "Gemm": {"alpha": [ONE], "beta": [ONE], "transA": [0], "transB": [1]},
    "Softmax": {"axis": [1]},
}

MODEL_GRAPH, MODEL_FUNCTIONS = 7, 25
GRAPH_NODE, GRAPH_INITIALIZER = 1, 5
NODE_INPUT, NODE_OUTPUT, NODE_OPERATOR, NODE_ATTRIBUTE, NODE_DOMAIN = 1, 2, 4, 5, 7
ATTRIBUTE_NAME, ATTRIBUTE_VALUES = 1, (2, 3, 4, 8)
TENSOR_SHAPE, TENSOR_TYPE, TENSOR_NAME, TENSOR_CONTENT, TENSOR_IS_EXTERNAL = 1, 2, 8, 9, 14


class GraphError(ValueError):
    """A graph other than this project's LeNet; the message states the difference."""


@dataclass(frozen=True)
class _Tensor:
    name: str
    shape: tuple[int, ...]
    values: NDArray[Any]


@dataclass(frozen=True)
class _Node:
    operator: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, list[int | bytes]]


def check_graph(content: bytes) -> None:
    """Compare the graph of an ONNX file with LeNet. Raises GraphError."""
    nodes = list(map(_read_node, _graph_fields(content, GRAPH_NODE)))
    if not nodes:
        raise GraphError("it contains no graph")
    tensors = {
        tensor.name: tensor
        for tensor in map(_read_tensor, _graph_fields(content, GRAPH_INITIALIZER))
    }
    steps = [step for step in STEPS if not (OPTIONAL - tensors.keys()).intersection(map(str, step))]
    operators = [node.operator for node in nodes]
    if operators != [operator for operator, *_ in steps] or _values(content, MODEL_FUNCTIONS):
        raise GraphError(f"it is another graph: {', '.join(operators)}")
    used = [name for node in nodes for name in node.inputs[1:]]
    if sorted(used) != sorted(tensors):
        raise GraphError(f"its constants {sorted(tensors)} are not the used ones {sorted(used)}")
    for node, following in pairwise(nodes):
        if node.outputs != following.inputs[:1]:
            raise GraphError(
                f"the outputs {node.outputs} of {node.operator} are not the input of the next"
                f" operator, {following.inputs[:1]}"
            )
    for node, (_, *constants) in zip(nodes, steps, strict=True):
        _check_node(node, constants, tensors)


def _check_node(node: _Node, constants: list[Any], tensors: Mapping[str, _Tensor]) -> None:
    """Compare the attributes and constants of an operator with the expected ones."""
    expected = ATTRIBUTES.get(node.operator, {})
    for name, value in node.attributes.items():
        if value != expected.get(name):
            raise GraphError(
                f"the attribute {name} of {node.operator} is {value}, not {expected.get(name)}"
            )
    if len(node.inputs) != 1 + len(constants):
        raise GraphError(f"its {node.operator} has the inputs {node.inputs}")
    for name, constant in zip(node.inputs[1:], constants, strict=True):
        _check_constant(tensors[name], constant)


def _check_constant(tensor: _Tensor, expected: Any) -> None:
    """Compare a tensor with the values, or with the name of the weights, in its place."""
    if not isinstance(expected, str):
        if tensor.values.reshape(tensor.shape).tolist() != expected:
            raise GraphError(f"its constant {tensor.name} is not {expected}")
        return
    if tensor.name != expected or tensor.shape != SHAPES[expected]:
        raise GraphError(
            f"it has {tensor.name} of shape {tensor.shape} in place of {expected} of shape"
            f" {SHAPES[expected]}"
        )
    if not (np.abs(tensor.values) <= MAX_WEIGHT).all():
        raise GraphError(f"its weights {expected} are not all between -1,000 and 1,000")
    if expected in DIVISORS and tensor.values[0] < MIN_DIVISOR:
        raise GraphError(f"its {expected} is {tensor.values[0]}, less than {MIN_DIVISOR}")


def _read_node(message: bytes) -> _Node:
    """Return an operator; its name has its domain as a prefix unless that is ONNX's own."""
    domain, name = (_text(message, number) for number in (NODE_DOMAIN, NODE_OPERATOR))
    inputs, outputs = (
        [value.decode() for value in _values(message, number)]
        for number in (NODE_INPUT, NODE_OUTPUT)
    )
    attributes = {
        _text(attribute, ATTRIBUTE_NAME): _values(attribute, *ATTRIBUTE_VALUES)
        for attribute in _values(message, NODE_ATTRIBUTE)
    }
    return _Node(f"{domain}.{name}" if domain else name, inputs, outputs, attributes)


def _read_tensor(message: bytes) -> _Tensor:
    name, shape = _text(message, TENSOR_NAME), tuple(_values(message, TENSOR_SHAPE))
    type_ = TYPES.get(_last(message, TENSOR_TYPE, 0))
    if type_ is None:
        raise GraphError(f"its constant {name} has another type than float and int64")
    values = np.frombuffer(_last(message, TENSOR_CONTENT, b""), type_)
    if values.size != math.prod(shape) or _last(message, TENSOR_IS_EXTERNAL, 0):
        raise GraphError(f"the file does not contain its weights {name}")
    return _Tensor(name, shape, values)


def _graph_fields(content: bytes, number: int) -> Iterator[Any]:
    for graph in _values(content, MODEL_GRAPH):
        yield from _values(graph, number)


def _text(message: bytes, number: int) -> str:
    text: str = _last(message, number, b"").decode()
    return text


def _last(message: bytes, number: int, default: Any) -> Any:
    """Return the value of a field; of repeated ones the last, as Protocol Buffers do."""
    return [default, *_values(message, number)][-1]


def _values(message: bytes, *numbers: int) -> list[Any]:
    """Return the fields of a message with these numbers, bytes or int, in their order."""
    fields = UnknownFieldSet(Empty.FromString(message))
    return [field.data for field in fields if field.field_number in numbers]
