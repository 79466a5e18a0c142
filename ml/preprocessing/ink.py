"""Find the ink of a picture: separated from paper, without artifacts, inside of frames."""

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.preprocessing.artifacts import CELLS, lines_with_ink, without_artifacts
from ml.preprocessing.paper import Levels, border, find_ink, ink_threshold
from ml.preprocessing.pictures import reduction, to_gray, upright
from ml.preprocessing.strokes import Box

# Ink below this fraction of the darkest is pale.
PALE = 0.6
# Smallest digit, as a fraction of the shorter side of the picture.
SMALLEST_DIGIT = 0.03
# Ink in this fraction of the cells along its sides is a frame; at most MAX_FRAMES are removed.
FRAME = 0.9
MAX_FRAMES = 3
# The border of the picture is a margin if its levels differ by at most MARGIN_NOISE, except for
# MAX_MARGIN_GAPS of them, and MIN_INSIDE of the picture differs from it by more.
MARGIN_NOISE = 24
MAX_MARGIN_GAPS = 0.05
MIN_INSIDE = 0.6

Area: TypeAlias = tuple[int, int, int, int]
"""Left, top, right and bottom of a part of a picture, in pixels."""


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
        """Return a part of this ink with its corner at ``left`` and ``top`` in it."""
        return Ink(levels, self.left + left, self.top + top, self.pixel)

    def without_pale_ink(self) -> "Ink | None":
        """Return the ink without pale ink such as ruled lines and the boxes of forms.

        None if the rest is a speck.
        """
        levels = self.levels * (self.levels > PALE * self.levels.max())
        dark, left, top = _crop(without_artifacts(levels, has_border=False))
        return None if _is_speck(dark, levels) else self.part(dark, left, top)

    def mask(self) -> NDArray[np.bool]:
        """Return the pixels with enough ink to count."""
        return self.levels > ink_threshold(self.levels)


def extract_ink(picture: Image.Image) -> Ink | None:
    """Return the ink of a picture, or None if it is blank."""
    factor = reduction(picture)
    gray = to_gray(picture, factor)
    # Some conversions drop the EXIF orientation.
    gray.info = picture.info
    found = _find_ink(upright(gray), MAX_FRAMES)
    pixel = factor * picture.info.get("full_width", picture.width) / picture.width
    return Ink(*found, pixel) if found else None


def _find_ink(gray: Image.Image, max_frames: int) -> tuple[Levels, int, int] | None:
    """Return ink cropped to its edges, its left and top; inside of at most ``max_frames`` frames.

    A frame is a margin of the picture, a box around the digit, or the rectangle of a negative.
    """
    margin = _inside_of_margin(np.asarray(gray)) if max_frames else None
    inside = margin and _find_ink_inside(gray, margin, max_frames)
    if inside:
        return inside
    levels = find_ink(gray)
    if levels is None:
        return None
    ink, left, top = _crop(without_artifacts(levels))
    if _is_speck(ink, levels):
        return None
    box = _inside_of_box(ink, left, top) if max_frames else None
    inside = box and _find_ink_inside(gray, box, max_frames)
    return inside or (ink, left, top)


def _find_ink_inside(
    gray: Image.Image, area: Area, max_frames: int
) -> tuple[Levels, int, int] | None:
    found = _find_ink(gray.crop(area), max_frames - 1)
    if found is None:
        return None
    ink, x, y = found
    left, top, right, bottom = area
    # Ink across the area is the bar of a square 8.
    if ink.shape[0] >= bottom - top or ink.shape[1] >= right - left:
        return None
    return ink, left + x, top + y


def _inside_of_margin(levels: Levels) -> Area | None:
    """Return the area inside of a border of one level that is not the paper."""
    level = int(np.median(border(levels)))
    darkest, lightest = max(level - MARGIN_NOISE, 0), min(level + MARGIN_NOISE, 255)
    differs = (levels < darkest) | (levels > lightest)
    if np.count_nonzero(differs) < MIN_INSIDE * differs.size:
        return None
    if border(differs).mean() > MAX_MARGIN_GAPS:
        return None
    rows = np.flatnonzero(differs.mean(axis=1) > 0.5)
    columns = np.flatnonzero(differs.mean(axis=0) > 0.5)
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _inside_of_box(ink: Levels, left: int, top: int) -> Area | None:
    """Return the area inside of a box of ink, or None if its sides have gaps."""
    height, width = ink.shape
    side = math.ceil(max(height, width) / CELLS)
    lines = (
        ink[:side].max(axis=0),
        ink[-side:].max(axis=0),
        ink[:, :side].max(axis=1),
        ink[:, -side:].max(axis=1),
    )
    cells = [np.maximum.reduceat(line, np.arange(0, line.size, side)) for line in lines]
    coverage = np.mean(np.concatenate(cells) > ink_threshold(ink))
    if coverage < FRAME or min(height, width) <= 2 * side:
        return None
    return left + side, top + side, left + width - side, top + height - side


def _is_speck(ink: Levels, levels: Levels) -> bool:
    return bool(max(ink.shape) < SMALLEST_DIGIT * min(levels.shape))


def _crop(ink: Levels) -> tuple[Levels, int, int]:
    """Return the ink cropped to its edges, and its left and top."""
    rows, columns = lines_with_ink(ink)
    left, top = int(columns[0]), int(rows[0])
    return ink[top : rows[-1] + 1, left : columns[-1] + 1], left, top
