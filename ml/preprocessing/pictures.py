"""Pictures of a digit brought to the form of MNIST: light ink on black, 28x28, centered.

The steps are those of the set itself (LeCun et al., 1998): the ink scaled to fit a box of 20x20
pixels, its center of mass moved to pixel 14, 14. Drawings lie on flat paper, and what differs from
it is ink. Photos have light, shadows and noise: there the paper is estimated around each pixel.
"""

import io
import math
import warnings
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageOps, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile

from ml.preprocessing.strokes import BOX, SIZE, Grid

FORMATS: Final = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
KINDS: Final = ", ".join(FORMATS)
# A JPEG is decoded at a fraction of its size; of the others all pixels are in memory at once.
MAX_JPEG_PIXELS: Final = 16_000_000
MAX_PIXELS: Final = 6_000_000
# Honest files have ten scans, a few hundred parts, one profile, some texts. A bomb has thousands,
# empty or each unpacked to a megabyte.
MAX_SCANS: Final = 50
MAX_READS: Final = 10_000
MAX_UNPACKED: Final = 16
# Segments of a JPEG, with those of its previews; and bytes: each entry is some Python.
MAX_EXIF: Final = 4
MAX_EXIF_BYTES: Final = 65_536
# Nothing finer is needed for 20 pixels of ink: a square of this side, or as many pixels.
WORKING_SIZE: Final = 250

# Paper is flat where this share of the picture is either of its very level or ink.
FLAT: Final = 0.65
# Levels by which ink differs from flat paper; on a photo, the share of the light in 255ths.
MIN_CONTRAST: Final = 24
MIN_PHOTO_CONTRAST: Final = 50
# Shares of the contrast at which ink begins, and on a photo at which it begins and is full.
INK: Final = 0.1
PHOTO_INK: Final = (0.4, 0.75)
# Ink below this share of the darkest is pale; without it, ink has to reach no further than this.
PALE: Final = 0.6
LESS: Final = 0.9
# Standard deviations of the noise of a photo that ink must exceed.
NOISE: Final = 6.0
# The smallest digit, and the widest pen of a photo, as shares of the shorter side of the picture.
SMALLEST_DIGIT: Final = 0.03
WIDEST_PEN: Final = 0.33
# Thinner pens are made this wide, in pixels of the grid, and so on a grid this much finer.
MIN_PEN: Final = 2.0
FINE: Final = 3
# A piece with less than this share of the area of the largest is a speck.
SPECK: Final = 0.05

# A picture of far too many pixels is refused, not mentioned in the log.
warnings.simplefilter("error", Image.DecompressionBombWarning)

Levels = NDArray[np.uint8]
Pixel = TypeVar("Pixel", bound=np.generic)


class PictureError(ValueError):
    """The bytes are not a picture that can be read; the message says why."""


class PictureTooLarge(PictureError):
    """The picture has more pixels than this service decodes."""


@dataclass(frozen=True)
class Ink:
    """The ink found in a picture: uint8[h, w] cut to its edges, where, and the size of a pixel.

    ``left`` and ``top`` are in pixels of the ink; each is ``pixel`` pixels of the picture.
    """

    levels: Levels
    left: int
    top: int
    pixel: float

    @property
    def box(self) -> tuple[float, float, float, float]:
        """The (x, y, width, height) of the ink in the picture."""
        height, width = self.levels.shape
        scale = self.pixel
        return scale * self.left, scale * self.top, scale * width, scale * height

    def part(self, levels: Levels, left: int, top: int) -> "Ink":
        """Some of this ink alone, whose corner is ``left`` and ``top`` in it."""
        return Ink(levels, self.left + left, self.top + top, self.pixel)

    def bold(self) -> "Ink | None":
        """The ink without what is pale beside it, as the lines of paper and the boxes of forms are.

        None where that is a dot, or reaches hardly less far: pale are the edges of strokes then.
        """
        levels = self.levels * (self.levels > PALE * self.levels.max())
        cut, left, top = _cut_out(_without_specks(levels))
        is_dot = max(cut.shape) < SMALLEST_DIGIT * min(levels.shape)
        if is_dot or min(np.divide(cut.shape, levels.shape)) > LESS:
            return None
        return self.part(cut, left, top)

    def inked(self) -> NDArray[np.bool]:
        """Which pixels have enough ink to count."""
        return _inked(self.levels)


