"""A browser for tests: Debian's Chromium without a window, driven through its own driver."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

CHROMIUM, DRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"
PATIENCE = 15.0
"""Seconds within which a page must show what is waited for."""

Found = TypeVar("Found")

needs_browser = pytest.mark.skipif(
    not (shutil.which(CHROMIUM) and shutil.which(DRIVER)),
    reason=f"there is no browser: {CHROMIUM} and {DRIVER} are Debian's packages chromium and chromium-driver",
)


class Browser:
    """One window, and the few things that a person does in it. Places are named by CSS selectors."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def open(self, address: str) -> None:
        self.driver.get(address)

    def all(self, place: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, place)

    def until(self, question: Callable[[], Found]) -> Found:
        """Wait till the question has an answer that counts as true; a page that is just changing is asked again."""
        ignored = [StaleElementReferenceException, IndexError]
        return WebDriverWait(self.driver, PATIENCE, 0.05, ignored).until(lambda _: question())

    def find(self, place: str, words: str = "") -> WebElement:
        """Wait for something that can be seen and holds these words."""
        return self.until(lambda: [one for one in self.all(place) if one.is_displayed() and words in one.text][-1])

    def gone(self, place: str) -> None:
        """Wait till it cannot be seen."""
        self.until(lambda: not any(one.is_displayed() for one in self.all(place)))

    def click(self, place: str, words: str = "") -> None:
        self.find(place, words).click()

    def type(self, place: str, text: str, *, instead: bool = False) -> None:
        """Type into a field, at its end or instead of what is there."""
        field = self.find(place)
        field.send_keys(*([Keys.CONTROL, "a"] if instead else []), Keys.NULL, text)

    def press(self, *keys: str) -> None:
        """Press keys wherever the focus is."""
        self.driver.switch_to.active_element.send_keys(*keys)

    def value(self, place: str) -> str:
        return str(self.find(place).get_property("value"))

    def focused(self) -> str:
        """Say which element has the focus: its id, or the ids of the Block Kit element that it is in."""
        return str(
            self.script(
                "const at = document.activeElement; return at.id || at.closest('[data-action-id]')?.dataset.actionId || at.tagName"
            )
        )

    def script(self, text: str) -> Any:
        return self.driver.execute_script(text)

    def complaints(self) -> list[str]:
        """Give what the page wrote into the console; a refused script or style is there as well."""
        entries = self.driver.execute("getLog", {"type": "browser"})["value"]
        return [entry["message"] for entry in entries if "favicon" not in entry["message"]]

    def shot(self, path: Path) -> None:
        self.driver.save_screenshot(str(path))


@contextmanager
def chromium(width: int = 1400, height: int = 900) -> Iterator[Browser]:
    """Start a browser with nothing in it, and end it."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        for argument in (
            "headless=new",
            "no-sandbox",
            "disable-gpu",
            "disable-quic",
            "disable-dev-shm-usage",
            "no-first-run",
            "disable-background-networking",
            "disable-component-update",
            "disable-sync",
            "no-proxy-server",
            f"user-data-dir={profile}",
            f"window-size={width},{height}",
        ):
            options.add_argument(f"--{argument}")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
        try:
            yield Browser(driver)
        finally:
            try:
                driver.quit()
            except WebDriverException:
                driver.service.stop()
