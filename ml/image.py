"""Pictures of a digit brought to the form of MNIST: light ink on black, 28x28, centred.

The steps are those of the set itself (LeCun et al., 1998): the ink scaled to fit a box of 20x20
pixels, its centre of mass moved to pixel 14, 14. Drawings lie on flat paper, and what differs from
it is ink. Photos have light, shadows and noise: there the paper is estimated around each pixel.
"""

import io
import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageOps
from PIL.JpegImagePlugin import JpegImageFile

from ml.ink import BOX, SIZE, Grid

FORMATS: Final = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
# A JPEG is decoded at a fraction of its size; of the others all pixels are in memory at once.
MAX_JPEG_PIXELS: Final = 16_000_000
MAX_PIXELS: Final = 6_000_000
# Good files take a few hundred; bombs of empty chunks or markers take millions, and seconds.
MAX_READS: Final = 20_000
# Nothing finer is needed for 20 pixels of ink.
WORKING_SIZE: Final = 250
# Grey levels, of 255, by which ink must differ from paper.
MIN_CONTRAST: Final = 24
# Paper is flat where these shares of the edge and of the whole are at most so many levels apart.
FLAT_LEVELS: Final = 2
FLAT_EDGE: Final = 1.1
PHOTO_CONTRAST = 40
QT=.3
QQ=1.0
BL=1

FLAT_WHOLE: Final = .33
# Share of the full contrast above which a pixel counts as ink.
INK: Final = 0.1
# The smallest digit, and the widest pen of a photo, as shares of the shorter side of the picture.
SMALLEST_DIGIT: Final = 0.03
WIDEST_PEN: Final = 0.4
# On a photo, shares of the full contrast at which ink begins and at which it is full.
PHOTO_INK: Final = (.2, .7)
# Standard deviations of the noise of a photo that ink must exceed.
NOISE: Final = 6.0
# A piece with less than this share of the ink of the largest is a speck.
SPECK: Final = 0.05
# Pieces are told apart on a grid with this many cells to the longer side.
CELLS: Final = 48

_FULL_WIDTH = "full_width"
DARK = 30

Levels = NDArray[np.uint8]


class PictureError(ValueError):
    """The bytes are not a picture that can be read; the message says why."""


class PictureTooLarge(PictureError):
    """The picture has more pixels than this service decodes."""


@dataclass(frozen=True)
class Found:
    """A digit found in a picture: uint8[28, 28], and its (x, y, width, height) in the picture."""

    grid: Grid
    box: tuple[float, float, float, float]


class _Frugal(io.BytesIO):
    """Bytes that may be read a limited number of times."""

    reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self.reads += 1
        if self.reads > MAX_READS:
            raise PictureError("The picture is in too many small parts.")
        return super().read(size)


def open_picture(content: bytes) -> Image.Image:
    """Decode a picture, a large JPEG at reduced size; of an animation the first frame.

    Raises PictureError, or PictureTooLarge before anything is decoded.
    """
    try:
        picture = Image.open(_Frugal(content), formats=FORMATS)
        _check_size(picture)
        picture.info[_FULL_WIDTH] = picture.width
        picture.draft("L", (WORKING_SIZE, WORKING_SIZE))
        picture.load()
    except PictureError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureTooLarge(str(error)) from error
    except Exception as error:  # the decoders raise a dozen unrelated kinds
        raise PictureError(f"This is not a picture that can be read: {error}") from error
    return picture


def _check_size(picture: Image.Image) -> None:
    limit = MAX_JPEG_PIXELS if isinstance(picture, JpegImageFile) else MAX_PIXELS
    if picture.width * picture.height > limit:
        raise PictureTooLarge(
            f"The picture has {picture.width}x{picture.height} pixels;"
            f" at most {limit // 1_000_000} million are read."
        )


def prepare(picture: Image.Image) -> Found | None:
    """Find the ink of a picture and bring it onto the grid of MNIST; None when it is blank."""
    factor = max(1, round(math.sqrt(picture.width * picture.height) / WORKING_SIZE))
    ink = _ink(_upright(_grey(picture, factor)))
    if ink is None:
        return None
    left, top, right, bottom = _box(ink)
    width, height = right - left, bottom - top
    if max(width, height) < SMALLEST_DIGIT * min(ink.shape):
        return None
    grid = _centred(_scaled(ink[top:bottom, left:right]))
    ratio = factor * picture.info.get(_FULL_WIDTH, picture.width) / picture.width
    return Found(grid, (left * ratio, top * ratio, width * ratio, height * ratio))


