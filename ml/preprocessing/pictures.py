"""Preprocess pictures of digits to MNIST's form: light ink on black, 28x28, centered.

The steps are those of the dataset (LeCun et al., 1998): ink scaled to a box of 20x20 pixels, center
of mass moved to pixel 14, 14. Drawings have flat paper, and every difference from it is ink. Photos
have uneven light, shadows and noise, so the paper is estimated around each pixel.
"""

import math
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageOps

from ml.preprocessing.strokes import BOX, SIZE, Box, Grid

# Pictures are reduced to about this many pixels per side: 20 pixels of ink need no more.
WORKING_SIZE: Final = 250
# Bytes of EXIF: Pillow builds an object per entry.
MAX_EXIF_BYTES: Final = 65_536

# Paper is flat if at least this fraction of the pixels has the paper's exact level or is ink.
FLAT: Final = 0.65
# Minimum difference of ink from flat paper in levels, and on photos in 255ths of the light.
MIN_CONTRAST: Final = 24
MIN_PHOTO_CONTRAST: Final = 50
# Fractions of the contrast where ink starts; on photos, where it starts and where it is full.
INK: Final = 0.1
PHOTO_INK: Final = (0.4, 0.75)
# Ink below PALE of the darkest is pale. Removing it must shrink the ink to SHRINK of a side: else
# it is the soft edge of strokes.
PALE: Final = 0.6
SHRINK: Final = 0.9
# Ink on a photo must exceed the noise by this many standard deviations.
NOISE: Final = 6.0
# Smallest digit, and widest pen on a photo, as fractions of the shorter side of the picture.
SMALLEST_DIGIT: Final = 0.03
WIDEST_PEN: Final = 0.33
# Thinner pens are widened to MIN_PEN pixels of the grid, on a grid FINE times finer.
MIN_PEN: Final = 2.0
FINE: Final = 3
# A component with less than this fraction of the largest component's area is a speck.
MIN_COMPONENT_AREA: Final = 0.05

Levels = NDArray[np.uint8]
Pixel = TypeVar("Pixel", bound=np.generic)


@dataclass(frozen=True)
class Ink:
    """Ink of a picture: levels uint8[h, w] cropped to the ink, its position and pixel size.

    ``left`` and ``top`` are in pixels of ``levels``, each of which is ``pixel`` pixels of the
    picture wide.
    """

    levels: Levels
    left: int
    top: int
    pixel: float

    @property
    def box(self) -> Box:
        """The bounding box in the picture."""
        height, width = self.levels.shape
        scale = self.pixel
        return Box(scale * self.left, scale * self.top, scale * width, scale * height)

    def part(self, levels: Levels, left: int, top: int) -> "Ink":
        """Return a part of this ink whose corner is at ``left`` and ``top`` in it."""
        return Ink(levels, self.left + left, self.top + top, self.pixel)

    def without_pale_ink(self) -> "Ink | None":
        """Return the ink without pale ink such as ruled lines and the boxes of forms.

        None if only a dot remains, or if the ink shrinks so little that only soft edges were pale.
        """
        levels = self.levels * (self.levels > PALE * self.levels.max())
        cropped, left, top = _crop(_remove_specks(levels))
        is_dot = max(cropped.shape) < SMALLEST_DIGIT * min(levels.shape)
        if is_dot or min(np.divide(cropped.shape, levels.shape)) > SHRINK:
            return None
        return self.part(cropped, left, top)

    def mask(self) -> NDArray[np.bool]:
        """Return the pixels with enough ink to count."""
        return _mask(self.levels)


def extract_ink(picture: Image.Image) -> Ink | None:
    """Return the ink of a picture, or None if it is blank."""
    factor = max(1, round(math.sqrt(picture.width * picture.height) / WORKING_SIZE))
    gray = to_gray(picture, factor)
    # Some conversions drop the EXIF orientation.
    gray.info = picture.info
    levels = _find_ink(_upright(gray))
    if levels is None:
        return None
    cropped, left, top = _crop(levels)
    if max(cropped.shape) < SMALLEST_DIGIT * min(levels.shape):
        return None
    pixel = factor * picture.info.get("full_width", picture.width) / picture.width
    return Ink(cropped, left, top, pixel)


