"""Export of a trained LeNet as one ONNX file with its metadata."""

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

from ml.classifier import INPUT, NO_DIGEST, OUTPUTS
from ml.lenet import LeNet, normalize
from ml.model_metadata import FORMAT
from ml.training.dataset_readers import WORDS


class ExportedLeNet(nn.Module):
    """LeNet with the normalization of its input and the calibration of its output.

    The attribute names are the names of the weights in the model files.
    """

    mean: Tensor
    deviation: Tensor
    temperature: Tensor

    def __init__(self, lenet: LeNet, mean: float, deviation: float, temperature: float) -> None:
        super().__init__()
        self.net = lenet
        self.register_buffer("mean", torch.tensor(mean))
        self.register_buffer("deviation", torch.tensor(deviation))
        self.register_buffer("temperature", torch.tensor(temperature))

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Compute the outputs of ``ml.classifier.OUTPUTS``, in that order, of uint8[N, 28, 28]."""
        features, classifier = self.net.features, self.net.classifier
        outputs = {"maps1": features[:3](normalize(images, self.mean, self.deviation))}
        outputs["maps2"] = features[3:](outputs["maps1"])
        outputs["dense1"] = classifier[:2](outputs["maps2"].flatten(1))
        outputs["dense2"] = classifier[2:4](outputs["dense1"])
        outputs["logits"] = classifier[4](outputs["dense2"])
        outputs["probabilities"] = (outputs["logits"] / self.temperature).softmax(1)
        return tuple(outputs[name] for name in OUTPUTS)


def export(module: ExportedLeNet) -> onnx.ModelProto:
    """Return the ONNX graph of a module, for any batch size."""
    with warnings.catch_warnings():
        # The exporter pickles a class of PyTorch that PyTorch has deprecated.
        warnings.simplefilter("ignore", FutureWarning)
        program = torch.onnx.export(
            module.eval(),
            (torch.zeros(2, 28, 28, dtype=torch.uint8),),
            input_names=[INPUT],
            output_names=list(OUTPUTS),
            dynamic_shapes={"images": {0: torch.export.Dim("batch")}},
            dynamo=True,
            verbose=False,
        )
    model = cast(torch.onnx.ONNXProgram, program).model_proto
    graph = model.graph
    parts = (graph.node, graph.value_info, graph.input, graph.output, graph.initializer)
    for part in (graph, *chain.from_iterable(parts)):
        # The exporter's notes contain local paths and would change the version on each machine.
        del part.metadata_props[:]
    return model


def describe(model: onnx.ModelProto, facts: Mapping[str, Any]) -> bytes:
    """Return a graph as the bytes of a model file with facts (JSON values, with ``thresholds``).

    The digest in the metadata is the SHA-256 of the file with NO_DIGEST in its place. The version
    is the date and the first 7 characters of the graph's SHA-256, which identify the weights.
    """
    sha256 = hashlib.sha256(model.graph.SerializeToString()).hexdigest()
    described = onnx.ModelProto()
    described.CopyFrom(model)
    onnx.helper.set_model_props(
        described,
        {
            "format": FORMAT,
            "version": f"{datetime.now(UTC):%Y.%m.%d}-{sha256[:7]}",
            "labels": json.dumps(WORDS),
            "facts": json.dumps(facts),
            "digest": NO_DIGEST,
        },
    )
    content: bytes = described.SerializeToString()
    return content.replace(NO_DIGEST.encode(), hashlib.sha256(content).hexdigest().encode())
