"""The review deck in a real Chromium: with the keyboard alone, and by touch on a phone."""

from uuid import UUID

import pytest
from django.contrib.admin.models import LogEntry
from playwright.sync_api import expect

from recognizer import drawings
from recognizer.models import Digit, RepeatReview, Source
from tools.browser.pen import ink_of, violations
from tools.samples import SEVEN

pytestmark = pytest.mark.django_db(transaction=True)

DECK = "/admin/recognizer/digit/review/"
DESK = {"viewport": {"width": 1280, "height": 800}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest.fixture
def hundred_sevens(transactional_db):
    """A hundred sevens, each leaning a little more."""
    for lean in range(100):
        leaning = [[[x - lean * (y - 60) / 200, y, t] for x, y, t in SEVEN[0]]]
        drawings.save(UUID(int=lean), leaning, Source.PAGE)
    assert Digit.objects.count() == 100


@pytest.fixture
def open_deck(open_admin, admin_user, hundred_sevens):
    """Open the deck as a reviewer."""

    def open_as(user=admin_user, filters="", **options):
        page = open_admin(DECK + filters, user, **(options or DESK))
        expect(page.locator("#deck")).to_have_attribute("data-state", "card")
        return page

    return open_as


def labels():
    return list(Digit.objects.order_by("confidence", "pk").values_list("label", flat=True))


def expect_stored(page, count):
    """Wait until the server has so many labels."""
    for _ in range(200):
        if Digit.objects.exclude(label="").count() == count:
            return
        page.wait_for_timeout(50)
    assert Digit.objects.exclude(label="").count() == count


def test_keys_label_agree_reject_skip_and_undo(open_deck):
    page = open_deck()
    readings = list(Digit.objects.order_by("confidence", "pk").values_list("text", flat=True))
    for key in ("3", "Enter", "x", " ", "0"):
        page.keyboard.press(key)
    expect_stored(page, 4)
    assert labels()[:5] == ["3", readings[1], "?", "", "0"]
    expect(page.locator("#progress")).to_contain_text("4 labeled, 96 to go")
    for _ in range(5):
        page.keyboard.press("u")
    expect_stored(page, 0)
    expect(page.locator("[data-key=u]")).to_be_disabled()
    page.keyboard.press("7")
    expect_stored(page, 1)
    assert labels()[0] == "7"


def test_the_keys_can_be_switched_off_and_stay_so(open_deck):
    page = open_deck()
    page.locator("#keys").uncheck()
    page.reload()
    page.keyboard.press("7")
    expect(page.locator("#progress")).to_contain_text("0 labeled")
    page.locator("[data-key='7']").click()
    expect(page.locator("#progress")).to_contain_text("1 labeled")
    page.locator("#keys").check()
    page.keyboard.press("7")
    expect(page.locator("#progress")).to_contain_text("2 labeled")


def test_a_hundred_drawings_take_at_most_105_keys_and_each_is_logged(open_deck, admin_user):
    page = open_deck()
    keys = 0
    while page.locator("#deck").get_attribute("data-state") != "done":
        page.keyboard.press("7")
        keys += 1
        page.wait_for_timeout(10)
        assert keys <= 105
    expect_stored(page, 100)
    looks = RepeatReview.objects.exclude(second="")
    assert keys == 100 + looks.count()
    assert looks.count() == 4  # of the first twenty nothing can be shown again yet
    assert LogEntry.objects.count() == 100
    expect(page.locator("#agreement")).to_contain_text("you said the same of")
    expect(page.locator("#done")).to_be_visible()


def test_the_next_card_is_there_at_once(open_deck):
    page = open_deck()
    page.evaluate(
        """() => {
            window.times = [];
            addEventListener("keydown", () => {
                const begun = performance.now();
                queueMicrotask(() => window.times.push(performance.now() - begun));
            }, true);
        }"""
    )
    for _ in range(30):
        page.keyboard.press("7")
    times = page.evaluate("window.times")
    assert len(times) == 30
    assert sorted(times)[15] < 16


def test_the_drawing_is_shown_and_replayed(open_deck):
    page = open_deck()
    whole = ink_of(page, "#drawing")
    assert whole > 1000
    page.evaluate(
        """() => {
            const canvas = document.querySelector("#drawing");
            const look = () => {
                const { width, height } = canvas;
                const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
                window.inked = data.filter((v, i) => i % 4 === 3 && v > 0).length;
                window.least = Math.min(window.least ?? Infinity, window.inked);
                requestAnimationFrame(look);
            };
            look();
        }"""
    )
    page.keyboard.press("r")
    page.wait_for_function("whole => window.least < whole", arg=whole)
    page.wait_for_function("whole => window.inked === whole", arg=whole)


def test_a_conflict_is_shown_and_overwrites_nothing(open_deck, django_user_model):
    page = open_deck()
    ana = django_user_model.objects.create_user("ana", is_staff=True)
    first = Digit.objects.order_by("confidence", "pk")[:1]
    drawings.label_as_reviewer(first, "4", ana)
    page.keyboard.press("7")
    expect(page.locator("#notice")).to_contain_text("ana has labeled 4 what you call 7")
    page.complaints.clear()  # Chromium reports the 409
    page.keyboard.press(" ")
    expect(page.locator("#about")).to_contain_text("Labeled 4 by ana")
    assert first[0].label == "4"


def test_two_reviewers_at_once_share_the_work(open_deck, django_user_model):
    ana = django_user_model.objects.create_superuser("ana")
    mine, theirs = open_deck(), open_deck(ana)
    for _ in range(10):
        mine.keyboard.press("1")
        theirs.keyboard.press("2")
    expect_stored(mine, 20)
    assert labels().count("1") == labels().count("2") == 10
    assert mine.locator("#notice").inner_text() == theirs.locator("#notice").inner_text() == ""


def test_offline_nothing_is_lost(open_deck):
    page = open_deck()
    page.context.set_offline(True)
    page.keyboard.press("7")
    page.keyboard.press("7")
    expect(page.locator("#notice")).to_contain_text("nothing is lost")
    page.context.set_offline(False)
    expect_stored(page, 2)
    page.complaints.clear()  # Chromium reports what could not be fetched


@pytest.mark.parametrize("leave", [lambda page: page.goto("/admin/"), lambda page: page.close()])
def test_who_leaves_at_once_loses_nothing(open_deck, leave):
    """The first label never arrives, so that all that comes behind it is still waiting."""
    page = open_deck()
    page.route("**/review/label/", lambda route: None)
    page.reload()  # A page that is open already may send one more before Chromium stops it.
    expect(page.locator("#deck")).to_have_attribute("data-state", "card")
    for key in "12u34":
        page.keyboard.press(key)
    expect(page.locator("#progress")).to_contain_text("5 on their way")
    other = page.context.new_page()
    leave(page)
    expect_stored(other, 3)
    assert labels()[:4] == ["1", "3", "4", ""]


def test_leaving_is_asked_about_while_the_server_cannot_be_reached(open_deck):
    page = open_deck()
    page.context.set_offline(True)
    page.keyboard.press("7")
    expect(page.locator("#notice")).to_contain_text("nothing is lost")
    with page.expect_event("dialog") as asked:
        page.close(run_before_unload=True)
    assert asked.value.type == "beforeunload"
    asked.value.dismiss()
    page.context.set_offline(False)
    expect_stored(page, 1)
    page.complaints.clear()  # Chromium reports what could not be fetched


def test_the_list_leads_to_the_deck_with_its_filters(open_deck):
    page = open_deck()
    page.goto("/admin/recognizer/digit/?text__exact=7&confidence=90")
    page.click("text=Review >> nth=0")
    expect(page.locator("#deck")).to_have_attribute("data-state", "card")
    assert "text__exact=7&confidence=90" in page.url
    expect(page.locator("#reading")).to_have_text("7")


def test_the_order_can_be_another(open_deck):
    page = open_deck()
    page.select_option("#order", "sure")
    expect(page.locator("#deck")).to_have_attribute("data-state", "card")
    page.keyboard.press("7")
    expect_stored(page, 1)
    assert labels()[-1] == "7"


def test_a_focused_button_keeps_its_own_keys_and_a_clicked_one_does_not(open_deck):
    page = open_deck()
    page.focus('[data-key="5"]')
    page.keyboard.press("Enter")
    expect_stored(page, 1)
    page.click('[data-key="6"]')
    expect_stored(page, 2)
    page.keyboard.press(" ")
    page.keyboard.press("4")
    expect_stored(page, 3)
    assert labels()[:4] == ["5", "6", "", "4"]


def test_on_a_phone_everything_is_on_one_screen(open_deck):
    page = open_deck(**PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for key in ("0", "9", "Enter", "x", " ", "u", "r"):
        box = page.locator(f'[data-key="{key}"]').bounding_box()
        assert box["height"] >= 44
        assert box["y"] + box["height"] <= 844
    assert page.locator("#reading").is_visible()
    assert page.locator("#drawing").bounding_box()["width"] >= 250
    page.tap('[data-key="4"]')
    page.tap('[data-key="Enter"]')
    page.tap('[data-key="x"]')
    expect_stored(page, 3)
    page.tap('[data-key="u"]')
    expect_stored(page, 2)
    assert labels()[0] == "4"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing_in_the_deck(open_deck, scheme, width):
    page = open_deck(viewport={"width": width, "height": 844}, color_scheme=scheme)
    page.keyboard.press("7")
    expect(page.locator("#progress")).to_contain_text("1 labeled")
    assert violations(page) == {}


def test_who_signed_in_again_goes_on(open_deck):
    """Which makes a new token; here, other cookies do."""
    page = open_deck()
    (token,) = (one for one in page.context.cookies() if one["name"] == "csrftoken")
    page.context.add_cookies([{**token, "value": token["value"][::-1]}])
    page.keyboard.press("3")
    expect_stored(page, 1)
    assert all("403" in complaint for complaint in page.complaints)
    page.complaints.clear()
