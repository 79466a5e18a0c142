"""The classifier that serves: an exported LeNet on ONNX Runtime, and the reading it gives.

Nothing here needs PyTorch. The one path from a drawing to an answer is ``read_strokes`` or
``read_picture``: the page, the API, the admin and the evaluation all take it.
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Any, TypeAlias

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image

from ml.onnx_validation import find_fault
from ml.preprocessing import picture_segmentation, pictures, segmentation
from ml.preprocessing.strokes import SIZE, Grid, Strokes, bounding_box, rasterize

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

# Pictures whose ink is wider than this, in heights, are taken for numbers first.
WIDER = 1.2

Floats = NDArray[np.float32]


class ModelError(ValueError):
    """The bytes are not a model that this classifier can serve; the message says why."""


class Verdict(StrEnum):
    DIGIT = "digit"
    UNSURE = "unsure"
    NOT_A_DIGIT = "not a digit"


@dataclass(frozen=True)
class Box:
    """Where the ink of a digit is, in the pixels it was drawn in."""

    x: float
    y: float
    width: float
    height: float


Found: TypeAlias = tuple[Grid, Box]
"""A digit prepared for the net, uint8[28, 28], and where it was found."""


@dataclass(frozen=True)
class DigitPrediction:
    """One digit as the net reads it. ``digit`` is None where the verdict is "not a digit"."""

    digit: int | None
    verdict: Verdict
    confidence: float
    probabilities: tuple[float, ...]
    box: Box
    image: Grid

    @property
    def character(self) -> str:
        return "?" if self.digit is None else str(self.digit)


@dataclass(frozen=True)
class Prediction:
    """All digits of a drawing from left to right, and the version of the model that read them."""

    digits: tuple[DigitPrediction, ...]
    model: str

    @property
    def text(self) -> str:
        return "".join(digit.character for digit in self.digits)

    @property
    def is_sure(self) -> bool:
        """Whether each of them is a digit, and no rival near."""
        return all(digit.verdict is Verdict.DIGIT for digit in self.digits)


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

    def read_strokes(self, strokes: Strokes) -> Prediction:
        """Read pen strokes, in pixels with y downwards; no points, no digits."""
        return self.read_grids(self.find_in_strokes(strokes))

    def read_picture(self, picture: Image.Image) -> Prediction:
        """Read a picture, dark on light or light on dark; a blank one has no digits."""
        found = pictures.extract_ink(picture)
        if found is None:
            return Prediction((), self.version)
        reading = self._read_ink(found)
        bold = found.bold() if "?" in reading.text else None
        if bold and (again := self._read_ink(bold)).is_sure:
            return again
        return reading

    def _read_ink(self, found: pictures.Ink) -> Prediction:
        whole = self._read_whole(found)
        if whole and not picture_segmentation.has_gap(found):
            return Prediction((whole,), self.version)
        parts = picture_segmentation.digits(found, self._judge_ink)
        reading = self.read_grids(
            [(pictures.rasterize_ink(part.levels), Box(*part.box)) for part in parts]
        )
        if whole and not _is_surer(reading, whole):
            return Prediction((whole,), self.version)
        return reading

    def read_batch(self, batch: Sequence[Sequence[Found]]) -> list[Prediction]:
        """Read the digits that were found in many drawings, all in one call."""
        digits = iter(self.read_grids([one for found in batch for one in found]).digits)
        return [Prediction(tuple(islice(digits, len(found))), self.version) for found in batch]

    def find_in_strokes(self, strokes: Strokes) -> list[Found]:
        """The digits of a drawing, prepared for the net."""
        groups = segmentation.groups(strokes, self._judge)
        return [(rasterize(group), Box(*bounding_box(group))) for group in groups]

    def find_in_picture(self, picture: Image.Image) -> list[Found]:
        """The digits of a picture, prepared for the net."""
        return [(digit.image, digit.box) for digit in self.read_picture(picture).digits]

    def _read_whole(self, found: pictures.Ink) -> DigitPrediction | None:
        """The ink of a picture as one digit, where it reads as one: it may be in pieces."""
        height, width = found.levels.shape
        if width >= WIDER * height:
            return None
        grid = pictures.rasterize_ink(found.levels)
        digit = self._digit(grid, Box(*found.box), self.predict(grid[None])[0])
        return None if digit.verdict is Verdict.NOT_A_DIGIT else digit

    def _judge_ink(self, supposed: Sequence[pictures.Levels]) -> Floats:
        return self.predict(np.stack([pictures.rasterize_ink(levels) for levels in supposed]))

    def _judge(self, drawings: Sequence[Strokes]) -> Floats:
        return self.predict(np.stack([rasterize(strokes) for strokes in drawings]))

    def read_grids(self, found: Sequence[Found]) -> Prediction:
        """Read digits that were found and prepared before, all in one call."""
        if not found:
            return Prediction((), self.version)
        every = self.predict(np.stack([grid for grid, _ in found]))
        digits = (self._digit(*one, row) for one, row in zip(found, every, strict=True))
        return Prediction(tuple(digits), self.version)

    def _digit(self, grid: Grid, box: Box, probabilities: Floats) -> DigitPrediction:
        verdict = self.verdict(probabilities)
        best = int(probabilities.argmax())
        return DigitPrediction(
            digit=None if verdict is Verdict.NOT_A_DIGIT else best,
            verdict=verdict,
            confidence=float(probabilities[best]),
            probabilities=tuple(probabilities.tolist()),
            box=box,
            image=grid,
        )

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


def _is_surer(parts: Prediction, whole: DigitPrediction) -> bool:
    """Whether parts are digits, each more surely than the whole is one."""
    least = min(part.confidence for part in parts.digits)
    return parts.is_sure and (whole.verdict is not Verdict.DIGIT or least > whole.confidence)


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