class _Frugal(io.BytesIO):
    """Bytes that may be read a limited number of times."""

    reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self.reads += 1
        if self.reads > MAX_READS:
            raise PictureError("The picture is in too many small parts.")
        return super().read(size)


def open_picture(content: bytes, most: int = MAX_JPEG_PIXELS) -> Image.Image:
    """Decode a picture, a large JPEG at reduced size; of an animation the first frame.

    ``most`` may allow fewer pixels than are read otherwise. Raises PictureError, or PictureTooLarge
    before anything is decoded.
    """
    try:
        _check_parts(content)
        picture = Image.open(_Frugal(content), formats=FORMATS)
        _check_size(picture, content, most)
        full_width = picture.width
        picture.draft("L", (WORKING_SIZE, WORKING_SIZE))
        picture.load()
        # Last, for what a file says of itself is put here too.
        picture.info["full_width"] = full_width
    except PictureError:
        raise
    except UnidentifiedImageError as error:
        raise PictureError(f"This is no picture of a kind that is read: {KINDS}.") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureTooLarge(str(error)) from error
    except Exception as error:  # the decoders raise a dozen unrelated kinds
        raise PictureError(f"This is not a picture that can be read: {error}") from error
    return picture


def _check_parts(content: bytes) -> None:
    """Refuse what Pillow would unpack or walk through again and again while it opens a file."""
    unpacked = sum(content.count(kind) for kind in (b"iCCP", b"zTXt", b"iTXt"))
    if unpacked > MAX_UNPACKED or content.count(b"Exif\0\0") > MAX_EXIF:
        raise PictureError("The picture is in too many parts.")


def _check_size(picture: Image.Image, content: bytes, most: int) -> None:
    jpeg = isinstance(picture, JpegImageFile)
    limit = min(most, MAX_JPEG_PIXELS if jpeg else MAX_PIXELS)
    if picture.width * picture.height > limit:
        raise PictureTooLarge(
            f"The picture has {picture.width}x{picture.height} pixels; at most {limit:,} are read."
        )
    # Each scan of a progressive JPEG, however short, is a walk over all its pixels.
    if jpeg and content.count(b"\xff\xda\x00") > MAX_SCANS:
        raise PictureError("The picture is in too many small parts.")


def extract_ink(picture: Image.Image) -> Ink | None:
    """The ink of a picture; None when it is blank."""
    factor = max(1, round(math.sqrt(picture.width * picture.height) / WORKING_SIZE))
    gray = _gray(picture, factor)
    # Which way it was held, some of the ways to gray forget.
    gray.info = picture.info
    levels = _ink(_upright(gray))
    if levels is None:
        return None
    cut, left, top = _cut_out(levels)
    if max(cut.shape) < SMALLEST_DIGIT * min(levels.shape):
        return None
    pixel = factor * picture.info.get("full_width", picture.width) / picture.width
    return Ink(cut, left, top, pixel)


def _cut_out(ink: Levels) -> tuple[Levels, int, int]:
    """The ink cut to its edges, and how far they are from the left and the top."""
    rows, columns = (np.flatnonzero(lines) for lines in _lines(ink))
    left, top = int(columns[0]), int(rows[0])
    return ink[top : rows[-1] + 1, left : columns[-1] + 1], left, top


def rasterize_ink(levels: Levels) -> Grid:
    """The ink of a digit, uint8[h, w], on the grid of MNIST."""
    return _centered(_scaled(levels))


def prepare(picture: Image.Image) -> Grid | None:
    """The ink of a picture as one digit on the grid of MNIST; None when it is blank."""
    ink = extract_ink(picture)
    return None if ink is None else rasterize_ink(ink.levels)


