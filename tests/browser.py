"""A browser, with which a test looks at pages as people do."""

import os
import shutil
import uuid
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Error, Page, expect, sync_playwright

from tests.dyno import Dyno

CHROMIUMS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
# A desk by day, and a phone by night.
SCREENS = [("light", 1280), ("dark", 360)]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A Chromium: this machine's, or the one that `python -m playwright install chromium` fetches."""
    found = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        except Error as error:
            reason = error.message.partition("\n")[0]
            missing = f"There is no Chromium here, so no page was looked at in a browser: {reason}"
            pytest.fail(missing) if "CI" in os.environ else pytest.skip(missing)
        yield browser
        browser.close()


class Person:
    """Somebody at a screen, whose every page is looked at twice."""

    def __init__(self, page: Page, site: Dyno) -> None:
        self.page, self.site = page, site
        self.address = f"{uuid.uuid4().hex[:8]}@example.com"
        self.complaints: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def open(self, path: str, heading: str) -> None:
        self.page.goto(f"http://127.0.0.1:{self.site.port}{path}")
        self.look(heading)

    def send(self, button: str, heading: str, **fields: str) -> None:
        for label, value in fields.items():
            self.page.get_by_label(label.replace("_", " "), exact=True).fill(value)
        self.page.get_by_role("button", name=button, exact=True).click()
        self.look(heading)

    def look(self, heading: str) -> None:
        """See that a page is what it should be, for every eye, on every screen."""
        expect(self.page.get_by_role("heading", level=1)).to_have_text(heading)
        for scheme, width in SCREENS:
            self.page.emulate_media(color_scheme=scheme)
            self.page.set_viewport_size({"width": width, "height": 740})
            report = Axe().run(self.page)
            assert report.violations_count == 0, report.generate_report()
            assert self.page.evaluate("document.documentElement.scrollWidth") <= width
            # Nothing sticks to the edge of the screen.
            assert self.page.evaluate("document.querySelector('h1').getBoundingClientRect().left") >= 16
        assert self.complaints == []
