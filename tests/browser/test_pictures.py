"""Pictures on the page: chosen, dropped, pasted, invalid."""

import base64
import io

import numpy as np
import pytest
from PIL import Image, ImageOps
from playwright.sync_api import expect

from ml.preprocessing.strokes import rasterize
from recognizer.models import Drawing
from tests.browser.conftest import expect_saved, wait_until
from tools.browser.pen import draw, expect_state, ink_of
from tools.samples import ONE, SEVEN

pytestmark = pytest.mark.django_db(transaction=True)

LIGHT = Image.fromarray(rasterize(SEVEN)).resize((280, 280), Image.Resampling.BICUBIC)
DARK = ImageOps.invert(LIGHT)


def png(picture, **options):
    file = io.BytesIO()
    picture.save(file, "PNG", **options)
    return file.getvalue()


def choose_file(page, content, name="7.png", type="image/png"):
    page.set_input_files("#picture", {"name": name, "mimeType": type, "buffer": content})


SEND_FILE = """([how, content, type]) => {
    const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
    const data = new DataTransfer();
    data.items.add(new File([bytes], "file", { type }));
    const event = how === "paste"
        ? new ClipboardEvent("paste", { clipboardData: data, bubbles: true })
        : new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true });
    document.querySelector("#strip").dispatchEvent(event);
}"""


def test_chosen_picture_is_shown_predicted_and_saved(page):
    choose_file(page, png(LIGHT))
    expect(page.locator("#reading")).to_have_text("7")
    expect_state(page, "read")
    assert ink_of(page, "#seen") > 20
    wait_until(page, lambda: ink_of(page, "#pad") > 0)
    expect_saved(page, 1)
    drawing = Drawing.objects.get()
    assert (drawing.text, drawing.strokes, drawing.source) == ("7", None, "page")
    page.keyboard.press("7")
    expect(page.locator("#label-status")).to_have_text("Your label: 7. Thank you.")


def test_pasted_or_dropped_picture_is_predicted(page):
    for how in ("paste", "drop"):
        page.evaluate(SEND_FILE, [how, base64.b64encode(png(DARK)).decode(), "image/png"])
        expect(page.locator("#reading")).to_have_text("7")
        page.click("[data-action=clear]")


def test_number_in_a_picture_is_segmented(page):
    wide = Image.new("L", (560, 280), 255)
    wide.paste(DARK, (0, 0))
    wide.paste(DARK, (280, 0))
    choose_file(page, png(wide))
    expect(page.locator("#reading")).to_have_text("77")
    expect(page.locator("#reading button")).to_have_count(2)


def test_photo_is_scaled_down_and_rotated_without_metadata(page):
    rng = np.random.default_rng(0)
    photo = DARK.resize((1500, 1500)).convert("RGB")
    noisy = np.asarray(photo) * 0.8 + rng.normal(20, 4, (1500, 1500, 3))
    photo = Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).rotate(90)
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: rotate 90° clockwise
    file = io.BytesIO()
    photo.save(file, "JPEG", exif=exif)
    choose_file(page, file.getvalue(), "photo.jpg", "image/jpeg")
    expect(page.locator("#reading")).to_have_text("7")
    source = page.evaluate("JSON.parse(sessionStorage.visit)[0].picture.source")
    sent = base64.b64decode(source.partition(",")[2])
    with Image.open(io.BytesIO(sent)) as small:
        assert (small.size, small.format) == ((1024, 1024), "JPEG")
    assert b"Exif" not in sent


def test_invalid_picture_shows_an_error_and_keeps_the_drawing(page):
    draw(page)
    # The status of the server would replace the error.
    expect_state(page, "read")
    choose_file(page, b"invalid")
    expect(page.locator("#badge")).to_have_text(
        "This file is no picture that your browser can open, and no drawing of this page."
    )
    expect(page.locator("#reading")).to_have_text("7")


def test_stroke_on_a_picture_begins_a_drawing_and_undo_restores_the_picture(page):
    choose_file(page, png(DARK))
    expect(page.locator("#reading")).to_have_text("7")
    draw(page, ONE)
    expect(page.locator("#reading")).to_have_text("1")
    page.keyboard.press("Control+z")
    expect_state(page, "empty")
    page.keyboard.press("Control+z")
    expect(page.locator("#reading")).to_have_text("7")
    expect_saved(page, 1)


def test_picture_opened_during_a_stroke_keeps_its_label(page):
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    box = page.locator("#pad").bounding_box()
    page.mouse.move(box["x"] + 50, box["y"] + 50)
    page.mouse.down()
    choose_file(page, png(DARK))
    expect(page.locator("#reading")).to_have_text("7")
    expect_state(page, "read")
    page.keyboard.press("7")
    status = page.locator("#label-status")
    expect(status).to_have_text("Your label: 7. Thank you.")
    requests.clear()
    page.mouse.move(box["x"] + 90, box["y"] + 90)
    page.mouse.up()
    expect(status).to_have_text("Your label: 7. Thank you.")
    assert page.evaluate("JSON.parse(sessionStorage.visit).at(-1).label") == "7"
    assert not [url for url in requests if "predict" in url]


def test_blank_picture_shows_a_message(page):
    choose_file(page, png(Image.new("L", (200, 200), 255)))
    badge = page.locator("#badge")
    expect(badge).to_have_text("No ink found in the picture.")
    # Readable on a dark picture too.
    assert (
        badge.evaluate("badge => getComputedStyle(badge).backgroundColor") == "rgb(251, 250, 246)"
    )
    assert not Drawing.objects.exists()
