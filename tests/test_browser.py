"""A generated project in a browser, with its content security policy enforced."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser import Person
from tests.conftest import thorough
from tests.dyno import SECRET_KEY, Dyno, running
from tests.projects import Project

pytestmark = thorough

PASSWORD = "a fine old horse"


@pytest.fixture(scope="module")
def site(project: Project, probe: str, database_url: str) -> Iterator[Dyno]:
    """The project as in production, but reached without TLS."""
    with running(project, probe, DATABASE_URL=database_url, HTTPS="off", SECRET_KEY=SECRET_KEY) as dyno:
        yield dyno
        assert dyno.stop() == 0


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
