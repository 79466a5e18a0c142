"""Decode picture files from unknown senders, with limits on memory and time."""

import io
import re
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from threading import Lock

# Without the plugin, the first picture that is no PNG or JPEG imports all 40 of Pillow: 3 MB.
from PIL import Image, UnidentifiedImageError, WebPImagePlugin  # noqa: F401
from PIL.JpegImagePlugin import JpegImageFile

from ml.preprocessing.pictures import reduction

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
# A baseline JPEG is decoded at a fraction of its size, 24 megapixels of a phone in 4 MB; other
# formats are decoded at full size.
MAX_JPEG_PIXELS = 25_000_000
MAX_PIXELS = 6_000_000
# A JPEG with several scans, such as a progressive one, is decoded at full size, 2 bytes per sample,
# and each scan, however short, visits all samples: 10 scans of 18 million in a photo of 12 MP.
MAX_SCANS = 50
MAX_SAMPLES = 20_000_000
MAX_SAMPLE_VISITS = 200_000_000
# Regular files have a few hundred chunks, one color profile and a few texts. Decoding bombs have
# thousands of chunks, empty or expanding to a megabyte each.
MAX_READS = 10_000
MAX_COMPRESSED_CHUNKS = 16
# EXIF segments of a JPEG with its previews.
MAX_EXIF_SEGMENTS = 4
# Pictures that need more bytes are decoded one at a time.
LARGE = 4_000_000

# A marker of a JPEG and its code, not an escaped byte, a restart marker or padding.
JPEG_MARKER = re.compile(rb"\xff([^\x00\x01\xd0-\xd7\xff])")
START_OF_IMAGE, START_OF_SCAN, END_OF_IMAGE = b"\xff\xd8", b"\xda", b"\xd9"
STARTS_OF_FRAME = [bytes([code]) for code in range(0xC0, 0xD0) if code not in (0xC4, 0xC8, 0xCC)]

# Each text of a warning would stay in memory, and damaged metadata makes thousands of them.
warnings.filterwarnings("ignore", module=r"PIL\.")

_large_picture = Lock()


class PictureError(ValueError):
    """A picture that cannot be decoded; the message states the reason."""


class PictureTooLarge(PictureError):
    """A picture that would take too much memory or time to decode."""


class _LimitedReads(io.BytesIO):
    """Bytes that raise PictureError after a number of reads."""

    reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self.reads += 1
        if self.reads > MAX_READS:
            raise PictureError(f"The picture has more than {MAX_READS:,} chunks. Save it again.")
        return super().read(size)


def open_picture(content: bytes, max_pixels: int = MAX_JPEG_PIXELS) -> Image.Image:
    """Decode a picture, of an animation the first frame, and reduce it to the working size.

    ``info["full_width"]`` is the width of the file. ``max_pixels`` may lower the limit. Raises
    PictureTooLarge before decoding, or PictureError.
    """
    with _decoder_errors():
        _check_chunks(content)
        picture = Image.open(_LimitedReads(content), formats=FORMATS)
        is_jpeg = isinstance(picture, JpegImageFile)
        limit = min(max_pixels, MAX_JPEG_PIXELS if is_jpeg else MAX_PIXELS)
        if picture.width * picture.height > limit:
            raise PictureTooLarge(
                f"The picture has {picture.width}x{picture.height} pixels; at most {limit:,} are"
                " accepted. Reduce its size."
            )
        full_width, factor = picture.width, reduction(picture)
        # Only JPEG can be decoded at a smaller size.
        picture.draft("L", (picture.width // factor, picture.height // factor))
        memory = 4 * picture.width * picture.height
        if is_jpeg:
            memory += _check_scans(content)
        with _large_picture if memory > LARGE else nullcontext():
            picture.load()
            reduced = reduce(picture, reduction(picture))
        # After load(), which adds the file's own entries.
        reduced.info = {**picture.info, "full_width": full_width}
    return reduced


def reduce(picture: Image.Image, factor: int) -> Image.Image:
    """Return a picture at 1/factor of its size; its mode becomes one that can be averaged."""
    if factor == 1:
        return picture
    if picture.mode.startswith(("I", "F")):
        return picture.convert("F").reduce(factor)
    if picture.has_transparency_data:
        return picture.convert("RGBA").reduce(factor)
    return picture.convert("L").reduce(factor)


@contextmanager
def _decoder_errors() -> Iterator[None]:
    """Raise PictureError for the errors of decoders."""
    try:
        yield
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


def _check_chunks(content: bytes) -> None:
    """Reject chunks that Pillow would decompress or parse repeatedly while it opens a file."""
    compressed = sum(content.count(kind) for kind in (b"iCCP", b"zTXt", b"iTXt"))
    segments = content.count(b"Exif\0\0")
    if compressed > MAX_COMPRESSED_CHUNKS or segments > MAX_EXIF_SEGMENTS:
        raise PictureError(
            f"The picture has {compressed} compressed chunks and {segments} EXIF segments; at most"
            f" {MAX_COMPRESSED_CHUNKS} and {MAX_EXIF_SEGMENTS} are accepted. Save it again."
        )


def _check_scans(content: bytes) -> int:
    """Return the bytes that a JPEG's scans share; 0 for a single scan, decoded in strips."""
    scans, samples = _count_scans(content)
    if scans < 2:
        return 0
    if scans > MAX_SCANS or samples > MAX_SAMPLES or scans * samples > MAX_SAMPLE_VISITS:
        raise PictureTooLarge(
            f"The JPEG has {scans} scans of {samples:,} samples; at most {MAX_SCANS} scans,"
            f" {MAX_SAMPLES:,} samples and {MAX_SAMPLE_VISITS:,} samples of all scans are accepted."
            " Save it as a baseline JPEG, which has one scan, or reduce its size."
        )
    return 2 * samples


def _count_scans(content: bytes) -> tuple[int, int]:
    """Return the scans and samples of a JPEG, without those of previews inside or behind it."""
    scans, samples, position = 0, 0, len(START_OF_IMAGE)
    for _ in range(MAX_READS):
        marker = JPEG_MARKER.search(content, position)
        if not marker or marker[1] == END_OF_IMAGE:
            return scans, samples
        code, start = marker[1], marker.end()
        scans += code == START_OF_SCAN
        if code in STARTS_OF_FRAME:
            _, height, width, count = struct.unpack_from(">BHHB", content, start + 2)
            # Some components have a fraction of the pixels.
            factors = [divmod(content[start + 9 + 3 * i], 16) for i in range(count)]
            across, down = (max(factor) for factor in zip(*factors, strict=True))
            shares = sum(x * y for x, y in factors)
            samples = max(samples, width * height * shares // (across * down))
        position = start + int.from_bytes(content[start : start + 2])
    raise PictureError(f"The picture has more than {MAX_READS:,} markers. Save it again.")
