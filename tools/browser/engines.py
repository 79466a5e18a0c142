"""Trials of the page in other browsers: python -m tools.browser.engines NAME…

safari: on a Mac, after ``safaridriver --enable``. webkitgtk, the engine of Safari: on Debian
``apt-get install webkit2gtk-driver xvfb``, then ``xvfb-run`` before the command. firefox.
Needs ``pip install selenium`` and `manage.py collectstatic`. Draws with mouse and keyboard and
exits with 1 if a trial fails.
"""

import os
import sys
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from selenium import webdriver
from selenium.common.exceptions import TimeoutException, WebDriverException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.wait import WebDriverWait

from tools.samples import SEVEN, SEVENTY_ONE
from tools.server import serve

TIMEOUT = 5  # seconds


def webkitgtk() -> WebDriver:
    if os.geteuid() == 0:
        # The sandbox does not work as root.
        os.environ["WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS"] = "1"
    options = webdriver.WebKitGTKOptions()
    options.binary_location = str(next(Path("/usr/lib").glob("*/webkit2gtk-4*/MiniBrowser")))
    options.add_argument("--automation")
    return webdriver.WebKitGTK(options=options)


ENGINES: dict[str, Callable[[], WebDriver]] = {
    "safari": webdriver.Safari,
    "webkitgtk": webkitgtk,
    "firefox": webdriver.Firefox,
}


def main() -> None:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="+", choices=ENGINES, metavar="NAME")
    names = parser.parse_args().names
    with TemporaryDirectory() as folder, serve(Path(folder)) as site:
        results = [run_trials(name, site) for name in names]
    sys.exit(not all(results))


def run_trials(name: str, site: str) -> bool:
    """Run all trials in one browser; return whether all passed."""
    driver = ENGINES[name]()
    try:
        driver.set_window_size(1280, 900)
        driver.get(site)
        version = driver.capabilities["browserVersion"]
        results = [passes(driver, f"{name} {version}", trial) for trial in TRIALS]
        return all(results)
    finally:
        driver.quit()


def passes(driver: WebDriver, engine: str, trial: Callable[[WebDriver], None]) -> bool:
    try:
        trial(driver)
    except (AssertionError, WebDriverException) as error:
        reason, *_ = str(error).split("\n")
        print(f"| FAILS | {engine} | {trial.__name__} | {reason}")
        return False
    print(f"| holds | {engine} | {trial.__name__}")
    return True


def one_digit(driver: WebDriver) -> None:
    draw(driver, SEVEN)
    expect(driver, "7", "read")


def clear_and_undo(driver: WebDriver) -> None:
    press(driver, Keys.ESCAPE)
    expect(driver, "", "empty")
    driver.find_element("css selector", "[data-action=undo]").click()
    expect(driver, "7", "read")
    press(driver, Keys.ESCAPE)


def prediction_during_stroke(driver: WebDriver) -> None:
    draw(driver, SEVEN, lift=False)
    expect(driver, "7", "drawing")
    lift(driver)
    expect(driver, "7", "read")
    press(driver, Keys.ESCAPE)


def number_and_correction(driver: WebDriver) -> None:
    draw(driver, SEVENTY_ONE)
    expect(driver, "71", "read")
    driver.find_elements("css selector", "#reading button")[0].click()
    driver.find_element("css selector", "#probabilities [data-digit='2'] .track").click()
    status = text_of(driver, "#label-status")
    assert status == "Your label: 21. Thank you.", f"label status: {status!r}"


def menu(driver: WebDriver) -> None:
    driver.find_element("css selector", "[popovertarget=menu]").click()
    button, box = (
        driver.execute_script(f"return document.querySelector('{each}').getBoundingClientRect()")
        for each in ("[popovertarget=menu]", "#menu")
    )
    press(driver, Keys.ESCAPE)
    gap = min(abs(box["top"] - button["bottom"]), abs(box["bottom"] - button["top"]))
    assert gap < 2, f"menu from {box['top']} to {box['bottom']}, button from {button['top']}"
    assert box["top"] >= 0
    assert text_of(driver, "#reading") != "", "Escape in the menu cleared the drawing"


def network_view(driver: WebDriver) -> None:
    driver.find_element("css selector", "#network summary").click()
    wait(driver, lambda: "leads by" in text_of(driver, ".occlusion p"))
    driver.find_element("css selector", "#network summary").click()


def keyboard_drawing(driver: WebDriver) -> None:
    press(driver, Keys.ESCAPE)
    driver.execute_script("document.querySelector('#pad').focus()")
    press(driver, " ", *[Keys.ARROW_DOWN] * 12, " ")
    expect(driver, "1", "read")


TRIALS = (
    one_digit,
    clear_and_undo,
    prediction_during_stroke,
    number_and_correction,
    menu,
    network_view,
    keyboard_drawing,
)


def draw(driver: WebDriver, strokes: list[list[list[float]]], *, lift: bool = True) -> None:
    """Draw strokes scaled from a pad of 280 pixels."""
    x, y, side = driver.execute_script(
        "const { x, y, width } = document.querySelector('#pad').getBoundingClientRect();"
        "return [x, y, width];"
    )
    for stroke in strokes:
        actions = ActionBuilder(driver, duration=30)
        for i, (to_x, to_y, *_) in enumerate(stroke):
            actions.pointer_action.move_to_location(
                round(x + to_x * side / 280), round(y + to_y * side / 280)
            )
            if i == 0:
                actions.pointer_action.pointer_down()
        if lift:
            actions.pointer_action.pointer_up()
        actions.perform()


def lift(driver: WebDriver) -> None:
    actions = ActionBuilder(driver)
    actions.pointer_action.pointer_up()
    actions.perform()


def press(driver: WebDriver, *keys: str) -> None:
    ActionChains(driver).send_keys(*keys).perform()


def expect(driver: WebDriver, text: str, state: str) -> None:
    """Wait until the page shows a predicted text and a state."""

    def actual() -> list[str]:
        state = driver.execute_script("return document.body.dataset.state")
        return [text_of(driver, "#reading"), state]

    try:
        wait(driver, lambda: actual() == [text, state])
    except TimeoutException as error:
        raise AssertionError(f"expected {[text, state]}, got {actual()}") from error


def text_of(driver: WebDriver, selector: str) -> str:
    """Return the text content; drivers disagree about visible text in inline and clipped boxes."""
    return str(driver.execute_script(f"return document.querySelector('{selector}').textContent"))


def wait(driver: WebDriver, condition: Callable[[], object]) -> None:
    WebDriverWait(driver, TIMEOUT).until(lambda _: condition())


if __name__ == "__main__":
    main()
