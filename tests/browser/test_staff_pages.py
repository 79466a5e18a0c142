"""Staff pages in Chromium: content policy, accessibility, width; the pad of a model."""

import pytest
from django.db.models import F
from django.utils import timezone
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice
from playwright.sync_api import expect

from recognizer import registry
from recognizer.models import Digit, Measurement
from tests.conftest import measurement_metrics, variant
from tools.browser.pen import RULES, draw, violations
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
SCREENS = [(390, "light", RULES), (768, "light", "target-size"), (1280, "dark", RULES)]


@pytest.fixture
def names(transactional_db, admin_user):
    """Store twelve digits of today, half of them labeled; return the primary keys in addresses."""
    fill(12)
    Digit.objects.update(predicted_at=timezone.now())
    Digit.objects.filter(text__lt="5").update(label=F("text"))
    digit = Digit.objects.latest("pk")
    device = TOTPDevice.objects.create(user=admin_user, name="phone", confirmed=False)
    return {
        "digit": digit.pk,
        "drawing": digit.drawing_id,
        "user": admin_user.pk,
        "device": device.pk,
    }


def expect_accessible(page):
    """Check the content policy, and on each screen the width and the rules of axe-core."""
    # Once axe-core runs, the admin's jQuery tests for inline styles, which the policy blocks.
    expected = page.expected_errors
    assert [text for text in page.complaints if not any(e in text for e in expected)] == []
    page.expected_errors.append("inline style")
    page.evaluate(OPEN_DETAILS)
    for width, scheme, rules in SCREENS:
        page.set_viewport_size({"width": width, "height": 844})
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert violations(page, rules=rules) == {}, (width, scheme)


@pytest.mark.parametrize("path", PAGES)
def test_page_is_accessible_and_fits_the_screen(open_admin, names, path):
    expect_accessible(open_admin(path.format(**names)))


OTHER_PAGES = [
    f"{DIGITS}{{digit}}/history/", f"{DRAWINGS}{{drawing}}/delete/", f"{USERS}add/",
    "/admin/auth/group/", "/admin/auth/group/add/", "/admin/password_change/",
    "/admin/axes/accessattempt/", "/admin/otp_totp/totpdevice/",
    "/admin/otp_totp/totpdevice/{device}/change/", TWO_FACTOR, "/api/docs",
]  # fmt: skip


def test_other_pages_obey_the_content_policy(open_admin, names):
    page = open_admin("/admin/")
    for path in OTHER_PAGES:
        response = page.goto(path.format(**names))
        assert response.status == 200, path
        assert page.complaints == [], path
    page.evaluate(
        """() => {
          const script = document.createElement("script");
          script.textContent = "window.isInlineRun = true";
          document.body.append(script);
        }"""
    )
    assert page.evaluate("window.isInlineRun") is None
    assert "Content Security Policy" in page.complaints.pop()


def test_two_factor_setup_is_accessible_and_fits_the_screen(open_admin, transactional_db):
    page = open_admin(TWO_FACTOR)
    expect_accessible(page)
    page.click("#two-factor [type=submit]")
    expect_accessible(page)
    page.fill("#code", f"{totp(TOTPDevice.objects.get().bin_key):06}")
    page.click("#two-factor [type=submit]")
    expect(page.locator(".codes code")).to_have_count(8)
    expect_accessible(page)


def test_statistics_without_drawings_and_sign_in_are_accessible(open_admin, transactional_db):
    page = open_admin(STATISTICS, viewport={"width": 390, "height": 844})
    expect(page.locator("#statistics")).to_contain_text("There are no drawings yet")
    assert violations(page) == {}
    page.context.clear_cookies()
    page.goto("/admin/login/")
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
