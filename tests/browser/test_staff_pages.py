"""Staff pages in Chromium: accessibility and width in both color schemes; the pad of a model."""

import pytest
from django.db.models import F
from django.utils import timezone
from playwright.sync_api import expect

from recognizer import registry
from recognizer.models import Digit, Measurement
from tests.conftest import measurement_metrics, variant
from tools.browser.pen import draw, violations
from tools.many_drawings import DIGITS, DRAWINGS, MODELS_LIST, REVIEW, STATISTICS, fill

pytestmark = pytest.mark.django_db(transaction=True)

TWO_FACTOR = "/admin/two-factor/"
DIGIT = f"{DIGITS}{{digit}}/change/"
USER = "/admin/auth/user/{user}/change/"
PAGES = ["/admin/", REVIEW, DIGITS, DIGIT, USER, DRAWINGS, STATISTICS, TWO_FACTOR, MODELS_LIST]
OPEN_DETAILS = "document.querySelectorAll('details').forEach((one) => (one.open = true))"
# Contrast depends on the color scheme, the size of targets on the width.
SCREENS = [(390, "light"), (1280, "dark")]


@pytest.fixture
def drawings(transactional_db):
    """Twelve digits of today, half of them labeled."""
    fill(12)
    Digit.objects.update(predicted_at=timezone.now())
    Digit.objects.filter(text__lt="5").update(label=F("text"))


@pytest.mark.parametrize("path", PAGES)
def test_page_is_accessible_and_fits_the_screen(open_admin, drawings, admin_user, path):
    page = open_admin(path.format(digit=Digit.objects.latest("pk").pk, user=admin_user.pk))
    # The admin's jQuery tests for inline styles, which the content security policy blocks.
    page.expected_errors.append("inline style")
    page.evaluate(OPEN_DETAILS)
    for width, scheme in SCREENS:
        page.set_viewport_size({"width": width, "height": 844})
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert violations(page) == {}, (width, scheme)
    page.set_viewport_size({"width": 768, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 768


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


@pytest.mark.parametrize(("scheme", "width"), [("light", 390), ("dark", 1280)])
def test_comparison_page_is_accessible_and_fits_the_screen(
    open_admin, measured_candidate, scheme, width
):
    page = open_admin(
        f"{MODELS_LIST}{measured_candidate.pk}/change/",
        viewport={"width": width, "height": 800},
        color_scheme=scheme,
    )
    # The admin's jQuery tests for inline styles, which the content security policy blocks.
    page.expected_errors.append("inline style")
    assert page.locator(".reliability").count() == 2
    page.evaluate(OPEN_DETAILS)
    page.locator("pre").evaluate("one => (one.textContent += 'x'.repeat(500))")
    assert violations(page) == {}
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_drawing_on_the_pad_shows_the_predictions_of_both_models(open_admin, measured_candidate):
    page = open_admin(f"{MODELS_LIST}{measured_candidate.pk}/try/")
    draw(page)
    for output in ("#candidate", "#serving"):
        expect(page.locator(output)).to_contain_text("7")
    page.click("#clear")
    expect(page.locator("#serving")).to_have_text("")
    assert violations(page) == {}
