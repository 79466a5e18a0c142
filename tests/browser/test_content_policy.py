"""The Content Security Policy in Chromium: no page violates it, and it blocks inline scripts."""

from uuid import uuid4

import pytest
from django.urls import reverse
from django_otp.plugins.otp_totp.models import TOTPDevice

from recognizer import drawings, registry
from recognizer.models import Digit, Source
from tests.conftest import variant
from tools.samples import SEVEN

pytestmark = pytest.mark.django_db(transaction=True)

PAGES_WITHOUT_ARGUMENTS = [
    "recognizer_digit_changelist", "recognizer_digit_review", "recognizer_drawing_changelist",
    "recognizer_modelversion_changelist", "auth_user_changelist", "auth_user_add",
    "auth_group_changelist", "auth_group_add", "password_change", "axes_accessattempt_changelist",
    "otp_totp_totpdevice_changelist", "index", "two_factor",
]  # fmt: skip


def addresses(user):
    """Yield the URL paths of all admin pages and public pages."""
    drawings.save(uuid4(), SEVEN, Source.PAGE)
    digit = Digit.objects.get()
    model, _ = registry.register(variant(2.0))
    # Not confirmed: the page of the setup shows its QR code.
    device = TOTPDevice.objects.create(user=user, name="phone", confirmed=False)
    yield from (reverse(f"admin:{name}") for name in PAGES_WITHOUT_ARGUMENTS)
    for name, pk in (
        ("recognizer_digit_change", digit.pk),
        ("recognizer_digit_history", digit.pk),
        ("recognizer_drawing_change", digit.drawing_id),
        ("recognizer_drawing_delete", digit.drawing_id),
        ("recognizer_modelversion_change", model.pk),
        ("auth_user_change", user.pk),
        ("otp_totp_totpdevice_change", device.pk),
        ("two_factor_reset", user.pk),
    ):
        yield reverse(f"admin:{name}", args=[pk])
    yield from ("/", "/api/docs", f"/drawings/{digit.drawing_id}")


def test_no_page_violates_the_policy(open_admin, admin_user):
    page = open_admin("/admin/")
    for address in addresses(admin_user):
        response = page.goto(address, wait_until="load")
        assert response.status == 200, address
        assert "unsafe" not in response.headers["content-security-policy"], address
        assert page.complaints == [], address


def test_policy_blocks_inline_scripts(page):
    page.evaluate(
        """() => {
          const script = document.createElement("script");
          script.textContent = "window.isInlineRun = true";
          document.body.append(script);
        }"""
    )
    assert page.evaluate("window.isInlineRun") is None
    assert "Content Security Policy" in page.complaints.pop()
