"""Pictures of a digit brought to the form of MNIST: light ink on black, 28x28, centred.

The steps are those of the set itself (LeCun et al., 1998): the ink scaled to fit a box of 20x20
pixels, its centre of mass moved to pixel 14, 14.
"""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from ml.ink import BOX, SIZE, Grid

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
MAX_PIXELS = 16_000_000
# Nothing finer is needed for 20 pixels of ink.
WORKING_SIZE = 400
# Grey levels, of 255, by which ink must differ from paper.
MIN_CONTRAST = 32
# Share of the full contrast above which a pixel counts as ink.
INK = 0.1
# Ink no larger than this share of the picture, either way, is a speck.
SPECK = 0.01

Levels = NDArray[np.float32]


class PictureError(ValueError):
    """The bytes are not a picture that can be read; the message says why."""


class PictureTooLarge(PictureError):
    """The picture has more pixels than this service decodes."""


@dataclass(frozen=True)
class Found:
    """A digit found in a picture: uint8[28, 28], and its (x, y, width, height) in the picture."""

    grid: Grid
    box: tuple[float, float, float, float]


def open_picture(content: bytes) -> Image.Image:
    """Decode a picture. Raises PictureError, or PictureTooLarge before anything is decoded."""
    try:
        picture = Image.open(io.BytesIO(content), formats=FORMATS)
        if picture.width * picture.height > MAX_PIXELS:
            raise PictureTooLarge(
                f"The picture has {picture.width}x{picture.height} pixels;"
                f" at most {MAX_PIXELS // 1_000_000} million are read."
            )
        # JPEG can be decoded at a fraction of its size, in a fraction of the time.
        picture.draft("RGB", (2 * WORKING_SIZE, 2 * WORKING_SIZE))
        picture.load()
    except PictureError:
        raise
    # Besides OSError, the decoders raise ValueError, SyntaxError and errors of struct and zlib.
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, TypeError, OverflowError) as e:
        raise PictureError(f"This is not a picture that can be read: {e}") from e
    except Image.DecompressionBombError as e:
        raise PictureTooLarge(str(e)) from e
    return picture


def prepare(picture: Image.Image) -> Found | None:
    """Find the ink of a picture and bring it onto the grid of MNIST; None when it is blank."""
    turned = ImageOps.exif_transpose(picture)
    small = turned.copy()
    small.thumbnail((WORKING_SIZE, WORKING_SIZE), Image.Resampling.BOX)
    ink = _ink(_grey(small))
    if ink is None:
        return None
    rows, columns = np.flatnonzero((ink > INK).any(1)), np.flatnonzero((ink > INK).any(0))
    left, top = int(columns[0]), int(rows[0])
    right, bottom = int(columns[-1]) + 1, int(rows[-1]) + 1
    grid = _centred(_scaled(ink[top:bottom, left:right]))
    ratio = turned.width / small.width
    x, y, width, height = (v * ratio for v in (left, top, right - left, bottom - top))
    return Found(grid, (x, y, width, height))


def _grey(picture: Image.Image) -> Levels:
    """Grey levels float32[h, w] from 0 to 255, transparency filled so that the ink stands out."""
    if picture.mode.startswith(("I", "F")):
        # 16 bits a pixel and more: Pillow's own conversion cuts off all but the first 255 levels.
        levels = np.asarray(picture, dtype=np.float32)
        return levels * (255 / max(255.0, float(levels.max())))
    if not picture.has_transparency_data:
        return np.asarray(picture.convert("L"), dtype=np.float32)
    grey, alpha = (np.asarray(band, np.float32) for band in picture.convert("LA").split())
    visible = alpha.sum()
    mean = float((grey * alpha).sum() / visible) if visible else 0.0
    paper = 255.0 if mean < 128 else 0.0
    return paper + (grey - paper) * (alpha / 255)


def _ink(grey: Levels) -> Levels | None:
    """How much each pixel differs from the paper, 0 to 1; None where nothing stands out.

    The paper is what most of the edge of the picture shows; the ink is darker or lighter,
    whichever reaches further from it.
    """
    edge = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    paper = float(np.median(edge))
    lighter, darker = float(grey.max()) - paper, paper - float(grey.min())
    contrast = max(lighter, darker)
    if contrast < MIN_CONTRAST:
        return None
    ink = (grey - paper) / (contrast if lighter > darker else -contrast)
    return np.clip(ink, 0, 1)


def _scaled(ink: Levels) -> Levels:
    """Ink scaled so that its longer side fills the box."""
    height, width = ink.shape
    scale = BOX / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(Image.fromarray(ink).resize(size, Image.Resampling.BOX))


def _centred(ink: Levels) -> Grid:
    """Ink of at most 20x20 on the grid, its centre of mass nearest to the middle of pixel 14."""
    levels = np.floor(ink * 255 + 0.5)
    height, width = levels.shape
    mass = levels.sum()
    x = int((levels.sum(0) * (np.arange(width))).sum() / mass + 0.5)
    y = int((levels.sum(1) * (np.arange(height))).sum() / mass + 0.5)
    left = min(max(14 - x, 0), SIZE - width)
    top = min(max(14 - y, 0), SIZE - height)
    grid = np.zeros((SIZE, SIZE), dtype=np.uint8)
    grid[top : top + height, left : left + width] = levels
    return grid