def rasterize_ink(levels: Levels) -> Grid:
    """Rasterize the ink of one digit, uint8[h, w], on MNIST's grid, uint8[28, 28].

    The longer side fills the box, the darkest pixel is 255, and the center of mass is nearest to
    the middle of pixel 14. A pen thinner than MNIST's is widened: scaled with its digit, it would
    be less than a pixel wide.
    """
    fine = _resize(_to_floats(levels), FINE * BOX)
    missing = round(FINE * MIN_PEN - _pen_width(fine))
    source = levels
    if missing > 0:
        source = _window_extreme(np.maximum, np.pad(fine, missing), missing + 1)
    scaled = _resize(_to_floats(source), BOX)
    height, width = scaled.shape
    mass = scaled.sum()
    x = int(scaled.sum(0) @ np.arange(width) / mass + 0.5)
    y = int(scaled.sum(1) @ np.arange(height) / mass + 0.5)
    left = min(max(14 - x, 0), SIZE - width)
    top = min(max(14 - y, 0), SIZE - height)
    grid = np.zeros((SIZE, SIZE), dtype=np.uint8)
    grid[top : top + height, left : left + width] = scaled
    return grid


def to_gray(picture: Image.Image, factor: int) -> Image.Image:
    """Return gray levels (mode L) at 1/factor of the size; transparency becomes paper."""
    if picture.mode.startswith(("I", "F")):
        return _to_8_bit(picture.convert("F").reduce(factor))
    if not picture.has_transparency_data:
        return picture.convert("L").reduce(factor)
    gray, alpha = picture.convert("LA").reduce(factor).split()
    weights = np.asarray(alpha, dtype=np.float32)
    mean = (np.asarray(gray) * weights).sum() / max(weights.sum(), 1)
    return Image.composite(gray, Image.new("L", gray.size, 255 if mean < 128 else 0), alpha)


def _to_8_bit(picture: Image.Image) -> Image.Image:
    """Scale a picture of floats; white is the smallest usual maximum that covers its values."""
    values = np.nan_to_num(np.asarray(picture), posinf=0).clip(0)
    brightest = float(values.max())
    white = next((white for white in (1, 255, 4095, 65535) if brightest <= white), brightest)
    return Image.fromarray(_to_levels(values * (255 / white)))


def _upright(picture: Image.Image) -> Image.Image:
    """Apply the EXIF orientation, if it can be read."""
    if len(picture.info.get("exif", b"")) > MAX_EXIF_BYTES:
        return picture
    try:
        return ImageOps.exif_transpose(picture)
    except Exception:  # broken EXIF raises many unrelated exceptions
        return picture


