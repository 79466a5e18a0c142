"""Separate ink from paper: gray levels in, the amount of ink per pixel out.

Drawings and scans have flat paper, and every difference from it is ink. Photos have uneven light,
shadows and noise, so the paper is estimated around each pixel.
"""

from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageOps

# Paper is exact if MIN_FLAT of the pixels have its level, and FLAT have its level or are ink.
MIN_FLAT, FLAT = 0.25, 0.65
# Scans and JPEG files have noise: pixels that differ by at most PAPER_NOISE median differences are
# paper. More than MAX_BORDER_INK of the border beside paper is a shadow or a desk.
PAPER_NOISE = 6.0
MAX_BORDER_INK = 0.1
# Fraction of the darkest ink where ink starts.
INK = 0.1
# Minimum difference of ink from exact paper in levels: yellow differs from white by 29.
MIN_CONTRAST = 24
# Minimum difference from noisy paper in levels, and on photos in 255ths of the light.
MIN_PHOTO_CONTRAST = 50
# The same for ink of the unlikely polarity, light on dark or dark on light.
MIN_UNLIKELY_CONTRAST = 100
# On photos, fractions of the contrast where ink starts and where it is full.
PHOTO_INK = (0.25, 0.75)
# Ink on a photo must exceed this many median differences of neighboring pixels: the noise.
NOISE = 10.0
# Widest pen on a photo, as a fraction of the shorter side of the picture.
WIDEST_PEN = 0.33
# A notch in the edge of a shadow is as dark as its contour: DARK_CONTOUR of the contour is at most
# CONTOUR_CONTRAST of the contrast lighter.
DARK_CONTOUR = 0.25
CONTOUR_CONTRAST = 0.3

Levels: TypeAlias = NDArray[np.uint8]
Pixel = TypeVar("Pixel", bound=np.generic)


def find_ink(gray: Image.Image) -> Levels | None:
    """Return the amount of ink per pixel, or None if nothing contrasts with the paper."""
    levels = np.asarray(gray)
    edge = border(levels)
    ink = _find_ink_on_exact_paper(levels, paper=int(np.bincount(edge).argmax()))
    if ink is None:
        ink = _find_ink_on_noisy_paper(levels, paper=int(np.median(edge)))
    if ink is None:
        ink = _find_ink_on_photo(gray)
    return None if ink.max() < MIN_CONTRAST else ink


def ink_threshold(ink: Levels) -> int:
    """Return the level above which ink counts."""
    return int(INK * ink.max())


def _find_ink_on_exact_paper(levels: Levels, paper: int) -> Levels | None:
    """Return the difference from the paper; None if too few pixels have its level."""
    ink, difference = _differences(levels, paper)
    exact, full = difference == 0, ink > ink.max() // 2
    is_exact = (
        np.count_nonzero(exact) >= MIN_FLAT * ink.size
        and np.count_nonzero(exact | full) >= FLAT * ink.size
    )
    return ink if is_exact else None