def _grey(picture: Image.Image, factor: int) -> Image.Image:
    """Grey levels (mode L) at 1/factor of the size, transparency filled so that ink stands out."""
    if picture.mode.startswith(("I", "F")):
        return Image.fromarray(_eight_bits(np.asarray(picture))).reduce(factor)
    if not picture.has_transparency_data:
        return picture.convert("L").reduce(factor)
    grey, alpha = picture.convert("LA").reduce(factor).split()
    return Image.composite(grey, Image.new("L", grey.size, _paper_behind(grey, alpha)), alpha)


def _eight_bits(values: NDArray[np.generic]) -> Levels:
    """Values of 16 or 32 bits as levels; white is the least usual one that none of them exceeds."""
    levels = np.nan_to_num(values.astype(np.float32), posinf=0, neginf=0).clip(0)
    brightest = float(levels.max())
    white = next((white for white in (1, 255, 65535) if brightest <= white), brightest)
    return _levels(levels * (255 / white))


def _paper_behind(grey: Image.Image, alpha: Image.Image) -> int:
    """The level to put behind a transparent picture: that of its paper, or the opposite of its ink.

    What covers nearly everything is paper, such as a card with round corners; else it is ink.
    """
    levels, weights = np.asarray(grey), np.asarray(alpha, dtype=np.float32)
    if weights.mean() > 0.75 * 255:
        return int(np.median(levels[weights > 127]))
    ink = (levels * weights).sum() / max(weights.sum(), 1)
    return 255 if ink < 128 else 0


def _upright(picture: Image.Image) -> Image.Image:
    """The picture turned as its EXIF says, and as it is where that cannot be read."""
    try:
        return ImageOps.exif_transpose(picture)
    except Exception:  # broken EXIF raises as many kinds as broken pictures
        return picture


def _ink(grey: Image.Image) -> Levels | None:
    """How much ink each pixel has; None where nothing stands out from the paper."""
    levels = np.asarray(grey)
    edge = np.concatenate([levels[0], levels[-1], levels[:, 0], levels[:, -1]])
    paper = int(np.median(edge))
    flat = _share_near(paper, edge) >= FLAT_EDGE and _share_near(paper, levels) >= FLAT_WHOLE
    ink = _ink_on_flat(levels, paper) if flat else _ink_on_photo(grey)
    return None if ink.max() < MIN_CONTRAST else _without_specks(ink)


def _share_near(paper: int, levels: Levels) -> float:
    lowest, highest = max(paper - FLAT_LEVELS, 0), min(paper + FLAT_LEVELS, 255)
    return np.count_nonzero((levels >= lowest) & (levels <= highest)) / levels.size


def _ink_on_flat(levels: Levels, paper: int) -> Levels:
    """The ink is darker or lighter than the paper, whichever reaches further from it."""
    if int(levels.max()) - paper > paper - int(levels.min()):
        return np.maximum(levels, paper) - paper
    return paper - np.minimum(levels, paper)


def _ink_on_photo(grey: Image.Image) -> Levels:
    """Ink on paper that is unevenly lit, above the noise that is measured from the picture.

    The paper behind the ink is the grey closing of the picture (Serra, "Image Analysis and
    Mathematical Morphology", 1982): it fills what is dark and narrower than a window, and leaves
    the edges of shadows where they are. Ink takes a share of the light, hence the logarithm.
    """
    grey = grey.filter(ImageFilter.GaussianBlur(BL))
    inverted = _is_light_on_dark(grey)
    levels = np.asarray(ImageOps.invert(grey) if inverted else grey)
    window = max(1, round(WIDEST_PEN * min(levels.shape)))
    paper = _closed(levels, window).astype(np.float32)
    light = DARK + (255 - paper if inverted else paper)
    depth = 255 * (paper - levels) / light
    # From the shallow half alone, which has no ink in it: of a normal distribution, one deviation.
    shallow, usual = np.quantile(depth, (0.1, 0.4))
    depth -= usual
    noise = NOISE * float(usual - shallow)
    contrast = float(depth.max())
    if contrast < max(PHOTO_CONTRAST, 2 * noise):
        return np.zeros_like(levels)
    contrast = float(np.quantile(depth[depth > QT * contrast], QQ))
    begin, full = max(PHOTO_INK[0] * contrast, noise), PHOTO_INK[1] * contrast
    return _levels((depth - begin) * (255 / (full - begin)))


