"""Photo-like pictures of a digit on paper or on a board, made from MNIST by seed.

The scene is built in linear light, as a camera meets it: reflectance (paper, texture, ink) seen
from an angle, times illumination (falling off, shadowed), through a lens (defocus) onto a sensor
(noise), and stored as JPEG.

    python -m tests.ml.generated_photos docs/images/photos.jpg
"""

import io
import sys
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from ml.classifier import Classifier
from ml.preprocessing import pictures
from ml.recognition import predict_picture
from ml.training import data
from tools.samples import SHIPPED

Floats = NDArray[np.float64]

GAMMA = 2.2
# Reflectance of red, green and blue.
PENCIL, BLUE, BLACK = (0.16, 0.16, 0.17), (0.05, 0.08, 0.3), (0.02, 0.02, 0.02)
CHALK, SLATE = (0.75, 0.75, 0.7), (0.05, 0.06, 0.055)


@dataclass(frozen=True)
class Photo:
    """A JPEG, and the (x, y, width, height) of the digit in its pixels; None without a digit."""

    jpeg: bytes
    box: tuple[float, float, float, float] | None


def take(digit: NDArray[np.uint8] | None, seed: int) -> Photo:
    """Photograph a digit uint8[28, 28]; None leaves the paper blank."""
    rng = np.random.default_rng(seed)
    width, height = [(480, 360), (360, 480), (420, 420)][rng.integers(3)]
    coverage = np.zeros((height, width)) if digit is None else _written(digit, width, height, rng)
    coverage = _tilted(coverage, rng)
    light = _reflected(coverage, rng) * _illumination(height, width, rng)[..., None]
    levels = 255 * np.clip(light, 0, 1) ** (1 / GAMMA)
    picture = _seen(levels, rng)
    jpeg = io.BytesIO()
    picture.save(jpeg, "JPEG", quality=int(rng.integers(40, 91)))
    return Photo(jpeg.getvalue(), _box(coverage))


def _written(digit: NDArray[np.uint8], width: int, height: int, rng: np.random.Generator) -> Floats:
    """How much ink covers each pixel: the digit with sharp edges, anywhere in the frame."""
    rows, columns = np.flatnonzero(digit.any(1)), np.flatnonzero(digit.any(0))
    ink = Image.fromarray(digit).crop((columns[0], rows[0], columns[-1] + 1, rows[-1] + 1))
    scale = rng.uniform(0.2, 0.9) * min(width / ink.width, height / ink.height)
    size = round(ink.width * scale), round(ink.height * scale)
    place = int(rng.integers(width - size[0] + 1)), int(rng.integers(height - size[1] + 1))
    frame = Image.new("L", (width, height))
    frame.paste(ink.resize(size, Image.Resampling.BICUBIC), place)
    return np.clip((np.asarray(frame) / 255 - 0.35) / 0.3, 0, 1)


