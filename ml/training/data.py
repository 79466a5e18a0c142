"""The data sets: MNIST, which ships with the project, and files of pen strokes."""

import gzip
import hashlib
import importlib
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ml.preprocessing import pictures
from ml.preprocessing.strokes import rasterize
from ml.training import stroke_files
from ml.training.dataset_folder import LabeledDigits, is_held_out

ROOT = Path(__file__).parents[1] / "data"

# SHA-256 of the uncompressed files, as Y. LeCun published them.
MNIST_SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
VALIDATION_SIZE = 5_000
# Of the writers of strokes.
FOLDS = 5

# Kept for as long as the process lives: a collected Library takes its operators with it.
_TORCHVISION = torch.library.Library("torchvision", "FRAGMENT")


class LabeledImages(NamedTuple):
    """Images uint8[N, 28, 28] with their labels int64[N]."""

    images: Tensor
    labels: Tensor

    def part(self, index: slice) -> "LabeledImages":
        return LabeledImages(self.images[index], self.labels[index])


def concatenate(*parts: LabeledImages) -> LabeledImages:
    """All of several sets, one behind the other."""
    images, labels = zip(*parts, strict=True)
    return LabeledImages(torch.cat(images), torch.cat(labels))


def reviewed(digits: LabeledDigits) -> LabeledImages | None:
    """Exported digits as they are trained on; None where there are none."""
    if not len(digits):
        return None
    return LabeledImages(torch.from_numpy(digits.images.copy()), torch.from_numpy(digits.labels))


def import_torchvision() -> Any:
    """Import torchvision, also where its compiled operators cannot load.

    The registry's wheels of torchvision are built for CUDA. Beside a PyTorch built for the CPU
    their operator library stays out, and the import fails where it registers shapes for two
    operators that then do not exist. The data sets need neither: declaring them is enough.
    """
    try:
        return importlib.import_module("torchvision")
    except RuntimeError:
        _TORCHVISION.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _TORCHVISION.define(
            "qnms(Tensor dets, Tensor scores, Tensor dets_scale, Tensor dets_zero_point,"
            " float iou_threshold) -> Tensor"
        )
        return importlib.import_module("torchvision")


def mnist(*, train: bool, root: Path = ROOT) -> LabeledImages:
    """MNIST's 60,000 training or 10,000 test digits, read by torchvision.

    The files that ship with the project are unpacked on first use; where they were removed,
    torchvision downloads them. Raises ValueError when a shipped file is damaged.
    """
    _unpack(root)
    dataset = import_torchvision().datasets.MNIST(root, train=train, download=True)
    return LabeledImages(dataset.data, dataset.targets)


def _unpack(root: Path) -> None:
    raw = root / "MNIST" / "raw"
    for name, sha256 in MNIST_SHA256.items():
        packed, unpacked = root / f"{name}.gz", raw / name
        if unpacked.exists() or not packed.exists():
            continue
        content = gzip.decompress(packed.read_bytes())
        if hashlib.sha256(content).hexdigest() != sha256:
            raise ValueError(f"{packed} is damaged: its SHA-256 is not MNIST's")
        raw.mkdir(parents=True, exist_ok=True)
        # Renamed when whole, so that an interrupted run leaves no half of a file behind.
        partial = unpacked.with_suffix(".partial")
        partial.write_bytes(content)
        partial.replace(unpacked)


def split(training: LabeledImages) -> tuple[LabeledImages, LabeledImages]:
    """Training and validation: the last 5,000 images of MNIST's training set validate."""
    return training.part(slice(-VALIDATION_SIZE)), training.part(slice(-VALIDATION_SIZE, None))


def split_writers(
    digits: Sequence[stroke_files.StrokeSample], fold: int = 0
) -> tuple[list[stroke_files.StrokeSample], list[stroke_files.StrokeSample]]:
    """Split stroke files by writer, so that nobody's hand is on both sides.

    A fifth of the writers, drawn by chance but always the same, is held out: another in each fold.
    Of drawings from the log, whose writers nobody knows, those that are held out everywhere.
    """
    names = {digit.writer for digit in digits}
    drawings = {name for name in names if _is_drawing(name)}
    writers = sorted(names - drawings)
    start, end = (round(len(writers) * n / FOLDS) for n in (fold, fold + 1))
    held_out = set(random.Random(0).sample(writers, len(writers))[start:end])
    held_out |= {name for name in drawings if is_held_out(name)}
    kept = [digit for digit in digits if digit.writer not in held_out]
    return kept, [digit for digit in digits if digit.writer in held_out]


def _is_drawing(name: str) -> bool:
    """Whether a name is the UUID of a drawing, as ``export_dataset`` writes it."""
    try:
        return str(UUID(name)) == name
    except ValueError:
        return False


def drawn(digits: Sequence[stroke_files.StrokeSample]) -> LabeledImages:
    """Strokes as the net sees them: drawn by ``ml.ink``."""
    images = np.stack([rasterize(digit.strokes) for digit in digits])
    return LabeledImages(torch.from_numpy(images), torch.tensor([digit.label for digit in digits]))


def others() -> dict[str, Callable[[Path], LabeledImages]]:
    """Other sets of digits that torchvision knows, by name: their test images."""
    return {"usps": _usps, "emnist": _emnist, "qmnist": _qmnist}


def _usps(root: Path) -> LabeledImages:
    """Digits of envelopes, 16x16, brought to the form of MNIST (Hull, 1994)."""
    dataset = import_torchvision().datasets.USPS(root, train=False, download=True)
    found = [pictures.extract_ink(Image.fromarray(levels)) for levels in dataset.data]
    blank = np.zeros((28, 28), np.uint8)
    grids = np.stack([pictures.rasterize_ink(ink.levels) if ink else blank for ink in found])
    return LabeledImages(torch.from_numpy(grids), torch.tensor(dataset.targets))


def _emnist(root: Path) -> LabeledImages:
    """The digits of EMNIST, which are stored lying on their side (Cohen et al., 2017)."""
    dataset = import_torchvision().datasets.EMNIST(root, "digits", train=False, download=True)
    return LabeledImages(dataset.data.transpose(1, 2).contiguous(), dataset.targets)


def _qmnist(root: Path) -> LabeledImages:
    """The 50,000 test digits that MNIST once left out (Yadav and Bottou, 2019)."""
    dataset = import_torchvision().datasets.QMNIST(root, what="test50k", download=True)
    return LabeledImages(dataset.data, dataset.targets[:, 0])
