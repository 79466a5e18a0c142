"""The statistics page in Chromium: accessibility, width, links."""

from uuid import UUID

import pytest
from playwright.sync_api import expect

from recognizer import drawings
from recognizer.models import Digit, Source
from tools.browser.pen import violations
from tools.samples import SEVEN

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "/admin/recognizer/digit/statistics/"


@pytest.fixture
def labeled(transactional_db, admin_user):
    """Five sevens, one of them labeled 1."""
    for number in range(5):
        drawings.save(UUID(int=number), [[[x + number, y] for x, y, _ in SEVEN[0]]], Source.PAGE)
    digits = Digit.objects.order_by("pk")
    drawings.label_as_reviewer(digits[1:], "7", admin_user)
    drawings.label_as_reviewer(digits[:1], "1", admin_user)


@pytest.mark.parametrize(("scheme", "width"), [("light", 390), ("dark", 1280)])
def test_page_is_accessible_and_fits_the_screen(open_admin, labeled, scheme, width):
    page = open_admin(PAGE, viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    assert violations(page) == {}
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_confusion_matrix_number_opens_the_list_of_its_digits(open_admin, labeled):
    page = open_admin(PAGE, viewport={"width": 1280, "height": 800})
    page.get_by_role("link", name="1 labeled 1, predicted 7").click()
    expect(page.locator("#result_list tbody tr")).to_have_count(1)


def test_page_without_drawings_is_accessible(open_admin, transactional_db):
    page = open_admin(PAGE, viewport={"width": 390, "height": 844})
    expect(page.locator("#statistics")).to_contain_text("There are no drawings yet")
    assert violations(page) == {}
