"""A model file on ONNX Runtime: grids in, probabilities and verdicts out. Needs no PyTorch."""

import hashlib
import os
import re
from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ml.known_digits import known_digits
from ml.model_metadata import MetadataError, parse_metadata
from ml.onnx_validation import GraphError, check_graph
from ml.preprocessing.strokes import SIZE

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

# Without this, ONNX Runtime sends usage data and a device identifier to Microsoft.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

# Bytes: the weights need 180,000; the rest is metadata.
MAX_FILE_SIZE = 1_000_000
# Characters of an error message, which can contain names from the file.
MAX_REASON = 300
# Placeholder for the digest while it is computed.
NO_DIGEST = "0" * 64
UUID = re.compile(rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NO_UUID = b"00000000-0000-0000-0000-000000000000"
# Known digits that a model must read: a test of sanity, not of accuracy.
MIN_READ = 5
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
    """A model file that cannot serve; the message states the reason in printable characters."""

    def __init__(self, reason: str) -> None:
        shown = reason if len(reason) <= MAX_REASON else f"{reason[:MAX_REASON]} …"
        super().__init__("".join(one if one.isprintable() else "?" for one in shown))


class Verdict(StrEnum):
    DIGIT = "digit"
    UNSURE = "unsure"
    NOT_A_DIGIT = "not a digit"


class Classifier:
    """A validated model file. Thread-safe."""

    def __init__(self, content: bytes) -> None:
        """Load the bytes of an ONNX file. Raises ModelError if the model cannot serve."""
        if len(content) > MAX_FILE_SIZE:
            raise ModelError(f"the file has more than {MAX_FILE_SIZE:,} bytes")
        self.content = content
        self.sha256 = hashlib.sha256(content).hexdigest()
        try:
            # First, because ONNX Runtime folds constants of any size while it loads a graph.
            check_graph(content)
            self._session = _load(content)
            self._validate()
        except ModelError:
            raise
        except (GraphError, MetadataError) as error:
            raise ModelError(str(error)) from error
        except Exception as error:  # damaged bytes raise many unrelated exceptions
            raise ModelError(f"the file is damaged: {error}") from error

    @classmethod
    def read(cls, path: Path) -> Self:
        """Load an ONNX file. Raises ModelError if the model cannot serve or be read.

        The message names the file without its folder, because responses contain it.
        """
        try:
            with path.open("rb") as file:
                # A larger file is not read to its end.
                content = file.read(MAX_FILE_SIZE + 1)
        except OSError as error:
            raise ModelError(f"{path.name} cannot be read: {error.strerror}") from error
        return cls(content)

    @cached_property
    def public_content(self) -> bytes:
        """The file without UUIDs.

        Models of earlier releases list held-out drawings, whose UUIDs authorize deletion.
        """
        content = UUID.sub(NO_UUID, self.content)
        if content == self.content:
            return content
        content = content.replace(self._digest.encode(), NO_DIGEST.encode())
        return content.replace(NO_DIGEST.encode(), hashlib.sha256(content).hexdigest().encode())

    @cached_property
    def public_sha256(self) -> str:
        """The SHA-256 of ``public_content``."""
        return hashlib.sha256(self.public_content).hexdigest()

    @cached_property
    def public_facts(self) -> Mapping[str, Any]:
        """The metadata without the held-out drawings of earlier releases."""
        training = self.facts.get("training", {})
        public = {name: fact for name, fact in training.items() if name != "held_out_writers"}
        return {**self.facts, "training": public}

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
        inputs = [(node.name, node.type, node.shape[1:]) for node in self._session.get_inputs()]
        if inputs != [(INPUT, "tensor(uint8)", [SIZE, SIZE])]:
            raise ModelError(f"its input is {inputs}, not {INPUT}: uint8[N, 28, 28]")
        outputs = {node.name: tuple(node.shape[1:]) for node in self._session.get_outputs()}
        if outputs != OUTPUTS:
            raise ModelError(f"its outputs are {outputs}, not {OUTPUTS}")
        metadata, self.facts = parse_metadata(self._session.get_modelmeta().custom_metadata_map)
        self.version, self.labels = metadata.version, metadata.labels
        self.thresholds: Mapping[str, float] = self.facts["thresholds"]
        self._digest = metadata.digest
        rows = self.predict(known_digits())
        # The names of two outputs could be exchanged.
        if not np.allclose(rows.sum(1), 1, atol=1e-4):
            raise ModelError(f"its output is {rows[0].tolist()}, not probabilities")
        read = np.count_nonzero(rows.argmax(1) == np.arange(10))
        if read < MIN_READ:
            raise ModelError(f"it reads only {read} of ten clear digits")
        # The digest covers every other byte.
        without_digest = self.content.replace(metadata.digest.encode(), NO_DIGEST.encode())
        if hashlib.sha256(without_digest).hexdigest() != metadata.digest:
            raise ModelError("the file is damaged: its digest does not match")


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