def _tilted(coverage: Floats, rng: np.random.Generator) -> Floats:
    """The sheet seen from an angle: a perspective that moves each corner by up to 8 %."""
    height, width = coverage.shape
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], dtype=float)
    moved = corners + rng.uniform(-0.08, 0.08, (4, 2)) * (width, height)
    # Outwards only: nothing that was written leaves the picture.
    moved = np.where(corners > 0, np.maximum(moved, corners), np.minimum(moved, 0))
    rows = []
    for (x, y), (u, v) in zip(corners, moved, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    coefficients = np.linalg.solve(np.array(rows), moved.ravel())
    sheet = Image.fromarray(coverage.astype(np.float32))
    method = Image.Transform.PERSPECTIVE
    seen = sheet.transform(
        (width, height), method, coefficients.tolist(), Image.Resampling.BILINEAR
    )
    return np.asarray(seen, dtype=float)


def _reflected(coverage: Floats, rng: np.random.Generator) -> Floats:
    """Reflectance [h, w, 3] of dark ink on textured paper, or of chalk on a board."""
    height, width = coverage.shape
    paper, ink = np.array([0.85, 0.84, 0.8]) * rng.uniform(0.85, 1.1), PENCIL
    if rng.random() < 0.2:
        paper, ink = np.array(SLATE), CHALK
    elif rng.random() < 0.67:
        ink = [BLUE, BLACK][rng.integers(2)]
    fibres = _cloud(height, width, 2, rng) + _cloud(height, width, 8, rng)
    strength = coverage * (1 - rng.uniform(0, 0.1) * np.abs(fibres))
    sheet = paper * (1 + rng.uniform(0, 0.02) * fibres[..., None])
    return sheet + strength[..., None] * (np.array(ink) - sheet)


def _illumination(height: int, width: int, rng: np.random.Generator) -> Floats:
    """Light that falls off to one side and to the corners; a shadow with an edge in every other."""
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    angle, edge_angle = rng.uniform(0, 2 * np.pi, 2)
    across = (x * np.cos(angle) + y * np.sin(angle)) / np.sqrt(2)
    light = 1 - rng.uniform(0, 0.35) * (1 + across) - rng.uniform(0, 0.1) * (x * x + y * y)
    if rng.random() < 0.5:
        along = x * np.cos(edge_angle) + y * np.sin(edge_angle) + rng.uniform(-0.7, 0.7)
        along += 0.03 * _cloud(height, width, 45, rng)
        penumbra = rng.uniform(0.01, 0.3)
        light = light * (1 - rng.uniform(0.2, 0.6) * np.clip(along / penumbra, 0, 1))
    return light * rng.uniform(0.55, 1.05)


def _seen(levels: Floats, rng: np.random.Generator) -> Image.Image:
    """The picture that lens and sensor make of levels [h, w, 3]."""
    blurred = Image.fromarray(levels.round().astype(np.uint8)).filter(
        ImageFilter.GaussianBlur(rng.uniform(0.3, 3))
    )
    noise = rng.uniform(1, 7) * rng.standard_normal(levels.shape, dtype=np.float32)
    return Image.fromarray(np.clip(np.asarray(blurred) + noise, 0, 255).astype(np.uint8))


def _cloud(height: int, width: int, grain: int, rng: np.random.Generator) -> Floats:
    """Smooth noise of unit variance whose spots are about ``grain`` pixels wide."""
    spots = rng.normal(0, 1, (height // grain + 2, width // grain + 2)).astype(np.float32)
    cloud = np.asarray(Image.fromarray(spots).resize((width, height), Image.Resampling.BICUBIC))
    return cloud / cloud.std()


def _box(coverage: Floats) -> tuple[float, float, float, float] | None:
    rows = np.flatnonzero((coverage > 0.5).any(1))
    columns = np.flatnonzero((coverage > 0.5).any(0))
    if not len(rows):
        return None
    width, height = columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1
    return float(columns[0]), float(rows[0]), float(width), float(height)


def main(path: str) -> None:
    """A sheet of photos of test digits, each beside the 28x28 found in it."""
    classifier = Classifier(SHIPPED.read_bytes())
    test = data.mnist(train=False)
    figure = Figure(figsize=(16, 11), layout="constrained")
    for seed, axes in enumerate(figure.subplots(5, 8).flat):
        photo = pictures.open_picture(take(test.images[seed].numpy(), seed).jpeg)
        reading = predict_picture(classifier, photo)
        axes.imshow(photo.convert("RGB"))
        for digit in reading.digits:
            axes.inset_axes([0, 0, 0.3, 0.3]).imshow(digit.grid, cmap="gray_r")
        axes.set_title(f"{test.labels[seed]} read as {reading.text}")
    for axes in figure.findobj(Axes):
        axes.set(xticks=[], yticks=[])
    figure.savefig(path, dpi=80)


if __name__ == "__main__":
    main(sys.argv[1])
