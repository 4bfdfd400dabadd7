"""A generated project in a browser, with its content security policy enforced."""

import os
import shutil
import uuid
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Error, Page, expect, sync_playwright

from tests.conftest import thorough
from tests.dyno import SECRET_KEY, Dyno, running
from tests.projects import Project

pytestmark = thorough

PASSWORD = "a fine old horse"
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


@pytest.fixture(scope="module")
def site(project: Project, probe: str, database_url: str) -> Iterator[Dyno]:
    """The project as in production, but reached without TLS."""
    with running(project, probe, DATABASE_URL=database_url, HTTPS="off", SECRET_KEY=SECRET_KEY) as dyno:
        yield dyno
        assert dyno.stop() == 0


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


@pytest.fixture
def person(chromium: Browser, site: Dyno) -> Iterator[Person]:
    with chromium.new_context() as context, context.new_page() as page:
        yield Person(page, site)


def test_is_for_everybody(person: Person) -> None:
    person.open("/", "My Project")
    person.open("/accounts/", "Log in")
    person.open("/accounts/signup/", "Sign up")
    person.send("Send the link", "Look into your mail", **{"E-mail address": person.address})
    passwords = {"New password": "short", "New password, again": "short"}
    person.open(person.site.mailed_link(person.address, "Finish signing up"), "Choose a password")
    person.send("Save the password", "Choose a password", **passwords)
    expect(person.page.get_by_label("New password, again")).to_have_accessible_description(
        "This password is too short. It must contain at least 10 characters."
    )
    passwords = dict.fromkeys(passwords, PASSWORD)
    person.send("Save the password", "Your account", **passwords)
    expect(person.page.get_by_role("status")).to_have_text("Welcome! Your account is ready.")
    person.open("/accounts/password/", "Change your password")
    person.send("Save the password", "Your account", **{"Old password": PASSWORD}, **passwords)
    person.send("Log out", "Log in")
    person.send("Log in", "Log in", **{"E-mail address": person.address, "Password": "wrong"})
    expect(person.page.get_by_role("alert")).to_have_text("There is no account with this address and this password.")
    person.open("/accounts/reset/", "Reset your password")
    person.send("Send the link", "Look into your mail", **{"E-mail address": person.address})
    person.open(person.site.mailed_link(person.address, "Choose a new password"), "Choose a password")
    person.send("Save the password", "Log in", **passwords)
    person.send("Log in", "Your account", **{"E-mail address": person.address, "Password": PASSWORD})
    person.open("/accounts/delete/", "Delete your account")
    person.send("Delete the account", "My Project", Password=PASSWORD)
    expect(person.page.get_by_role("status")).to_have_text("Your account is deleted.")


def test_shows_a_calm_page_for_an_error(person: Person) -> None:
    person.page.goto(f"http://127.0.0.1:{person.site.port}/no-such-page")
    person.complaints.clear()  # a browser reports the status as an error
    person.look("Page not found")


def test_can_be_used_without_a_mouse(person: Person) -> None:
    person.open("/accounts/login/", "Log in")
    reached = []
    for _ in range(8):
        person.page.keyboard.press("Tab")
        reached.append(person.page.evaluate("document.activeElement.innerText || document.activeElement.name"))
    assert reached == [
        "Skip to the content",
        "My Project",
        "Account",
        "username",
        "password",
        "Log in",
        "Forgotten your password?",
        "Sign up",
    ]


def test_shows_an_admin_where_the_framework_has_one(person: Person, project: Project, database_url: str) -> None:
    if project.variant.framework != "django":
        assert person.site.get("/admin/", https=False).status_code == 404
        return
    root = f"root-{person.address}"
    variables = {"DATABASE_URL": database_url, "DJANGO_SUPERUSER_PASSWORD": PASSWORD}
    project.run(f"python manage.py createsuperuser --noinput --email {root}", **variables).check_returncode()
    person.page.goto(f"http://127.0.0.1:{person.site.port}/admin/")
    person.page.get_by_label("E-mail address").fill(root)
    person.page.get_by_label("Password").fill(PASSWORD)
    person.page.get_by_role("button", name="Log in").click()
    person.page.get_by_role("link", name="Users").first.click()
    expect(person.page.get_by_role("link", name=root)).to_be_visible()
    person.page.get_by_role("link", name=root).click()
    expect(person.page.get_by_label("E-mail address")).to_have_value(root)
    assert person.complaints == []


def test_runs_no_script_that_somebody_slipped_into_a_page(person: Person) -> None:
    person.open("/", "My Project")
    script = "document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.owned = 1'}))"
    person.page.evaluate(script)
    assert person.page.evaluate("window.owned") is None
    assert any("Content Security Policy" in complaint for complaint in person.complaints)


def test_runs_what_names_the_nonce_of_its_page_and_nothing_else(person: Person) -> None:
    person.page.goto(f"http://127.0.0.1:{person.site.port}/scripts")
    heading = person.page.get_by_role("heading", level=1)
    heading.click()
    assert person.page.evaluate("[window.ran, window.owned, window.clicked]") == [1, None, None]
    expect(heading).to_have_css("letter-spacing", "7px")
    expect(heading).to_have_css("word-spacing", "0px")
    expect(heading).to_have_css("text-indent", "0px")
    # Two scripts and a style without it, and two attributes.
    assert len([complaint for complaint in person.complaints if "Content Security Policy" in complaint]) == 5
