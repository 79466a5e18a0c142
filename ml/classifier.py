"""A model file on ONNX Runtime: grids in, probabilities and verdicts out. Needs no PyTorch."""

import hashlib
import json
import math
from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ml.onnx_validation import find_fault
from ml.preprocessing.strokes import SIZE

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

FORMAT = "digits-lenet/2"
# Placeholder for the digest while it is computed.
NO_DIGEST = "0" * 64
# Characters: every stored drawing holds the version of its model.
MAX_VERSION = 64
INPUT = "images"
PROBABILITIES = "probabilities"
# Outputs and their shapes after the batch dimension; the layers in order.
OUTPUTS = {
    PROBABILITIES: (10,),
    "logits": (10,),
    "maps1": (6, 12, 12),
    "maps2": (16, 4, 4),
    "dense1": (120,),
    "dense2": (84,),
}

Probabilities: TypeAlias = NDArray[np.float32]


class ModelError(ValueError):
    """A model file that cannot serve; the message states the reason."""


class Verdict(StrEnum):
    DIGIT = "digit"
    UNSURE = "unsure"
    NOT_A_DIGIT = "not a digit"


class Classifier:
    """A validated model file. Thread-safe."""

    def __init__(self, content: bytes) -> None:
        """Load the bytes of an ONNX file. Raises ModelError if the model cannot serve."""
        self.content = content
        self.sha256 = hashlib.sha256(content).hexdigest()
        try:
            # First, because ONNX Runtime folds constants of any size while it loads a graph.
            if fault := find_fault(content):
                raise ModelError(fault)
            self._session = _load(content)
            self._validate()
        except ModelError:
            raise
        except Exception as error:  # damaged bytes raise many unrelated exceptions
            raise ModelError(f"the file is damaged: {error}") from error

    def predict(self, images: NDArray[np.uint8]) -> Probabilities:
        """Return calibrated probabilities float32[N, 10] of images uint8[N, 28, 28]."""
        probabilities: Probabilities = self._session.run((PROBABILITIES,), {INPUT: images})[0]
        return probabilities

    def activations(
        self, images: NDArray[np.uint8], names: tuple[str, ...] = tuple(OUTPUTS)
    ) -> dict[str, NDArray[np.float32]]:
        """Return the named ``OUTPUTS`` for images uint8[N, 28, 28]."""
        return dict(zip(names, self._session.run(names, {INPUT: images}), strict=True))

    def verdict(self, probabilities: NDArray[np.float32]) -> Verdict:
        """Return the verdict for probabilities float32[10], by the thresholds of the model.

        Two likely digits are unsure; many unlikely ones are a non-digit.
        """
        second, first = sorted(probabilities.tolist())[-2:]
        if first + second < self.thresholds["digit"]:
            return Verdict.NOT_A_DIGIT
        return Verdict.DIGIT if first >= self.thresholds["sure"] else Verdict.UNSURE

    def _validate(self) -> None:
        _validate_signature(self._session)
        metadata = self._session.get_modelmeta().custom_metadata_map
        self.version, self.labels, self.facts = _parse_metadata(metadata)
        self.thresholds: Mapping[str, float] = self.facts["thresholds"]
        images = np.stack([np.eye(SIZE, dtype=np.uint8) * 255] * 2)
        rows = self.predict(images)
        if not np.isfinite(rows).all() or not np.allclose(rows.sum(1), 1, atol=1e-4):
            raise ModelError(f"its output is {rows[0].tolist()}, not probabilities")
        _validate_digest(self.content, metadata)


def _load(content: bytes) -> "InferenceSession":
    # The import starts threads, which do not survive a fork of a server that preloads the site.
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # One image is too little work to share: more threads only add waiting.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    # An arena would keep the 8 MB that a batch needs for a moment.
    options.enable_cpu_mem_arena = False
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime raises many unrelated exceptions
        raise ModelError(f"ONNX Runtime cannot load the file: {error}") from error


def _validate_signature(session: "InferenceSession") -> None:
    inputs = [(node.name, node.type, node.shape[1:]) for node in session.get_inputs()]
    if inputs != [(INPUT, "tensor(uint8)", [SIZE, SIZE])]:
        raise ModelError(f"its input is {inputs}, not {INPUT}: uint8[N, 28, 28]")
    outputs = {node.name: tuple(node.shape[1:]) for node in session.get_outputs()}
    if outputs != OUTPUTS:
        raise ModelError(f"its outputs are {outputs}, not {OUTPUTS}")


def _validate_digest(content: bytes, metadata: Mapping[str, str]) -> None:
    """Compare the file with the SHA-256 in its own metadata, which covers every other byte."""
    stated = metadata.get("digest", "")
    without_digest = content.replace(stated.encode(), NO_DIGEST.encode())
    if hashlib.sha256(without_digest).hexdigest() != stated:
        raise ModelError("the file is damaged: its digest does not match")


def _parse_metadata(metadata: Mapping[str, str]) -> tuple[str, list[str], dict[str, Any]]:
    """Return version, labels and facts from the metadata of the file."""
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
        raise ModelError(f"its thresholds {thresholds} are not finite")
    if not all(isinstance(errors, int) and isinstance(of, int) and of > 0 for errors, of in counts):
        raise ModelError(f"its metrics {counts} are not pairs of errors and a positive count")
    if not 1 <= len(version) <= MAX_VERSION:
        raise ModelError(f"its version has {len(version)} characters, not 1 to {MAX_VERSION}")
    return version, labels, {**facts, "thresholds": thresholds}
