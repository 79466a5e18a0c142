"""A trained LeNet as one ONNX file that describes itself."""

import hashlib
import json
import warnings
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import chain
from typing import Any, cast

import onnx
import torch
from torch import Tensor, nn

from ml.classifier import FORMAT, INPUT, NO_DIGEST, OUTPUTS
from ml.lenet import LeNet, normalize

LABELS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


class Served(nn.Module):
    """The graph that serves: normalization before the net, temperature and softmax behind it."""

    def __init__(self, net: LeNet, mean: float, deviation: float, temperature: float) -> None:
        super().__init__()
        self.net = net
        self.register_buffer("mean", torch.tensor(mean))
        self.register_buffer("deviation", torch.tensor(deviation))
        self.register_buffer("temperature", torch.tensor(temperature))

    mean: Tensor
    deviation: Tensor
    temperature: Tensor

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """uint8[N, 28, 28] to what ``ml.classifier.OUTPUTS`` names, in that order."""
        maps1 = self.net.features[:3](normalize(images, self.mean, self.deviation))
        maps2 = self.net.features[3:](maps1)
        dense1 = self.net.classifier[:2](maps2.flatten(1))
        dense2 = self.net.classifier[2:4](dense1)
        logits = self.net.classifier[4](dense2)
        probabilities = (logits / self.temperature).softmax(1)
        return probabilities, logits, maps1, maps2, dense1, dense2


def export(served: Served) -> onnx.ModelProto:
    """The graph, for any number of images at once."""
    with warnings.catch_warnings():
        # The exporter pickles a class of its own that it is about to replace.
        warnings.simplefilter("ignore", FutureWarning)
        program = torch.onnx.export(
            served.eval(),
            (torch.zeros(2, 28, 28, dtype=torch.uint8),),
            input_names=[INPUT],
            output_names=list(OUTPUTS),
            dynamic_shapes={"images": {0: torch.export.Dim("batch")}},
            dynamo=True,
            verbose=False,
        )
    model = cast(torch.onnx.ONNXProgram, program).model_proto
    _forget_origin(model.graph)
    return model


def _forget_origin(graph: onnx.GraphProto) -> None:
    """Drop the exporter's notes of where everything comes from.

    They hold paths of the machine, and would give the same weights another name on each.
    """
    parts = (graph.node, graph.value_info, graph.input, graph.output, graph.initializer)
    for part in (graph, *chain.from_iterable(parts)):
        del part.metadata_props[:]


def load(model: onnx.ModelProto) -> Served:
    """The PyTorch module that a file of ours was exported from."""
    served = Served(LeNet(), 0.0, 1.0, 1.0)
    # What divides by one was left out of the graph: it keeps its default.
    state = served.state_dict()
    for tensor in model.graph.initializer:
        if tensor.name in state:
            state[tensor.name] = torch.from_numpy(onnx.numpy_helper.to_array(tensor).copy())
    served.load_state_dict(state)
    return served.eval()


def describe(model: onnx.ModelProto, facts: Mapping[str, Any]) -> bytes:
    """The bytes of an ONNX file that carries facts (JSON values, ``thresholds`` among them).

    The digest among its metadata is the SHA-256 of the file with NO_DIGEST in its place.
    The version is today's date and the start of the SHA-256 of the graph: the same weights end in
    the same seven characters.
    """
    sha256 = hashlib.sha256(model.graph.SerializeToString()).hexdigest()
    described = onnx.ModelProto()
    described.CopyFrom(model)
    onnx.helper.set_model_props(
        described,
        {
            "format": FORMAT,
            "version": f"{datetime.now(UTC):%Y.%m.%d}-{sha256[:7]}",
            "labels": json.dumps(LABELS),
            "facts": json.dumps(facts),
            "digest": NO_DIGEST,
        },
    )
    content: bytes = described.SerializeToString()
    return content.replace(NO_DIGEST.encode(), hashlib.sha256(content).hexdigest().encode())
