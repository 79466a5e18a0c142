"""The classifier that serves: an exported LeNet on ONNX Runtime, and the reading it gives.

Nothing here needs PyTorch. The one path from a drawing to an answer is ``read_strokes`` or
``read_picture``: the page, the API, the admin and the evaluation all take it.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from ml.onnx_validation import find_fault
from ml.preprocessing.strokes import SIZE

FORMAT = "digits-lenet/2"
# What stands in a file for its digest while that is computed.
NO_DIGEST = "0" * 64
# Characters: it is stored with all that a model has read.
MAX_VERSION = 64
INPUT = "images"
PROBABILITIES = "probabilities"
# Outputs and their shapes behind the batch: the answer and, in order, what leads to it.
OUTPUTS = {
    PROBABILITIES: (10,),
    "logits": (10,),
    "maps1": (6, 12, 12),
    "maps2": (16, 4, 4),
    "dense1": (120,),
    "dense2": (84,),
}

Floats = NDArray[np.float32]


class ModelError(ValueError):
    """The bytes are not a model that this classifier can serve; the message says why."""


class Verdict(StrEnum):
    DIGIT = "digit"
    UNSURE = "unsure"
    NOT_A_DIGIT = "not a digit"


class Classifier:
    """An exported model, checked when it is loaded. Safe to share between threads."""

    def __init__(self, content: bytes) -> None:
        """Load the bytes of an ONNX file. Raises ModelError when they cannot serve."""
        self.content = content
        self.sha256 = hashlib.sha256(content).hexdigest()
        try:
            # Before ONNX Runtime, which would compute whatever the graph makes of its constants.
            _check_graph(content)
            self._session = _session(content)
            self._check()
        except ModelError:
            raise
        except Exception as error:  # what reading damaged bytes raises is anybody's guess
            raise ModelError(f"it is damaged: {error}") from error

    def predict(self, images: NDArray[np.uint8]) -> Floats:
        """Calibrated probabilities float32[N, 10] of images uint8[N, 28, 28]."""
        probabilities: Floats = self._session.run((PROBABILITIES,), {INPUT: images})[0]
        return probabilities

    def activations(
        self, images: NDArray[np.uint8], names: tuple[str, ...] = tuple(OUTPUTS)
    ) -> dict[str, Floats]:
        """What the named layers of ``OUTPUTS`` give for images uint8[N, 28, 28]."""
        return dict(zip(names, self._session.run(names, {INPUT: images}), strict=True))

    def verdict(self, probabilities: Floats) -> Verdict:
        """Judge one row of probabilities, float32[10], by the thresholds of the model.

        Two likely rivals make an unsure digit; many unlikely ones make none.
        """
        second, first = sorted(probabilities.tolist())[-2:]
        if first + second < self.thresholds["digit"]:
            return Verdict.NOT_A_DIGIT
        return Verdict.DIGIT if first >= self.thresholds["sure"] else Verdict.UNSURE

    def _check(self) -> None:
        _check_signature(self._session)
        metadata = self._session.get_modelmeta().custom_metadata_map
        self.version, self.labels, self.facts = _describe(metadata)
        self.thresholds: Mapping[str, float] = self.facts["thresholds"]
        self._check_answer()
        _check_whole(self.content, metadata)

    def _check_answer(self) -> None:
        """A model with NaN in it, or that does not end in probabilities, is refused."""
        two = np.stack([np.eye(SIZE, dtype=np.uint8) * 255] * 2)
        answer = self.predict(two)
        if not np.isfinite(answer).all() or not np.allclose(answer.sum(1), 1, atol=1e-4):
            raise ModelError("it does not answer with probabilities")


def _session(content: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    # One picture is too little work to share: a second thread only adds waiting.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    # An arena would keep the eight megabytes that a batch needs for a moment.
    options.enable_cpu_mem_arena = False
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime raises a dozen unrelated kinds
        raise ModelError(f"ONNX Runtime cannot load it: {error}") from error


def _check_signature(session: onnxruntime.InferenceSession) -> None:
    inputs = [(node.name, node.type, node.shape[1:]) for node in session.get_inputs()]
    if inputs != [(INPUT, "tensor(uint8)", [SIZE, SIZE])]:
        raise ModelError(f"its input is {inputs}, not {INPUT}: uint8[N, 28, 28]")
    outputs = {node.name: tuple(node.shape[1:]) for node in session.get_outputs()}
    if outputs != OUTPUTS:
        raise ModelError(f"its outputs are {outputs}, not {OUTPUTS}")


def _check_graph(content: bytes) -> None:
    fault = find_fault(content)
    if fault:
        raise ModelError(fault)


def _check_whole(content: bytes, metadata: Mapping[str, str]) -> None:
    """A file states its own digest: no byte of it can change unseen."""
    stated = metadata.get("digest", "")
    undigested = content.replace(stated.encode(), NO_DIGEST.encode())
    if hashlib.sha256(undigested).hexdigest() != stated:
        raise ModelError("it is damaged: its digest does not fit")


def _describe(metadata: Mapping[str, str]) -> tuple[str, list[str], dict[str, Any]]:
    """Version, labels and facts from the metadata of the file."""
    if metadata.get("format") != FORMAT:
        raise ModelError(f"its format is {metadata.get('format')!r}, not {FORMAT!r}")
    try:
        facts = json.loads(metadata["facts"])
        labels = json.loads(metadata["labels"])
        thresholds = {name: float(facts["thresholds"][name]) for name in ("digit", "sure")}
        counts = [(one["errors"], one["of"]) for one in facts.get("metrics", {}).values()]
        version = metadata["version"]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"its metadata is incomplete: {error!r}") from error
    if len(labels) != 10:
        raise ModelError(f"it has {len(labels)} labels, not 10")
    if not all(map(math.isfinite, thresholds.values())):
        raise ModelError(f"its thresholds are {thresholds}")
    if not all(isinstance(errors, int) and isinstance(of, int) and of > 0 for errors, of in counts):
        raise ModelError("its metrics are not errors of so many")
    if not 1 <= len(version) <= MAX_VERSION:
        raise ModelError(f"its version has {len(version)} characters, not 1 to {MAX_VERSION}")
    return version, labels, {**facts, "thresholds": thresholds}
