"""Hostile pictures that the server rejects, and unusual pictures that it accepts."""

import io
import struct
import zlib

from PIL import Image, ImageOps

from ml.preprocessing.strokes import rasterize
from tools.samples import SEVEN

A_MEGABYTE = zlib.compress(bytes(1_000_000), 9)
FIFTY_MEGABYTES = zlib.compress(bytes(50_000_000), 9)


def seven():
    """Return a picture of a seven, dark on light."""
    return ImageOps.invert(Image.fromarray(rasterize(SEVEN)).resize((280, 280)))


def saved(picture, format="PNG", **options):
    buffer = io.BytesIO()
    picture.save(buffer, format, **options)
    return buffer.getvalue()


def chunk(kind, data=b""):
    """Return a chunk of a PNG file."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_with(*chunks):
    """Return a PNG of a seven with additional chunks before the pixels."""
    content = saved(seven())
    return content[:33] + b"".join(chunks) + content[33:]


def png_that_claims(width, height):
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(bytes(1_000)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND")


def jpeg_with(segments):
    content = saved(seven(), "JPEG")
    return content[:2] + segments + content[2:]


def repeated_scan(picture, count):
    """Return a progressive JPEG whose last scan is repeated."""
    content = saved(picture, "JPEG", progressive=True)
    last = content.rindex(b"\xff\xda")
    return content[:-2] + content[last:-2] * count + content[-2:]


def run_length_bitmap(commands):
    """Return a run-length encoded BMP of 3000x1990 that repeats one two-byte command."""
    pixels = commands * 3_900_000
    start = struct.pack("<IHHI", len(pixels) + 1_078, 0, 0, 1_078)
    shape = struct.pack("<IiiHHIIiiII", 40, 3_000, 1_990, 1, 8, 1, len(pixels), 0, 0, 256, 0)
    return b"BM" + start + shape + bytes(1_024) + pixels


def texts(kind, data, count):
    """Return a PNG with the given number of compressed texts or profiles."""
    head = b"\0\1\0\0\0" if kind == b"iTXt" else b"\0\0"
    return png_with(*(chunk(kind, b"k%d" % i + head + data) for i in range(count)))


def exif_directories(count):
    """Return a JPEG with an EXIF directory of 65,535 entries in several segments."""
    segment = b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + bytes(65_517)
    return jpeg_with((b"\xff\xe1\xff\xff" + segment) * count)


def exif_chunk():
    directory = b"II*\0\x08\0\0\0\xff\xff" + struct.pack("<HHII", 0x9999, 3, 1, 1) * 65_535
    return png_with(chunk(b"eXIf", directory))


def gif_of_a_large_frame():
    frame = b"," + struct.pack("<HHHHB", 0, 0, 65_535, 65_535, 0) + b"\x02\x02\x44\x01\x00;"
    return b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + bytes(6) + frame


def gif_of_comments():
    start = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + bytes(6)
    return start + b"!\xfe\x01a\0" * 1_000_000 + b";"


# Expected status: 413 for too many pixels, 422 otherwise.
BOMBS = {
    "WebP of 25 MP": (413, lambda: saved(Image.new("RGB", (5_000, 5_000)), "WEBP", lossless=True)),
    "lossy WebP of 8 MP": (413, lambda: saved(Image.new("RGB", (4_000, 2_000)), "WEBP")),
    "progressive JPEG of 144 MP": (
        413,
        lambda: saved(Image.new("L", (12_000, 12_000)), "JPEG", progressive=True),
    ),
    "progressive JPEG of 16 MP in CMYK": (
        413,
        lambda: saved(Image.new("CMYK", (4_000, 4_000)), "JPEG", progressive=True),
    ),
    "16 MP in 50 scans": (413, lambda: repeated_scan(Image.new("L", (4_000, 4_000)), 44)),
    "PNG of 25 MP": (413, lambda: saved(Image.new("L", (5_000, 5_000)))),
    "PNG that claims 60000x60000": (413, lambda: png_that_claims(60_000, 60_000)),
    "PNG that claims 2000x2000": (422, lambda: png_that_claims(2_000, 2_000)),
    "GIF with a frame of 65535x65535": (413, gif_of_a_large_frame),
    "100,000 empty chunks": (422, lambda: png_with(chunk(b"teSt") * 100_000)),
    "zTXt of 50 MB": (422, lambda: texts(b"zTXt", FIFTY_MEGABYTES, 20)),
    "iTXt of 50 MB": (422, lambda: texts(b"iTXt", FIFTY_MEGABYTES, 20)),
    "iCCP of 50 MB": (422, lambda: texts(b"iCCP", FIFTY_MEGABYTES, 20)),
    "2,000 zTXt of 1 MB": (422, lambda: texts(b"zTXt", A_MEGABYTE, 2_000)),
    "3,000 iCCP of 1 MB": (422, lambda: texts(b"iCCP", A_MEGABYTE, 3_000)),
    "1,000,000 comments": (422, gif_of_comments),
    "1.9 million markers": (422, lambda: jpeg_with(b"\xff\xfe\x00\x02" * 1_900_000)),
    "100 segments of EXIF": (422, lambda: exif_directories(100)),
    "BMP of single pixels": (422, lambda: run_length_bitmap(b"\x01\x05")),
    "BMP of line ends": (422, lambda: run_length_bitmap(b"\x00\x00")),
    "zero bytes": (422, lambda: b""),
    "1 MB of zeros": (422, lambda: bytes(1_000_000)),
}


# Predicted as 7.
ODD = {
    "animated PNG": lambda: saved(seven(), save_all=True, append_images=[seven().rotate(9)] * 3),
    "text of 7 MB": lambda: png_with(chunk(b"tEXt", b"k\0" + b"a" * 7_000_000)),
    "color profile": lambda: texts(b"iCCP", zlib.compress(bytes(3_000)), 1),
}
# Predicted as blank.
BLANK = {
    "1x1": lambda: saved(Image.new("L", (1, 1))),
    "1,000,000x5": lambda: saved(Image.new("L", (1_000_000, 5), 255)),
}
