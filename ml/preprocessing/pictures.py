"""Decode picture files to gray levels."""

import io
import warnings
from threading import Lock
from typing import Final

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile

from ml.preprocessing.paper import to_levels

FORMATS: Final = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
# A baseline JPEG is decoded at a fraction of its size, 24 megapixels of a phone in 4 MB; a
# progressive one and other formats are decoded at full size.
MAX_JPEG_PIXELS: Final = 25_000_000
MAX_PROGRESSIVE_PIXELS: Final = 16_000_000
MAX_PIXELS: Final = 6_000_000
# Regular files have ten scans, a few hundred chunks, one color profile and a few texts. Decoding
# bombs have thousands of chunks, empty or expanding to a megabyte each.
MAX_SCANS: Final = 50
MAX_READS: Final = 10_000
MAX_COMPRESSED_CHUNKS: Final = 16
# EXIF segments of a JPEG with its previews, and bytes of EXIF: Pillow builds an object per entry.
MAX_EXIF_SEGMENTS: Final = 4
MAX_EXIF_BYTES: Final = 65_536
# Pictures are reduced to about this many pixels per side: 20 pixels of ink need no more.
WORKING_SIZE: Final = 250


# warnings.catch_warnings changes the filters of the whole process.
_warning_filters = Lock()


class PictureError(ValueError):
    """A picture that cannot be decoded; the message states the reason."""


class PictureTooLarge(PictureError):
    """A picture with more pixels than are decoded."""


class _LimitedReads(io.BytesIO):
    """Bytes that raise PictureError after a number of reads."""

    reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self.reads += 1
        if self.reads > MAX_READS:
            raise PictureError(f"The picture has more than {MAX_READS:,} chunks. Save it again.")
        return super().read(size)


def open_picture(content: bytes, max_pixels: int = MAX_JPEG_PIXELS) -> Image.Image:
    """Decode a picture, a large JPEG at reduced size, an animation's first frame.

    ``max_pixels`` may lower the limit. Raises PictureTooLarge before decoding, or PictureError.
    """
    try:
        _check_chunks(content)
        with _warning_filters, warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = Image.open(_LimitedReads(content), formats=FORMATS)
        _check_size(picture, content, max_pixels)
        full_width = picture.width
        picture.draft("L", (WORKING_SIZE, WORKING_SIZE))
        picture.load()
        # After load(), which adds the file's own entries.
        picture.info["full_width"] = full_width
    except PictureError:
        raise
    except UnidentifiedImageError as error:
        supported = ", ".join(FORMATS)
        raise PictureError(
            f"The image format is not supported. Supported: {supported}. Save it as JPEG."
        ) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureTooLarge(f"The picture has too many pixels: {error}") from error
    except Exception as error:  # decoders raise many unrelated exceptions
        raise PictureError(f"The picture cannot be decoded: {error}. Save it again.") from error
    return picture


def _check_chunks(content: bytes) -> None:
    """Reject chunks that Pillow would decompress or parse repeatedly while it opens a file."""
    compressed = sum(content.count(kind) for kind in (b"iCCP", b"zTXt", b"iTXt"))
    segments = content.count(b"Exif\0\0")
    if compressed > MAX_COMPRESSED_CHUNKS or segments > MAX_EXIF_SEGMENTS:
        raise PictureError(
            f"The picture has {compressed} compressed chunks and {segments} EXIF segments; at most"
            f" {MAX_COMPRESSED_CHUNKS} and {MAX_EXIF_SEGMENTS} are accepted. Save it again."
        )


def _check_size(picture: Image.Image, content: bytes, max_pixels: int) -> None:
    jpeg = isinstance(picture, JpegImageFile)
    kind = MAX_PROGRESSIVE_PIXELS if "progressive" in picture.info else MAX_JPEG_PIXELS
    limit = min(max_pixels, kind if jpeg else MAX_PIXELS)
    if picture.width * picture.height > limit:
        raise PictureTooLarge(
            f"The picture has {picture.width}x{picture.height} pixels; at most {limit:,} are"
            " accepted. Reduce its size."
        )
    # Every scan of a progressive JPEG, however short, passes over all pixels.
    if jpeg and (scans := content.count(b"\xff\xda\x00")) > MAX_SCANS:
        raise PictureError(
            f"The JPEG has {scans} scans; at most {MAX_SCANS} are accepted. Save it again."
        )


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
    return Image.fromarray(to_levels(values * (255 / white)))


def upright(picture: Image.Image) -> Image.Image:
    """Apply the EXIF orientation, if it can be read."""
    if len(picture.info.get("exif", b"")) > MAX_EXIF_BYTES:
        return picture
    try:
        return ImageOps.exif_transpose(picture)
    except Exception:  # broken EXIF raises many unrelated exceptions
        return picture
