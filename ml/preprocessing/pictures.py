"""Gray levels of decoded pictures."""

import math

import numpy as np
from PIL import Image, ImageOps

from ml.preprocessing.paper import to_levels

# Pictures are reduced to about this many pixels per side: 20 pixels of ink need no more.
WORKING_SIZE = 250
# Bytes of EXIF: Pillow builds an object per entry.
MAX_EXIF_BYTES = 65_536


def reduction(picture: Image.Image) -> int:
    """Return the factor that reduces a picture to about WORKING_SIZE."""
    return max(1, round(math.sqrt(picture.width * picture.height) / WORKING_SIZE))


def to_gray(picture: Image.Image, factor: int) -> Image.Image:
    """Return gray levels (mode L) at 1/factor of the size; transparency becomes paper."""
    if picture.mode.startswith(("I", "F")):
        values = np.nan_to_num(np.asarray(picture.convert("F").reduce(factor)), posinf=0).clip(0)
        brightest = float(values.max())
        # The smallest usual maximum that covers the values.
        white = next((white for white in (1, 255, 4095, 65535) if brightest <= white), brightest)
        return Image.fromarray(to_levels(values * (255 / white)))
    if not picture.has_transparency_data:
        return picture.convert("L").reduce(factor)
    gray, alpha = picture.convert("LA").reduce(factor).split()
    weights = np.asarray(alpha, dtype=np.float32)
    mean = (np.asarray(gray) * weights).sum() / max(weights.sum(), 1)
    return Image.composite(gray, Image.new("L", gray.size, 255 if mean < 128 else 0), alpha)


def upright(picture: Image.Image) -> Image.Image:
    """Apply the EXIF orientation, if it can be read."""
    if len(picture.info.get("exif", b"")) > MAX_EXIF_BYTES:
        return picture
    try:
        return ImageOps.exif_transpose(picture)
    except Exception:  # broken EXIF raises many unrelated exceptions
        return picture