def _is_light_on_dark(grey: Image.Image) -> bool:
    """Whether what stands out from the median around it is light."""
    small = grey.copy()
    small.thumbnail((40, 40), Image.Resampling.BOX)
    around = small.filter(ImageFilter.MedianFilter(17))
    difference = np.asarray(small, dtype=np.float32) - np.asarray(around)
    return bool((difference**3).sum() > 0)


def _closed(levels: Levels, window: int) -> Levels:
    """The grey closing of levels by a square: of the largest around each pixel the smallest."""
    levels = np.pad(levels, window - 1, mode="edge")
    for extreme in (np.maximum, np.minimum):
        for _ in "yx":
            levels = _running(extreme, levels, window).T
    return levels


def _running(extreme: np.ufunc, levels: Levels, window: int) -> Levels:
    """The extreme of every ``window`` rows, by doubling."""
    width = 1
    while width < window:
        step = min(width, window - width)
        levels = extreme(levels[:-step], levels[step:])
        width += step
    return levels


def _without_specks(ink: Levels) -> Levels:
    """The ink without the pieces that are small beside the largest."""
    inked = ink > INK * ink.max()
    if not (_has_gap(inked.any(0)) or _has_gap(inked.any(1))):
        return ink
    side = -(-max(ink.shape) // CELLS)
    cells = np.pad(np.asarray(Image.fromarray(inked).convert("L").reduce(side)), 1)
    pieces = _pieces(cells)
    areas = [cells.flat[piece].sum() for piece in pieces]
    specks = [piece for piece, area in zip(pieces, areas, strict=True) if area < SPECK * max(areas)]
    kept = np.ones_like(cells)
    kept.flat[[cell for piece in specks for cell in piece]] = 0
    height, width = ink.shape
    return ink * kept[1:-1, 1:-1].repeat(side, 0).repeat(side, 1)[:height, :width]


def _has_gap(inked: NDArray[np.bool]) -> bool:
    return np.count_nonzero(inked[1:] != inked[:-1]) > 2


def _pieces(cells: Levels) -> list[list[int]]:
    """The flat indices of the cells with ink, a list for each group of touching ones.

    The outermost cells must be empty.
    """
    row = cells.shape[1]
    around = (-row - 1, -row, -row + 1, -1, 1, row - 1, row, row + 1)
    left = set(np.flatnonzero(cells).tolist())
    pieces = []
    while left:
        piece, edge = [], {left.pop()}
        while edge:
            piece.extend(edge)
            edge = {cell + step for cell in edge for step in around} & left
            left -= edge
        pieces.append(piece)
    return pieces


def _box(ink: Levels) -> tuple[int, int, int, int]:
    inked = ink > INK * ink.max()
    rows, columns = np.flatnonzero(inked.any(1)), np.flatnonzero(inked.any(0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _scaled(ink: Levels) -> Levels:
    """Ink scaled so that its longer side fills the box and its darkest point is 255."""
    height, width = ink.shape
    scale = BOX / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    image = Image.fromarray(ink.astype(np.float32))
    scaled = np.asarray(image.resize(size, Image.Resampling.BOX))
    return _levels(scaled * (255 / scaled.max()))


def _centred(ink: Levels) -> Grid:
    """Ink of at most 20x20 on the grid, its centre of mass nearest to the middle of pixel 14."""
    height, width = ink.shape
    mass = ink.sum()
    x = int(ink.sum(0) @ np.arange(width) / mass + 0.5)
    y = int(ink.sum(1) @ np.arange(height) / mass + 0.5)
    left = min(max(14 - x, 0), SIZE - width)
    top = min(max(14 - y, 0), SIZE - height)
    grid = np.zeros((SIZE, SIZE), dtype=np.uint8)
    grid[top : top + height, left : left + width] = ink
    return grid


def _levels(values: NDArray[np.floating]) -> Levels:
    return (values.clip(0, 255) + 0.5).astype(np.uint8)
