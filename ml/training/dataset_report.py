"""Report on labeled digits before training: counts, differences from MNIST, contact sheet."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ml.evaluation import input_properties
from ml.preprocessing.strokes import BOX, SIZE
from ml.training.dataset_folder import LabeledDigits
from ml.training.stroke_files import NON_DIGIT

# Largest differences of the means from MNIST's that need no warning: in pixels of ink, and pixels.
MAX_INK, MAX_SIZE, MAX_SHIFT = 34, 3, 1
# Levels above belong to the digit: below are the soft edges of strokes and the noise of JPEG.
EDGE = 64
# Contact sheet: images per label, pixels per image with its margin, and width of the names.
COLUMNS, CELL, NAMES = 24, SIZE + 2, 36
ADVICE = "Check the contact sheet."


def describe_counts(digits: LabeledDigits) -> str:
    """Return the number of images of each label."""
    counts = {str(digit): int((digits.labels == digit).sum()) for digit in range(10)}
    counts["non-digits"] = int((digits.labels == NON_DIGIT).sum())
    return ", ".join(f"{name}: {count:,}" for name, count in counts.items())


def compare_with_mnist(digits: LabeledDigits) -> list[str]:
    """Return a warning for each property whose mean differs from MNIST's."""
    images = digits.digits().images
    if not len(images):
        return []
    border = np.concatenate([images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]], 1)
    if border.mean() > 127:
        return [f"The border has the mean level {border.mean():.0f}, MNIST's 0: invert the pixels."]
    measured = {name: values.mean() for name, values in input_properties.measure(images).items()}
    measured["size"] = _sizes(images).mean()
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


def _sizes(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the longer sides of the digits, float64[N]."""
    across, down = (input_properties.extent(images.max(axis) > EDGE) for axis in (1, 2))
    return np.maximum(across, down)


def contact_sheet(digits: LabeledDigits) -> bytes:
    """Return a PNG with up to COLUMNS evenly spaced images of each label, light ink on black."""
    labels = np.unique(digits.labels)
    sheet = Image.new("L", (NAMES + COLUMNS * CELL, len(labels) * CELL), 64)
    draw = ImageDraw.Draw(sheet)
    for row, label in enumerate(labels):
        images = digits.images[digits.labels == label]
        draw.text((4, row * CELL + 8), "none" if label == NON_DIGIT else str(label), fill=255)
        chosen = np.linspace(0, len(images) - 1, min(COLUMNS, len(images))).astype(int)
        for column, image in enumerate(images[chosen]):
            sheet.paste(Image.fromarray(image), (NAMES + column * CELL, row * CELL + 1))
    content = io.BytesIO()
    sheet.resize((2 * sheet.width, 2 * sheet.height), Image.Resampling.NEAREST).save(content, "PNG")
    return content.getvalue()
