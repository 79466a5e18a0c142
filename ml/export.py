"""A trained LeNet as one ONNX file that describes itself."""

import hashlib
import io
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import onnx
import torch
from torch import Tensor, nn

from ml.classifier import FORMAT, INPUT, OUTPUTS
from ml.lenet import LeNet, normalise

LABELS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


class Served(nn.Module):
    """The graph that serves: normalisation before the net, temperature and softmax behind it."""

    def __init__(self, net: LeNet, mean: float, deviation: float, temperature: float) -> None:
        super().__init__()
        self.net = net
        self.mean, self.deviation, self.temperature = mean, deviation, temperature

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """uint8[N, 28, 28] to what ``ml.classifier.OUTPUTS`` names, in that order."""
        maps1 = self.net.features[:3](normalise(images, self.mean, self.deviation))
        maps2 = self.net.features[3:](maps1)
        dense1 = self.net.classifier[:2](maps2.flatten(1))
        dense2 = self.net.classifier[2:4](dense1)
        logits = self.net.classifier[4](dense2)
        probabilities = (logits / self.temperature).softmax(1)
        return probabilities, logits, maps1, maps2, dense1, dense2


def export(served: Served, facts: Mapping[str, Any]) -> bytes:
    """The bytes of an ONNX file with the facts (JSON values) in its metadata.

    The facts must hold ``thresholds``. The version is today's date and the start of the SHA-256
    of the weights: the same weights have the same name wherever they go.
    """
    buffer = io.BytesIO()
    torch.onnx.export(
        served.eval(),
        (torch.zeros(2, 28, 28, dtype=torch.uint8),),
        buffer,
        input_names=[INPUT],
        output_names=list(OUTPUTS),
        dynamic_shapes={"images": {0: torch.export.Dim("batch")}},
        dynamo=True,
        verbose=False,
    )
    model = onnx.load_from_string(buffer.getvalue())
    onnx.helper.set_model_props(
        model,
        {
            "format": FORMAT,
            "version": f"{datetime.now(UTC):%Y.%m.%d}-{_fingerprint(served)}",
            "labels": json.dumps(LABELS),
            "facts": json.dumps(facts),
        },
    )
    return model.SerializeToString()


def _fingerprint(served: Served) -> str:
    digest = hashlib.sha256(repr((served.mean, served.deviation, served.temperature)).encode())
    for parameter in served.net.parameters():
        digest.update(parameter.detach().numpy().tobytes())
    return digest.hexdigest()[:7]
