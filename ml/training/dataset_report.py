"""Report on labeled digits before training: counts, differences from MNIST, contact sheet."""

import io
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ml.classifier import Classifier
from ml.evaluation import input_properties
from ml.preprocessing.strokes import BOX, SIZE, rasterize
from ml.training.dataset_folder import LabeledDigits
from ml.training.stroke_files import NON_DIGIT, StrokeSample

# Largest differences of the means from MNIST's that need no warning: in pixels of ink, and pixels.
MAX_INK, MAX_SIZE, MAX_SHIFT = 34, 3, 1
# Levels above belong to the digit: below are the soft edges of strokes and the noise of JPEG.
EDGE = 64
# Contact sheet: images per label, pixels per image with its margin, and width of the names.
COLUMNS, CELL, NAMES = 24, SIZE + 2, 36
ADVICE = "Check the contact sheet."
# Corrections of turned digits. The shipped model reads up to MAX_DIGITS of them; without any
# correction it reads more than MIN_GAIN of all digits less only if they are turned.
ORIENTATIONS: Mapping[str, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    "transposed, like EMNIST's": lambda images: images.swapaxes(1, 2),
    "mirrored": lambda images: images[:, :, ::-1],
    "upside down": lambda images: images[:, ::-1],
    "turned by 180 degrees": lambda images: images[:, ::-1, ::-1],
    "turned to the left": lambda images: np.rot90(images, -1, (1, 2)),
    "turned to the right": lambda images: np.rot90(images, 1, (1, 2)),
}
# Below MIN_DIGITS digits, single errors decide.
MIN_DIGITS, MAX_DIGITS, MIN_GAIN = 50, 1_000, 0.2


def describe_counts(labels: Iterable[int]) -> str:
    """Return the number of samples of each label."""
    counts = Counter(labels)
    names = [*range(10), NON_DIGIT]
    return ", ".join(
        f"{'non-digits' if label == NON_DIGIT else label}: {counts[label]:,}" for label in names
    )


def stroke_examples(samples: Iterable[StrokeSample]) -> LabeledDigits:
    """Rasterize up to COLUMNS evenly spaced samples of each label; numbers have none."""
    by_label: dict[int, list[StrokeSample]] = {}
    for sample in samples:
        if len(sample.text) == 1:
            by_label.setdefault(sample.label, []).append(sample)
    return LabeledDigits.of(
        (rasterize(same[i].strokes), label, same[i].writer)
        for label, same in by_label.items()
        for i in _evenly_spaced(len(same), COLUMNS)
    )


def compare_orientation(digits: LabeledDigits, classifier: Classifier) -> list[str]:
    """Return a warning if a classifier reads the digits much better when they are turned."""
    chosen = digits.digits()
    index = _evenly_spaced(len(chosen), MAX_DIGITS)
    images, labels = chosen.images[index], chosen.labels[index]
    if len(images) < MIN_DIGITS:
        return []

    def read(turned: NDArray[np.uint8]) -> float:
        predictions = classifier.predict(np.ascontiguousarray(turned)).argmax(1)
        return float((predictions == labels).mean())

    unchanged = read(images)
    read_by_name = {name: read(turn(images)) for name, turn in ORIENTATIONS.items()}
    name = max(read_by_name, key=read_by_name.__getitem__)
    if read_by_name[name] < unchanged + MIN_GAIN:
        return []
    shares = f"{unchanged:.0%} of them, and {read_by_name[name]:.0%} after correction"
    return [f"The digits look {name}: the shipped model reads {shares}. Turn them before training."]


def compare_with_mnist(digits: LabeledDigits) -> list[str]:
    """Return a warning for each property whose mean differs from MNIST's."""
    images = digits.digits().images
    if not len(images):
        return []
    border = np.concatenate([images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]], 1)
    if border.mean() > 127:
        return [f"The border has the mean level {border.mean():.0f}, MNIST's 0: invert the pixels."]
    measured = {name: values.mean() for name, values in input_properties.measure(images).items()}
    sides = [input_properties.extent(images.max(axis) > EDGE) for axis in (1, 2)]
    measured["size"] = np.maximum(*sides).mean()
    mnist = {name: moments.mean for name, moments in input_properties.MNIST.items()}
    mnist["size"] = BOX
    limits = {
        "ink": ("The mean ink is {:.0f} pixels", MAX_INK),
        "size": ("The mean size is {:.1f} pixels", MAX_SIZE),
        "across": ("The mean center is {:.1f} pixels from the left", MAX_SHIFT),
        "down": ("The mean center is {:.1f} pixels from the top", MAX_SHIFT),
    }
    return [
        f"{text.format(measured[name])}, MNIST's {mnist[name]:.1f}. {ADVICE}"
        for name, (text, limit) in limits.items()
        if abs(measured[name] - mnist[name]) > limit
    ]


def contact_sheet(*groups: LabeledDigits) -> bytes:
    """Return a PNG with up to COLUMNS evenly spaced images of each label, light ink on black.

    The groups are below each other.
    """
    rows = [(digits, label) for digits in groups for label in np.unique(digits.labels)]
    sheet = Image.new("L", (NAMES + COLUMNS * CELL, len(rows) * CELL), 64)
    draw = ImageDraw.Draw(sheet)
    for row, (digits, label) in enumerate(rows):
        images = digits.images[digits.labels == label]
        draw.text((4, row * CELL + 8), "none" if label == NON_DIGIT else str(label), fill=255)
        for column, image in enumerate(images[_evenly_spaced(len(images), COLUMNS)]):
            sheet.paste(Image.fromarray(image), (NAMES + column * CELL, row * CELL + 1))
    content = io.BytesIO()
    sheet.resize((2 * sheet.width, 2 * sheet.height), Image.Resampling.NEAREST).save(content, "PNG")
    return content.getvalue()


def _evenly_spaced(count: int, limit: int) -> NDArray[np.int64]:
    """Return up to ``limit`` positions of ``count`` items."""
    return np.linspace(0, count - 1, min(limit, count)).astype(np.int64)
