"""Datasets: MNIST, which ships with the project, and stroke files."""

import gzip
import hashlib
import importlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from ml.files import write_file
from ml.preprocessing.strokes import rasterize
from ml.training.dataset_folder import Contents, LabeledDigits
from ml.training.dataset_readers import Exclusion
from ml.training.stroke_files import StrokeSample

ROOT = Path(__file__).parents[1] / "data"

# SHA-256 of the uncompressed files as published by Y. LeCun.
MNIST_SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
VALIDATION_SIZE = 5_000

# A garbage-collected Library unregisters its operators.
_TORCHVISION = torch.library.Library("torchvision", "FRAGMENT")


class LabeledImages(NamedTuple):
    """Images uint8[N, 28, 28] with their labels int64[N]."""

    images: Tensor
    labels: Tensor

    def subset(self, index: slice) -> "LabeledImages":
        return LabeledImages(self.images[index], self.labels[index])


def merge(*datasets: LabeledImages) -> LabeledImages:
    images, labels = zip(*datasets, strict=True)
    return LabeledImages(torch.cat(images), torch.cat(labels))


def to_tensors(digits: LabeledDigits) -> LabeledImages | None:
    """Convert labeled digits to tensors; return None for an empty set."""
    if not len(digits):
        return None
    return LabeledImages(torch.from_numpy(digits.images.copy()), torch.from_numpy(digits.labels))


def import_torchvision() -> Any:
    """Import torchvision even if its compiled operators cannot load.

    The registry's torchvision wheels are built for CUDA. With a CPU build of PyTorch the operator
    library is skipped, and the import fails because it registers shapes for two missing operators.
    The datasets use neither, so declaring them is enough.
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


@cache
def mnist(*, train: bool, root: Path = ROOT) -> LabeledImages:
    """Return MNIST's 60,000 training or 10,000 test digits.

    The shipped files are unpacked on first use; torchvision downloads missing ones. Raises
    ValueError for a damaged file.
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
        actual = hashlib.sha256(content).hexdigest()
        if actual != sha256:
            raise ValueError(
                f"{packed} is damaged: SHA-256 {actual}, expected {sha256}. Restore the file."
            )
        raw.mkdir(parents=True, exist_ok=True)
        write_file(unpacked, content)


def split(training: LabeledImages) -> tuple[LabeledImages, LabeledImages]:
    """Split MNIST's training set; its last 5,000 images are for validation."""
    return training.subset(slice(-VALIDATION_SIZE)), training.subset(slice(-VALIDATION_SIZE, None))


def exclude_mnist(contents: Contents) -> Contents:
    """Exclude MNIST's validation and test digits, which measure the model.

    Kaggle's CSV files contain both. Raises ValueError if no other digits remain.
    """
    _, validation = split(mnist(train=True))
    images = torch.cat([validation.images, mnist(train=False).images]).numpy()
    known = {image.tobytes() for image in images}
    records = [record for record in contents.records if record[0].tobytes() not in known]
    if not records:
        raise ValueError("all digits are MNIST's validation and test digits. Add other digits.")
    excluded = len(contents.records) - len(records)
    same = Exclusion("MNIST's validation or test digit")
    return Contents(records, [*contents.exclusions, *[same] * excluded])


def rasterize_samples(samples: Sequence[StrokeSample]) -> LabeledImages | None:
    """Rasterize digits and non-digits; return None for an empty list. Numbers have no label."""
    if not samples:
        return None
    progress = tqdm(samples, "rasterizing", leave=False, disable=None)
    images = np.stack([rasterize(sample.strokes) for sample in progress])
    labels = torch.tensor([sample.label for sample in samples])
    return LabeledImages(torch.from_numpy(images), labels)