def _gray(picture: Image.Image, factor: int) -> Image.Image:
    """Gray levels (mode L) at 1/factor of the size, transparency filled so that ink stands out."""
    if picture.mode.startswith(("I", "F")):
        return _eight_bits(picture.convert("F").reduce(factor))
    if not picture.has_transparency_data:
        return picture.convert("L").reduce(factor)
    gray, alpha = picture.convert("LA").reduce(factor).split()
    weights = np.asarray(alpha, dtype=np.float32)
    ink = (np.asarray(gray) * weights).sum() / max(weights.sum(), 1)
    return Image.composite(gray, Image.new("L", gray.size, 255 if ink < 128 else 0), alpha)


def _eight_bits(picture: Image.Image) -> Image.Image:
    """A picture of floats as levels; white is the least usual one that none of them exceeds."""
    values = np.nan_to_num(np.asarray(picture), posinf=0).clip(0)
    brightest = float(values.max())
    white = next((white for white in (1, 255, 4095, 65535) if brightest <= white), brightest)
    return Image.fromarray(_levels(values * (255 / white)))


def _upright(picture: Image.Image) -> Image.Image:
    """The picture turned as its EXIF says, and as it is where that cannot be read."""
    if len(picture.info.get("exif", b"")) > MAX_EXIF_BYTES:
        return picture
    try:
        return ImageOps.exif_transpose(picture)
    except Exception:  # broken EXIF raises as many kinds as broken pictures
        return picture