def _find_ink(gray: Image.Image) -> Levels | None:
    """Return the amount of ink per pixel, or None if nothing contrasts with the paper."""
    levels = np.asarray(gray)
    border = np.concatenate([levels[0], levels[-1], levels[:, 0], levels[:, -1]])
    paper = int(np.partition(border, border.size // 2)[border.size // 2])
    ink = _find_ink_on_flat_paper(levels, paper)
    flat = (levels == paper) | (ink > ink.max() // 2)
    if np.count_nonzero(flat) < FLAT * flat.size:
        ink = _find_ink_on_photo(gray)
    return None if ink.max() < MIN_CONTRAST else _remove_specks(ink)


def _find_ink_on_flat_paper(levels: Levels, paper: int) -> Levels:
    """Return the difference from the paper, in the direction that reaches further."""
    # NumPy vectorizes the extreme of two arrays, but not of an array and a scalar.
    flat = np.full_like(levels, paper)
    if int(levels.max()) - paper > paper - int(levels.min()):
        return np.maximum(levels, flat) - flat
    return flat - np.minimum(levels, flat)


def _find_ink_on_photo(gray: Image.Image) -> Levels:
    """Return ink on unevenly lit paper, above the noise measured in the picture.

    The paper is estimated by a gray closing (Serra, "Image Analysis and Mathematical Morphology",
    1982): it fills dark areas narrower than a window and keeps the edges of shadows. Ink is the
    fraction of the light that it absorbs or adds.
    """
    gray = gray.filter(ImageFilter.GaussianBlur(1))
    inverted = _is_light_on_dark(gray)
    levels = np.asarray(ImageOps.invert(gray) if inverted else gray)
    window = max(1, round(WIDEST_PEN * min(levels.shape)))
    padded = np.pad(levels, window - 1, mode="edge")
    closed = _window_extreme(np.minimum, _window_extreme(np.maximum, padded, window), window)
    paper = closed.astype(np.float32)
    light = 255 - paper if inverted else paper
    # The constant suppresses the noise of dark areas.
    depth = 255 * (paper - levels) / (light + 30)
    # One standard deviation of a normal distribution, from the paper's half of the depths.
    low, usual = np.quantile(depth, (0.1, 0.4))
    noise = NOISE * float(usual - low)
    depth -= usual
    contrast = float(depth.max())
    if contrast < max(MIN_PHOTO_CONTRAST, 2 * noise):
        return np.zeros_like(levels)
    start, full = max(PHOTO_INK[0] * contrast, noise), PHOTO_INK[1] * contrast
    return _to_levels((depth - start) * (255 / (full - start)))


def _is_light_on_dark(gray: Image.Image) -> bool:
    """Return whether the largest deviations from the local median are light."""
    small = gray.copy()
    small.thumbnail((40, 40), Image.Resampling.BOX)
    median = small.filter(ImageFilter.MedianFilter(17))
    difference = np.asarray(small, dtype=np.float32) - np.asarray(median)
    return bool((difference**3).sum() > 0)


def _window_extreme(extreme: np.ufunc, values: NDArray[Pixel], window: int) -> NDArray[Pixel]:
    """Return the extreme of each window x window square, by doubling."""
    for _ in "yx":
        width = 1
        while width < window:
            step = min(width, window - width)
            values = extreme(values[:-step], values[step:])
            width += step
        values = values.T
    return values


def _remove_specks(ink: Levels) -> Levels:
    """Return the ink without components that are small compared to the largest."""
    if not any(np.count_nonzero(lines[1:] != lines[:-1]) > 2 for lines in _lines_with_ink(ink)):
        return ink
    # Cells of 1/50 of the longer side: gaps of less than one or two cells are closed.
    side = math.ceil(max(ink.shape) / 50)
    cells = np.asarray(Image.fromarray(_mask(ink)).convert("L").reduce(side))
    components = _label_components(cells > 0)
    areas = np.bincount(components.ravel(), cells.ravel())
    specks = (components > 0) & (areas < MIN_COMPONENT_AREA * areas.max())[components]
    clean: Levels = ink * ~specks[np.ix_(*(np.arange(length) // side for length in ink.shape))]
    return clean


def _label_components(cells: NDArray[np.bool]) -> NDArray[np.intp]:
    """Label the connected components of cells; 0 is background.

    Every cell takes the largest label around it until nothing changes.
    """
    labels = np.arange(1, cells.size + 1).reshape(cells.shape) * cells
    while True:
        spread = _window_extreme(np.maximum, np.pad(labels, 1), 3) * cells
        if np.array_equal(spread, labels):
            return labels
        labels = spread


def _crop(ink: Levels) -> tuple[Levels, int, int]:
    """Return the ink cropped to its edges, and its left and top."""
    rows, columns = (np.flatnonzero(lines) for lines in _lines_with_ink(ink))
    left, top = int(columns[0]), int(rows[0])
    return ink[top : rows[-1] + 1, left : columns[-1] + 1], left, top


def _lines_with_ink(ink: Levels) -> tuple[NDArray[np.bool], NDArray[np.bool]]:
    """Return which rows and which columns have ink."""
    threshold = _threshold(ink)
    return ink.max(axis=1) > threshold, ink.max(axis=0) > threshold


def _mask(ink: Levels) -> NDArray[np.bool]:
    return ink > _threshold(ink)


def _threshold(ink: Levels) -> int:
    return int(INK * ink.max())


def _to_floats(ink: Levels) -> Image.Image:
    """Return ink as a picture of floats, so that thin lines survive scaling down."""
    return Image.fromarray(ink.astype(np.float32))


def _resize(ink: Image.Image, side: float) -> Levels:
    """Scale ink to ``side`` pixels on its longer side, and its darkest pixel to 255."""
    scale = side / max(ink.size)
    size = (max(1, round(ink.width * scale)), max(1, round(ink.height * scale)))
    resized = np.asarray(ink.resize(size, Image.Resampling.BOX))
    return _to_levels(resized * (255 / resized.max()))


def _pen_width(ink: Levels) -> float:
    """Return the mean width of strokes in pixels: twice the area divided by the perimeter.

    The perimeter of a shape with soft edges is its total variation.
    """
    padded = np.zeros((ink.shape[0] + 2, ink.shape[1] + 2), dtype=np.float32)
    padded[1:-1, 1:-1] = ink
    down, right = np.diff(padded, axis=0)[:, :-1], np.diff(padded, axis=1)[:-1]
    return float(2 * ink.sum() / np.sqrt(down * down + right * right).sum())


def _to_levels(values: NDArray[np.floating]) -> Levels:
    return (values.clip(0, 255) + 0.5).astype(np.uint8)
