"""Synthetic photos of MNIST digits on paper or on a blackboard, reproducible by seed.

The scene is computed in linear light: reflectance (paper, texture, ink) in perspective, times
illumination (falloff, shadow), with defocus and sensor noise, stored as JPEG.
"""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Floats = NDArray[np.float64]

GAMMA = 2.2
# Reflectances (red, green, blue).
PENCIL, BLUE, BLACK = (0.16, 0.16, 0.17), (0.05, 0.08, 0.3), (0.02, 0.02, 0.02)
CHALK, SLATE = (0.75, 0.75, 0.7), (0.05, 0.06, 0.055)


def take(digit: NDArray[np.uint8] | None, seed: int) -> bytes:
    """Return a JPEG of a digit uint8[28, 28], or of blank paper for None."""
    rng = np.random.default_rng(seed)
    width, height = [(480, 360), (360, 480), (420, 420)][rng.integers(3)]
    coverage = np.zeros((height, width)) if digit is None else _ink(digit, width, height, rng)
    coverage = _perspective(coverage, rng)
    light = _reflectance(coverage, rng) * _illumination(height, width, rng)[..., None]
    picture = _expose(255 * np.clip(light, 0, 1) ** (1 / GAMMA), rng)
    jpeg = io.BytesIO()
    picture.save(jpeg, "JPEG", quality=int(rng.integers(40, 91)))
    return jpeg.getvalue()


def _ink(digit: NDArray[np.uint8], width: int, height: int, rng: np.random.Generator) -> Floats:
    """Return the ink coverage of each pixel, 0 to 1, with the digit at a random position."""
    rows, columns = np.flatnonzero(digit.any(1)), np.flatnonzero(digit.any(0))
    ink = Image.fromarray(digit).crop((columns[0], rows[0], columns[-1] + 1, rows[-1] + 1))
    scale = rng.uniform(0.2, 0.9) * min(width / ink.width, height / ink.height)
    size = round(ink.width * scale), round(ink.height * scale)
    position = int(rng.integers(width - size[0] + 1)), int(rng.integers(height - size[1] + 1))
    frame = Image.new("L", (width, height))
    frame.paste(ink.resize(size, Image.Resampling.BICUBIC), position)
    return np.clip((np.asarray(frame) / 255 - 0.35) / 0.3, 0, 1)


def _perspective(coverage: Floats, rng: np.random.Generator) -> Floats:
    """Apply a random perspective that moves each corner outwards by up to 8%."""
    height, width = coverage.shape
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], dtype=float)
    moved = corners + rng.uniform(-0.08, 0.08, (4, 2)) * (width, height)
    # Outwards only, so that the complete digit stays in the picture.
    moved = np.where(corners > 0, np.maximum(moved, corners), np.minimum(moved, 0))
    rows = []
    for (x, y), (u, v) in zip(corners, moved, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    coefficients = np.linalg.solve(np.array(rows), moved.ravel())
    transformed = Image.fromarray(coverage.astype(np.float32)).transform(
        (width, height),
        Image.Transform.PERSPECTIVE,
        coefficients.tolist(),
        Image.Resampling.BILINEAR,
    )
    return np.asarray(transformed, dtype=float)


def _reflectance(coverage: Floats, rng: np.random.Generator) -> Floats:
    """Return the reflectance [h, w, 3] of ink on textured paper or chalk on a blackboard."""
    height, width = coverage.shape
    paper, ink = np.array([0.85, 0.84, 0.8]) * rng.uniform(0.85, 1.1), PENCIL
    if rng.random() < 0.2:
        paper, ink = np.array(SLATE), CHALK
    elif rng.random() < 0.67:
        ink = [BLUE, BLACK][rng.integers(2)]
    fibers = _smooth_noise(height, width, 2, rng) + _smooth_noise(height, width, 8, rng)
    strength = coverage * (1 - rng.uniform(0, 0.1) * np.abs(fibers))
    background = paper * (1 + rng.uniform(0, 0.02) * fibers[..., None])
    return background + strength[..., None] * (np.array(ink) - background)


def _illumination(height: int, width: int, rng: np.random.Generator) -> Floats:
    """Return light [h, w] with falloff and, in half of the photos, a shadow with a soft edge."""
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    angle, edge_angle = rng.uniform(0, 2 * np.pi, 2)
    distance = (x * np.cos(angle) + y * np.sin(angle)) / np.sqrt(2)
    light = 1 - rng.uniform(0, 0.35) * (1 + distance) - rng.uniform(0, 0.1) * (x * x + y * y)
    if rng.random() < 0.5:
        depth = x * np.cos(edge_angle) + y * np.sin(edge_angle) + rng.uniform(-0.7, 0.7)
        depth += 0.03 * _smooth_noise(height, width, 45, rng)
        penumbra = rng.uniform(0.01, 0.3)
        light = light * (1 - rng.uniform(0.2, 0.6) * np.clip(depth / penumbra, 0, 1))
    return light * rng.uniform(0.55, 1.05)


def _expose(levels: Floats, rng: np.random.Generator) -> Image.Image:
    """Add defocus and sensor noise to levels [h, w, 3]."""
    blurred = Image.fromarray(levels.round().astype(np.uint8)).filter(
        ImageFilter.GaussianBlur(rng.uniform(0.3, 3))
    )
    noise = rng.uniform(1, 7) * rng.standard_normal(levels.shape, dtype=np.float32)
    return Image.fromarray(np.clip(np.asarray(blurred) + noise, 0, 255).astype(np.uint8))


def _smooth_noise(height: int, width: int, grain: int, rng: np.random.Generator) -> Floats:
    """Return noise of unit variance with a correlation length of about ``grain`` pixels."""
    coarse = rng.normal(0, 1, (height // grain + 2, width // grain + 2)).astype(np.float32)
    noise = np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))
    return noise / noise.std()
