"""Champion and challenger, in a real Chromium: for everyone, on every screen."""

import pytest

from recognizer import registry
from recognizer.models import Measurement
from tests.conftest import measured_figures, variant
from tools.browser.pen import violations

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def challenger(transactional_db, shipped):
    """A model that was measured, and the one that serves too."""
    version = registry.register(variant(2.0, errors=60))[0]
    for sha256 in (shipped.sha256, version.sha256):
        Measurement.objects.create(sha256=sha256, metrics=measured_figures(let_through=5))
    return version


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing_and_the_page_is_no_wider_than_the_screen(
    open_admin, challenger, scheme, width
):
    page = open_admin(
        f"/admin/recognizer/modelversion/{challenger.pk}/change/",
        viewport={"width": width, "height": 800},
        color_scheme=scheme,
    )
    assert page.locator(".reliability").count() == 2
    assert violations(page) == {}
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    # jQuery, which the admin brings, tries what styles it may set.
    assert all("inline style" in complaint for complaint in page.complaints)
    page.complaints.clear()
