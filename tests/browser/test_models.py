"""The model comparison page in Chromium: accessibility and layout."""

import pytest

from recognizer import registry
from recognizer.models import Measurement
from tests.conftest import measurement_metrics, variant
from tools.browser.pen import violations

pytestmark = pytest.mark.django_db(transaction=True)


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
        f"/admin/recognizer/modelversion/{measured_candidate.pk}/change/",
        viewport={"width": width, "height": 800},
        color_scheme=scheme,
    )
    # The admin's jQuery tests for inline styles, which the content security policy blocks.
    page.expected_errors.append("inline style")
    assert page.locator(".reliability").count() == 2
    assert violations(page) == {}
    assert page.evaluate("document.documentElement.scrollWidth") <= width
