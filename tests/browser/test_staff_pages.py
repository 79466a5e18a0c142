"""Staff pages in Chromium: accessibility and width at three widths; the pad of a model."""

import pytest
from django.db.models import F
from django.utils import timezone
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice
from playwright.sync_api import expect

from recognizer import registry
from recognizer.models import Digit, Measurement
from tests.conftest import measurement_metrics, variant
from tools.browser.pen import draw, violations
from tools.many_drawings import DIGITS, DRAWINGS, MODELS_LIST, REVIEW, STATISTICS, fill

pytestmark = pytest.mark.django_db(transaction=True)

TWO_FACTOR = "/admin/two-factor/"
DIGIT = f"{DIGITS}{{digit}}/change/"
DRAWING = f"{DRAWINGS}{{drawing}}/change/"
USERS = "/admin/auth/user/"
USER, RESET = f"{USERS}{{user}}/change/", f"{TWO_FACTOR}{{user}}/reset/"
PAGES = [
    "/admin/", REVIEW, DIGITS, DIGIT, DRAWINGS, DRAWING, STATISTICS, MODELS_LIST,
    USERS, USER, RESET,
]  # fmt: skip
OPEN_DETAILS = "document.querySelectorAll('details').forEach((one) => (one.open = true))"
# Contrast depends on the color scheme, the size of targets on the width.
SCREENS = [(390, "light"), (768, "light"), (1280, "dark")]


@pytest.fixture
def drawings(transactional_db):
    """Twelve digits of today, half of them labeled."""
    fill(12)
    Digit.objects.update(predicted_at=timezone.now())
    Digit.objects.filter(text__lt="5").update(label=F("text"))


def expect_accessible(page):
    """Check the contrast, the other rules of axe-core and the width on each screen."""
    # The admin's jQuery tests for inline styles, which the content security policy blocks.
    page.expected_errors.append("inline style")
    page.evaluate(OPEN_DETAILS)
    for width, scheme in SCREENS:
        page.set_viewport_size({"width": width, "height": 844})
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert violations(page) == {}, (width, scheme)


@pytest.mark.parametrize("path", PAGES)
def test_page_is_accessible_and_fits_the_screen(open_admin, drawings, admin_user, path):
    digit = Digit.objects.latest("pk")
    names = {"digit": digit.pk, "drawing": digit.drawing_id, "user": admin_user.pk}
    expect_accessible(open_admin(path.format(**names)))


def test_two_factor_setup_is_accessible_and_fits_the_screen(open_admin, transactional_db):
    page = open_admin(TWO_FACTOR)
    expect_accessible(page)
    page.click("#two-factor [type=submit]")
    expect_accessible(page)
    page.fill("#code", f"{totp(TOTPDevice.objects.get().bin_key):06}")
    page.click("#two-factor [type=submit]")
    expect(page.locator(".codes code")).to_have_count(8)
    expect_accessible(page)


def test_statistics_without_drawings_are_accessible(open_admin, transactional_db):
    page = open_admin(STATISTICS, viewport={"width": 390, "height": 844})
    expect(page.locator("#statistics")).to_contain_text("There are no drawings yet")
    assert violations(page) == {}


def test_sign_in_page_is_accessible(open_page):
    page = open_page("/admin/login/", viewport={"width": 390, "height": 844})
    assert violations(page) == {}


@pytest.fixture
def measured_candidate(transactional_db, shipped):
    """Return a worse candidate; store measurements of it and of the serving model."""
    version = registry.register(variant(2.0, errors=60))[0]
    for sha256 in (shipped.sha256, version.sha256):
        metrics = measurement_metrics(accepted_non_digits=5)
        Measurement.objects.create(sha256=sha256, metrics=metrics)
    return version


def test_comparison_and_promotion_are_accessible_and_fit_the_screen(open_admin, measured_candidate):
    page = open_admin(f"{MODELS_LIST}{measured_candidate.pk}/change/")
    assert page.locator(".reliability").count() == 2
    page.locator("pre").evaluate("one => (one.textContent += 'x'.repeat(500))")
    expect_accessible(page)
    page.click("text=Promote…")
    expect(page.locator("#reason")).to_be_visible()
    expect_accessible(page)


def test_drawing_on_the_pad_shows_the_predictions_of_both_models(open_admin, measured_candidate):
    page = open_admin(f"{MODELS_LIST}{measured_candidate.pk}/try/")
    draw(page)
    for output in ("#candidate", "#serving"):
        expect(page.locator(output)).to_contain_text("7")
    page.click("#clear")
    expect(page.locator("#serving")).to_have_text("")
    expect_accessible(page)
