"""Find the ink of a picture: separated from paper, without artifacts, inside of frames."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.preprocessing.artifacts import lines_with_ink, without_artifacts
from ml.preprocessing.paper import Levels, border, find_ink, ink_threshold
from ml.preprocessing.pictures import reduction, to_gray, upright
from ml.preprocessing.strokes import Box

# Ink below this fraction of the darkest is pale.
PALE: Final = 0.6
# Smallest digit, as a fraction of the shorter side of the picture.
SMALLEST_DIGIT: Final = 0.03
# Ink along this fraction of the sides of its box is a frame; at most MAX_FRAMES are removed.
FRAME: Final = 0.9
MAX_FRAMES: Final = 2


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

    A frame is a box around the digit, or the rectangle of a negative on white.
    """
    levels = find_ink(gray)
    if levels is None:
        return None
    ink, left, top = _crop(without_artifacts(levels))
    if _is_speck(ink, levels):
        return None
    inside = max_frames and _find_ink_in_frame(gray, ink, left, top, max_frames)
    return inside or (ink, left, top)


def _is_speck(ink: Levels, levels: Levels) -> bool:
    return bool(max(ink.shape) < SMALLEST_DIGIT * min(levels.shape))


def _find_ink_in_frame(
    gray: Image.Image, ink: Levels, left: int, top: int, max_frames: int
) -> tuple[Levels, int, int] | None:
    """Return ink with paper around it inside of a frame of ink at ``left`` and ``top``."""
    frame, x, y = _crop(ink * (ink > ink.max() // 2))
    outline = border(frame) > 0
    if np.count_nonzero(outline) < FRAME * outline.size:
        return None
    left, top, (height, width) = left + x, top + y, frame.shape
    found = _find_ink(gray.crop((left, top, left + width, top + height)), max_frames - 1)
    # Ink across the frame is the bar of a square 8.
    if not found or not _is_within(found, width, height):
        return None
    inside, x, y = found
    return inside, left + x, top + y


def _is_within(found: tuple[Levels, int, int], width: int, height: int) -> bool:
    ink, left, top = found
    return bool(0 < left < width - ink.shape[1] and 0 < top < height - ink.shape[0])


def _crop(ink: Levels) -> tuple[Levels, int, int]:
    """Return the ink cropped to its edges, and its left and top."""
    rows, columns = lines_with_ink(ink)
    left, top = int(columns[0]), int(rows[0])
    return ink[top : rows[-1] + 1, left : columns[-1] + 1], left, top
