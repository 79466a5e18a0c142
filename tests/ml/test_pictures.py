"""Picture preprocessing: file formats, drawings, photos, broken and hostile files."""

import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageOps, PngImagePlugin

from ml import known_digits
from ml.preprocessing.ink import extract_ink
from ml.preprocessing.ink_grids import rasterize_ink
from ml.preprocessing.picture_files import PictureError, PictureTooLarge, open_picture
from ml.preprocessing.strokes import rasterize
from ml.recognition import predict_picture
from ml.training import data
from tests.ml import generated_photos as photos
from tools.resilience.hostile_inputs import chunk, jpeg_with, png_with, repeated_scan, saved
from tools.samples import ROOT, SEVEN

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
ORIENTATION = 0x0112
# Additional errors allowed per 2,000 digits.
TOLERANCE = 3
# The transposition that each EXIF orientation reverts.
STORED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def drawn(size=280):
    """Return a picture of a seven, white on black, size x size."""
    return Image.fromarray(rasterize(SEVEN)).resize((size, size))


def preprocess(picture):
    """Return the picture's ink as one digit, uint8[28, 28], or None if it is blank."""
    ink = extract_ink(picture)
    return None if ink is None else rasterize_ink(ink.levels)


def stored(picture, orientation, format="JPEG", **options):
    """Return a file stored like that of a rotated camera, with its EXIF orientation."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return saved(picture.transpose(STORED[orientation]), format, exif=exif, **options)


def transparent(level):
    """Return a stroke of one gray level on a transparent background."""
    stroke = drawn()
    return Image.merge("LA", (Image.new("L", stroke.size, level), stroke)).convert("RGBA")


def scaled(factor, dtype):
    """Return the seven with 16 or 32 bits per pixel."""
    return Image.fromarray((np.asarray(drawn()) * factor).astype(dtype))


KINDS = {
    "light on dark": saved(drawn()),
    "dark on light": saved(ImageOps.invert(drawn())),
    "black on transparent": saved(transparent(0)),
    "white on transparent": saved(transparent(255)),
    "white on transparent, WebP": saved(transparent(255), "WEBP", lossless=True),
    "16 bits": saved(scaled(257.0, np.uint16)),
    "1 of 16 bits": saved(scaled(1 / 128, np.uint16)),
    "12 of 16 bits": saved(scaled(16.0, np.uint16)),
    "palette": saved(drawn().convert("P")),
    "palette with transparency": saved(transparent(0).quantize(8)),
    "1 bit": saved(drawn().convert("1")),
    "CMYK": saved(drawn().convert("RGB").convert("CMYK"), "JPEG", quality=95),
    "animation": saved(drawn(), "GIF", save_all=True, append_images=[Image.new("L", (280, 280))]),
    **{f"EXIF {turn}": stored(drawn(), turn) for turn in STORED},
    "EXIF, transparent": stored(transparent(0), 6, "PNG"),
    "EXIF, 16 bits": stored(scaled(257.0, np.uint16), 6, "PNG"),
    **{format: saved(drawn().convert("RGB"), format) for format in FORMATS},
}


@pytest.mark.parametrize("content", KINDS.values(), ids=KINDS)
def test_predict_picture_of_any_format_gives_the_digit(shipped, content):
    prediction = predict_picture(shipped, open_picture(content))
    assert (prediction.text, prediction.digits[0].verdict) == ("7", "digit")


@pytest.mark.parametrize("size", [(1200, 80), (80, 1200)])
def test_predict_picture_of_extreme_aspect_gives_the_digit(shipped, size):
    strip = Image.new("L", size, 255)
    strip.paste(ImageOps.invert(drawn(70)), (5, 5))
    assert predict_picture(shipped, strip).text == "7"


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "1", "I;16", "I", "F"])
@pytest.mark.parametrize("size", [(280, 280), (1, 1), (1000, 1), (2, 3000)])
@pytest.mark.parametrize("level", [0, 1])
def test_extract_ink_of_uniform_picture_is_none(mode, size, level):
    assert preprocess(Image.new(mode, size, level)) is None


@pytest.mark.parametrize("level", [0, 128, 255])
@pytest.mark.parametrize("noise", [1, 5, 10, 20, 30])
def test_extract_ink_of_noise_is_none(level, noise):
    levels = np.random.default_rng(0).normal(level, noise, (280, 280)).clip(0, 255)
    assert preprocess(Image.fromarray(levels.astype(np.uint8))) is None


def test_extract_ink_of_gradient_is_none():
    shade = np.linspace(90, 230, 280).astype(np.uint8)
    assert preprocess(Image.fromarray(np.tile(shade, (280, 1)))) is None


def test_extract_ink_of_photographed_blank_paper_is_none():
    """398 of 400 in a larger run; the seeds include notches in the edges of shadows."""
    seeds = [*range(20), 65, 134, 159, 197, 204, 294, 332, 344]
    taken = [preprocess(open_picture(photos.take(None, seed))) for seed in seeds]
    assert taken.count(None) == len(seeds)


@pytest.fixture(scope="module")
def digits():
    """Every fifth MNIST test digit: images uint8[2000, 28, 28] and labels."""
    images, labels = data.mnist(train=False).subset(slice(None, None, 5))
    return images.numpy(), labels.numpy()


def errors(classifier, images, labels):
    return np.count_nonzero(classifier.predict(np.stack(images)).argmax(axis=1) != labels)


def test_enlarged_digits_keep_their_accuracy(shipped, digits):
    """Half of the digits are dark on light; each is enlarged by one of three methods."""
    images, labels = digits
    methods = cycle(["NEAREST", "BILINEAR", "BICUBIC"])
    grids = []
    for number, digit in enumerate(images):
        small = Image.fromarray(~digit if number % 2 else digit)
        grids.append(preprocess(small.resize((280, 280), Image.Resampling[next(methods)])))
    assert errors(shipped, grids, labels) <= errors(shipped, images, labels) + TOLERANCE


def test_digits_of_any_size_and_place_keep_their_accuracy(shipped, digits):
    images, labels = digits
    rng = np.random.default_rng(0)
    shares = cycle([0.15, 0.4, 1.0])
    grids = []
    for digit in images:
        cut = Image.fromarray(digit)
        cut = cut.crop(cut.getbbox())
        side = round(280 * next(shares))
        large = ImageOps.contain(cut, (side, side), Image.Resampling.BICUBIC)
        canvas = Image.new("L", (280, 280))
        canvas.paste(large, tuple(rng.integers(281 - side) for side in large.size))
        grids.append(preprocess(ImageOps.invert(canvas)))
    assert errors(shipped, grids, labels) <= errors(shipped, images, labels) + TOLERANCE


def ruled(sheet):
    sheet[20::40] = sheet[21::40] = 1


def boxed(sheet):
    sheet[30:250, 30:250] = 1
    sheet[34:246, 34:246] = 0


@pytest.mark.parametrize("lines", [ruled, boxed])
@pytest.mark.parametrize("strength", [0.15, 0.5])
def test_ruled_lines_and_form_boxes_are_ignored(shipped, digits, lines, strength):
    images, labels = digits
    correct = 0
    for digit, label in zip(images[:50], labels, strict=False):
        sheet = np.zeros((280, 280))
        lines(sheet)
        written = np.pad(np.asarray(Image.fromarray(digit).resize((140, 140))), 70) / 255
        ink = np.maximum(written, strength * sheet)
        picture = Image.fromarray((255 * (1 - ink)).astype(np.uint8))
        correct += predict_picture(shipped, picture).text == str(label)
    assert correct >= 42


def test_predict_picture_of_photos_gives_the_digit(shipped):
    """Photos of 60 training digits."""
    images, labels = data.mnist(train=True)
    album = [
        (photos.take(images[7 * seed].numpy(), seed), str(labels[7 * seed].item()))
        for seed in range(100, 160)
    ]

    predicted = [predict_picture(shipped, open_picture(photo)).text for photo, _ in album]
    assert sum(map(str.__eq__, predicted, (label for _, label in album))) >= 57


def test_extract_ink_ignores_specks():
    clean = ImageOps.invert(drawn())
    dusty = clean.copy()
    for corner in ((3, 5), (270, 4), (8, 150), (262, 271)):
        dusty.paste(60, (*corner, corner[0] + 3, corner[1] + 3))
    assert (preprocess(dusty) == preprocess(clean)).all()


def test_extract_ink_of_a_single_speck_is_none():
    canvas = Image.new("L", (280, 280), 255)
    canvas.paste(0, (100, 100, 105, 105))
    assert preprocess(canvas) is None


def test_rasterize_ink_centers_the_mass():
    grid = preprocess(drawn()).astype(float)
    middle = [(grid.sum(axis) @ np.arange(28)) / grid.sum() for axis in (1, 0)]
    assert middle == pytest.approx([14, 14], abs=0.51)


def test_open_picture_of_a_large_jpeg_decodes_at_reduced_size():
    photo = Image.new("RGB", (4_000, 3_000), "white")
    photo.paste("black", (2_800, 400, 3_000, 2_000))
    picture = open_picture(stored(photo, 6))
    assert picture.width * picture.height < 1_000_000
    # The box is in pixels of the upright original.
    assert extract_ink(picture).box == pytest.approx((2_800, 400, 200, 1_600), abs=16)


def test_open_picture_of_24_megapixels_decodes_a_baseline_jpeg():
    content = saved(Image.new("L", (6_000, 4_000), 200), "JPEG")
    assert open_picture(content).info["full_width"] == 6_000


@pytest.mark.parametrize("format", ["TIFF", "AVIF"])
def test_open_picture_of_another_format_names_the_remedy(format):
    with pytest.raises(PictureError, match="Save it as JPEG"):
        open_picture(saved(drawn(56).convert("RGB"), format))


@pytest.mark.parametrize(("size", "format"), [((5_100, 5_000), "JPEG"), ((3_000, 2_001), "PNG")])
def test_open_picture_with_too_many_pixels_raises_before_decoding(monkeypatch, size, format):
    content = saved(Image.new("L", size), format)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda _: pytest.fail("decoded"))
    with pytest.raises(PictureTooLarge, match=f"{size[0]}x{size[1]}"):
        open_picture(content)


def test_open_picture_with_too_many_chunks_raises():
    with pytest.raises(PictureError, match="more than 10,000 chunks"):
        open_picture(png_with(chunk(b"teSt") * 20_000))


PROGRESSIVE = {"format": "JPEG", "progressive": True}
COSTLY = {
    "scans": repeated_scan(drawn(), 60),
    "samples": saved(Image.new("CMYK", (2_400, 2_400)), **PROGRESSIVE),
    "samples of all scans": repeated_scan(Image.new("L", (3_000, 3_000)), 30),
}


@pytest.mark.parametrize("content", COSTLY.values(), ids=COSTLY)
def test_open_picture_of_a_costly_jpeg_raises_before_decoding(monkeypatch, content):
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda _: pytest.fail("decoded"))
    with pytest.raises(PictureTooLarge, match=r"scans of [\d,]+ samples; at most 50 scans"):
        open_picture(content)


def test_open_picture_of_a_progressive_photo_decodes_it():
    photo = Image.new("RGB", (4_000, 3_000), "white")
    picture = open_picture(saved(photo, **PROGRESSIVE))
    assert (picture.size, picture.info["full_width"]) == ((250, 188), 4_000)


def test_open_picture_ignores_the_scans_of_previews():
    preview = saved(drawn(), **PROGRESSIVE)
    segment = b"\xff\xe1" + struct.pack(">H", len(preview) + 8) + b"Exif\0\0" + preview
    content = saved(Image.new("RGB", (4_000, 4_000)), "JPEG")
    picture = open_picture(content[:2] + segment + content[2:] + preview)
    assert picture.info["full_width"] == 4_000


def test_open_picture_with_too_many_markers_between_scans_raises():
    content = saved(drawn(), **PROGRESSIVE)
    with pytest.raises(PictureError, match="more than 10,000 markers"):
        open_picture(content[:-2] + b"\xff\xfe\x00\x02" * 20_000 + content[-2:])


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "1", "I;16"])
def test_open_picture_of_a_large_picture_reduces_it(mode):
    picture = open_picture(saved(Image.new(mode, (2_000, 1_500))))
    assert picture.size == (286, 215)


def test_open_picture_decodes_large_pictures_one_at_a_time(monkeypatch):
    decoding, together = [], []
    load = PngImagePlugin.PngImageFile.load

    def observed(picture):
        decoding.append(picture)
        together.append(len(decoding))
        result = load(picture)
        decoding.remove(picture)
        return result

    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", observed)
    content = saved(Image.new("RGBA", (2_000, 2_000)))
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(open_picture, [content] * 8))
    assert set(together) == {1}


def test_open_picture_imports_no_plugins_of_other_formats():
    code = (
        "import sys; from ml.preprocessing.picture_files import open_picture;"
        "open_picture(sys.stdin.buffer.read()); sys.exit('PIL.FitsImagePlugin' in sys.modules)"
    )
    content = saved(drawn(), "WEBP")
    subprocess.run([sys.executable, "-c", code], input=content, check=True, cwd=ROOT)


def test_open_picture_keeps_no_warnings_in_memory():
    """Each warning of a damaged EXIF entry has a text of its own."""
    exif = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", 300)
    exif += b"".join(struct.pack("<HHII", tag, 2, 10**6, 0) for tag in range(1, 301))
    content = jpeg_with(b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif)
    code = (
        "import sys; from PIL import TiffImagePlugin;"
        "from ml.preprocessing.picture_files import open_picture;"
        "open_picture(sys.stdin.buffer.read());"
        "sys.exit(len(getattr(TiffImagePlugin, '__warningregistry__', {})) > 1)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], input=content, check=False, capture_output=True, cwd=ROOT
    )
    assert (result.returncode, result.stderr) == (0, b"")


def test_extract_ink_ignores_metadata_named_like_its_own():
    """A PNG may carry a text chunk of any name after its pixels."""
    content = saved(drawn())
    text = chunk(b"tEXt", b"full_width\0wide")
    picture = open_picture(content[:-12] + text + content[-12:])
    assert extract_ink(picture).box == extract_ink(drawn()).box


@pytest.mark.parametrize("format", FORMATS)
def test_open_picture_of_a_truncated_file_raises(format):
    content = saved(drawn(), format)
    with pytest.raises(PictureError):
        open_picture(content[: len(content) // 2])


BREAKABLE = {
    **{format: saved(drawn(56).convert("RGB"), format) for format in FORMATS},
    "EXIF": stored(drawn(56), 6),
    "EXIF in PNG": stored(drawn(56), 6, "PNG"),
    "palette": saved(transparent(0).resize((56, 56)).quantize(8)),
    "16 bits": saved(scaled(257.0, np.uint16).resize((56, 56))),
}


@pytest.mark.parametrize("good", BREAKABLE.values(), ids=BREAKABLE)
@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_open_picture_with_a_flipped_byte_succeeds_or_raises_picture_error(good, data):
    content = bytearray(good)
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    try:
        found = preprocess(open_picture(bytes(content)))
    except PictureError:
        return
    assert found is None or found.shape == (28, 28)


# Digits as strokes of (x, y) in a box of 12 x 20.
PLOTTED = {
    str(digit): [[(x / 5, y / 5) for x, y in stroke] for stroke in strokes]
    for digit, strokes in enumerate(known_digits.STROKES)
}


@pytest.mark.parametrize("pen", [2, 3, 6, 12, 20, 30])
@pytest.mark.parametrize("text", PLOTTED)
def test_predict_picture_ignores_the_pen_width(shipped, pen, text):
    picture = Image.new("L", (280, 280), 255)
    drawing = ImageDraw.Draw(picture)
    for stroke in PLOTTED[text]:
        points = [(85 + 9 * x, 50 + 9 * y) for x, y in stroke]
        drawing.line(points, fill=0, width=pen, joint="curve")
    assert predict_picture(shipped, picture).text == text