def _find_ink_on_noisy_paper(levels: Levels, paper: int) -> Levels | None:
    """Return the difference from the paper above its noise; None if the paper is uneven."""
    ink, difference = _differences(levels, paper)
    contrast = int(ink.max())
    noise = PAPER_NOISE * float(np.median(difference[ink <= contrast // 2]))
    even = difference <= max(INK * contrast, noise)
    has_contrast = contrast >= max(MIN_PHOTO_CONTRAST, 2 * noise)
    is_flat = has_contrast and border(~even).mean() <= MAX_BORDER_INK
    return ink * ~even if is_flat else None


def _differences(levels: Levels, paper: int) -> tuple[Levels, Levels]:
    """Return the difference from the paper in the direction that reaches further, and in both."""
    # NumPy vectorizes the extreme of two arrays, but not of an array and a scalar.
    flat = np.full_like(levels, paper)
    light, dark = np.maximum(levels, flat) - flat, flat - np.minimum(levels, flat)
    return light if light.max() > dark.max() else dark, light | dark


def border(values: NDArray[Pixel]) -> NDArray[Pixel]:
    """Return the values along all four sides."""
    return np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])


def _find_ink_on_photo(gray: Image.Image) -> Levels:
    """Return ink on unevenly lit paper: light on dark or dark on light."""
    small = gray.copy()
    small.thumbnail((40, 40), Image.Resampling.BOX)
    median = small.filter(ImageFilter.MedianFilter(17))
    difference = np.asarray(small, dtype=np.float32) - np.asarray(median)
    # Ink deviates more from the local median than paper.
    likely = bool((difference**3).sum() > 0)
    ink = _find_contrasts(gray, MIN_PHOTO_CONTRAST, inverted=likely)
    if ink.any():
        return ink
    # Glare and shadows deviate more from the paper than a thin pen does.
    return _find_contrasts(gray, MIN_UNLIKELY_CONTRAST, inverted=not likely)


def _find_contrasts(gray: Image.Image, min_contrast: int, *, inverted: bool) -> Levels:
    """Return light ink if ``inverted``, or else dark ink, above the noise measured in the picture.

    Ink is the fraction of the light that it absorbs or adds.
    """
    levels = np.asarray(ImageOps.invert(gray) if inverted else gray)
    paper = _estimate_paper(levels)
    light = 255.0 - paper if inverted else paper.astype(np.float32)
    # The constant suppresses the noise of dark areas.
    depth = 255 * (paper - levels.astype(np.float32)) / (light + 30)
    # Neighbors differ by the noise, even where ink covers half of the picture or the camera's range
    # cuts the noise of white or black paper.
    noise = NOISE * float(np.median(np.abs(np.diff(depth.ravel()))))
    depth -= np.median(depth)
    contrast = float(depth.max())
    start, full = max(PHOTO_INK[0] * contrast, noise), PHOTO_INK[1] * contrast
    if contrast < max(min_contrast, 2 * noise):
        return np.zeros_like(levels)
    if _is_notch(levels, paper, depth > start, depth > full):
        return np.zeros_like(levels)
    return to_levels((depth - start) * (255 / (full - start)))


def _estimate_paper(levels: Levels) -> Levels:
    """Return the paper around each pixel.

    A gray closing (Serra, "Image Analysis and Mathematical Morphology", 1982) fills dark areas
    narrower than a window and keeps the edges of shadows.
    """
    window = max(1, round(WIDEST_PEN * min(levels.shape)))
    padded = np.pad(levels, window - 1, mode="edge")
    return window_extreme(np.minimum, window_extreme(np.maximum, padded, window), window)


def _is_notch(levels: Levels, paper: Levels, ink: NDArray[np.bool], full: NDArray[np.bool]) -> bool:
    """Return whether ink is as dark as much of its contour: a notch in the edge of a shadow."""
    dark = float(np.median(levels[full]))
    limit = dark + CONTOUR_CONTRAST * (float(np.median(paper[ink])) - dark)
    contour = _grow(ink, 6) & ~_grow(ink, 4)
    as_dark = np.count_nonzero(levels[contour] < limit)
    return bool(as_dark > DARK_CONTOUR * np.count_nonzero(contour))


def _grow(mask: NDArray[np.bool], radius: int) -> NDArray[np.bool]:
    return window_extreme(np.maximum, np.pad(mask, radius), 2 * radius + 1)


def window_extreme(extreme: np.ufunc, values: NDArray[Pixel], window: int) -> NDArray[Pixel]:
    """Return the extreme of each window x window square, by doubling."""
    for _ in "yx":
        width = 1
        while width < window:
            step = min(width, window - width)
            values = extreme(values[:-step], values[step:])
            width += step
        values = values.T
    return values


def to_levels(values: NDArray[np.floating]) -> Levels:
    """Round values to gray levels, limited to 0 to 255."""
    return (values.clip(0, 255) + 0.5).astype(np.uint8)