def _ink(gray: Image.Image) -> Levels | None:
    """How much ink each pixel has; None where nothing stands out from the paper."""
    levels = np.asarray(gray)
    edge = np.concatenate([levels[0], levels[-1], levels[:, 0], levels[:, -1]])
    paper = int(np.partition(edge, edge.size // 2)[edge.size // 2])
    ink = _ink_on_flat(levels, paper)
    flat = (levels == paper) | (ink > ink.max() // 2)
    if np.count_nonzero(flat) < FLAT * flat.size:
        ink = _ink_on_photo(gray)
    return None if ink.max() < MIN_CONTRAST else _without_specks(ink)


def _ink_on_flat(levels: Levels, paper: int) -> Levels:
    """The ink is darker or lighter than the paper, whichever reaches further from it."""
    # Of two arrays NumPy takes the extremes many pixels at a time, of an array and a number not.
    flat = np.full_like(levels, paper)
    if int(levels.max()) - paper > paper - int(levels.min()):
        return np.maximum(levels, flat) - flat
    return flat - np.minimum(levels, flat)


def _ink_on_photo(gray: Image.Image) -> Levels:
    """Ink on paper that is unevenly lit, above the noise that is measured from the picture.

    The paper behind the ink is the gray closing of the picture (Serra, "Image Analysis and
    Mathematical Morphology", 1982): it fills what is dark and narrower than a window, and leaves
    the edges of shadows where they are. Ink takes or adds a share of the light that falls on it.
    """
    gray = gray.filter(ImageFilter.GaussianBlur(1))
    inverted = _is_light_on_dark(gray)
    levels = np.asarray(ImageOps.invert(gray) if inverted else gray)
    window = max(1, round(WIDEST_PEN * min(levels.shape)))
    around = np.pad(levels, window - 1, mode="edge")
    closed = _extreme(np.minimum, _extreme(np.maximum, around, window), window)
    paper = closed.astype(np.float32)
    light = 255 - paper if inverted else paper
    # In the dark there is mostly noise: a little more light than there is keeps it down.
    depth = 255 * (paper - levels) / (light + 30)
    # One deviation of a normal distribution, from the shallow half, where there is no ink.
    shallow, usual = np.quantile(depth, (0.1, 0.4))
    noise = NOISE * float(usual - shallow)
    depth -= usual
    contrast = float(depth.max())
    if contrast < max(MIN_PHOTO_CONTRAST, 2 * noise):
        return np.zeros_like(levels)
    begin, full = max(PHOTO_INK[0] * contrast, noise), PHOTO_INK[1] * contrast
    return _levels((depth - begin) * (255 / (full - begin)))


def _is_light_on_dark(gray: Image.Image) -> bool:
    """Whether what stands out from the median around it is light."""
    small = gray.copy()
    small.thumbnail((40, 40), Image.Resampling.BOX)
    around = small.filter(ImageFilter.MedianFilter(17))
    difference = np.asarray(small, dtype=np.float32) - np.asarray(around)
    return bool((difference**3).sum() > 0)


def _extreme(extreme: np.ufunc, values: NDArray[Pixel], window: int) -> NDArray[Pixel]:
    """The extreme of each square of window x window values, by doubling."""
    for _ in "yx":
        width = 1
        while width < window:
            step = min(width, window - width)
            values = extreme(values[:-step], values[step:])
            width += step
        values = values.T
    return values


def _without_specks(ink: Levels) -> Levels:
    """The ink without the pieces that are small beside the largest."""
    if not any(np.count_nonzero(lines[1:] != lines[:-1]) > 2 for lines in _lines(ink)):
        return ink
    # On 50 cells to the longer side; what is nearer than one or two of them is one piece.
    side = math.ceil(max(ink.shape) / 50)
    inked = Image.fromarray(_inked(ink)).convert("L")
    cells = np.asarray(inked.reduce(side))
    pieces = _pieces(cells > 0)
    areas = np.bincount(pieces.ravel(), cells.ravel())
    specks = (pieces > 0) & (areas < SPECK * areas.max())[pieces]
    clean: Levels = ink * ~specks[np.ix_(*(np.arange(length) // side for length in ink.shape))]
    return clean


def _pieces(cells: NDArray[np.bool]) -> NDArray[np.intp]:
    """The cells of each group of touching ones numbered alike, and 0 where there is none.

    Each takes the largest number around it, until none changes.
    """
    numbers = np.arange(1, cells.size + 1).reshape(cells.shape) * cells
    while True:
        spread = _extreme(np.maximum, np.pad(numbers, 1), 3) * cells
        if np.array_equal(spread, numbers):
            return numbers
        numbers = spread


def _lines(ink: Levels) -> tuple[NDArray[np.bool], NDArray[np.bool]]:
    """Which rows and which columns have ink."""
    least = _least(ink)
    return ink.max(axis=1) > least, ink.max(axis=0) > least


def _inked(ink: Levels) -> NDArray[np.bool]:
    """Which pixels have enough ink to count."""
    return ink > _least(ink)


def _least(ink: Levels) -> int:
    """The level above which there is enough ink to count."""
    return int(INK * ink.max())


def _scaled(ink: Levels) -> Levels:
    """Ink scaled so that its longer side fills the box and its darkest point is 255.

    A pen thinner than is usual in MNIST is made as wide as is usual there: scaled with its digit,
    it would be less than a pixel.
    """
    picture = _floats(ink)
    fine = _resized(picture, FINE * BOX)
    missing = round(FINE * MIN_PEN - _pen_width(fine))
    if missing > 0:
        picture = _floats(_extreme(np.maximum, np.pad(fine, missing), missing + 1))
    return _resized(picture, BOX)


def _floats(ink: Levels) -> Image.Image:
    """Ink as a picture of floats: thin lines, scaled down, are not rounded away."""
    return Image.fromarray(ink.astype(np.float32))


def _resized(ink: Image.Image, side: float) -> Levels:
    """Ink with ``side`` pixels to its longer side, and 255 for its darkest."""
    scale = side / max(ink.size)
    size = (max(1, round(ink.width * scale)), max(1, round(ink.height * scale)))
    resized = np.asarray(ink.resize(size, Image.Resampling.BOX))
    return _levels(resized * (255 / resized.max()))


def _pen_width(ink: Levels) -> float:
    """The mean width of the lines of some ink, in pixels: twice its area by its perimeter.

    The perimeter of a shape with soft edges is its total variation.
    """
    soft = np.zeros((ink.shape[0] + 2, ink.shape[1] + 2), dtype=np.float32)
    soft[1:-1, 1:-1] = ink
    down, right = np.diff(soft, axis=0)[:, :-1], np.diff(soft, axis=1)[:-1]
    return float(2 * ink.sum() / np.sqrt(down * down + right * right).sum())


def _centered(ink: Levels) -> Grid:
    """Ink of at most 20x20 on the grid, its center of mass nearest to the middle of pixel 14."""
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
