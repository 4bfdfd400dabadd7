"""A key that replaces another: what the old one has signed is as good as before, for as long as it is listed."""

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.datastructures import Headers

from accounts import devices
from tests.accounts import PASSWORD, Person
from tests.accounts_fixtures import is_logged_in, link, log_in
from tests.visitor import HIDDEN, Visitor

OLD, NEW = "old-key-0123456789" * 4, "new-key-0123456789" * 4
BEFORE = {"SECRET_KEY": OLD, "SECRET_KEY_FALLBACKS": []}
ROTATED = {"SECRET_KEY": NEW, "SECRET_KEY_FALLBACKS": ["older-0123456789" * 4, OLD]}
AFTER = {"SECRET_KEY": NEW, "SECRET_KEY_FALLBACKS": []}


@pytest.fixture
def visit(application_with: Callable[..., Any]) -> Callable[..., Visitor]:
    """Whoever goes on with the cookies of another visit, with other settings."""

    def visit(changes: dict[str, Any], former: Visitor | None = None) -> Visitor:
        visitor = Visitor(application_with(**changes))
        if former:
            visitor._cookies = former._cookies
        return visitor

    return visit


def test_nobody_is_logged_out_by_a_new_key(visit: Callable[..., Visitor], person: Person) -> None:
    web = visit(BEFORE)
    assert log_in(web, person.address, PASSWORD) == "/accounts/"
    assert is_logged_in(web)
    rotated = visit(ROTATED, web)
    assert is_logged_in(rotated)
    # Whoever has come by since no longer needs the old one.
    assert is_logged_in(visit(AFTER, rotated))


def test_a_key_that_is_listed_no_more_is_worth_nothing(visit: Callable[..., Visitor], person: Person) -> None:
    web = visit(BEFORE)
    log_in(web, person.address, PASSWORD)
    assert not is_logged_in(visit(AFTER, web))


def test_nobody_is_given_a_cookie_without_need(visit: Callable[..., Visitor], person: Person) -> None:
    web = visit(ROTATED)
    log_in(web, person.address, PASSWORD)
    assert is_logged_in(web)
    for path in "/", "/accounts/":
        assert "session" not in str(web.get(path).headers.getlist("Set-Cookie"))


def test_a_form_that_was_open_is_taken(visit: Callable[..., Visitor], person: Person) -> None:
    web = visit(BEFORE)
    hidden = dict(HIDDEN.findall(web.get("/accounts/login/").text))
    rotated = visit(ROTATED, web)
    response = rotated.post(
        "/accounts/login/",
        data={**hidden, "username": person.address, "password": PASSWORD},
        headers=Headers({"Referer": "https://localhost/"}),
    )
    assert response.location == "/accounts/"


@pytest.mark.parametrize("page", ["signup", "reset"])
def test_a_mailed_link_works(
    page: str, visit: Callable[..., Visitor], person: Person, address: str, log: list[str]
) -> None:
    mailed = {"signup": f"new-{address}", "reset": person.address}[page]
    visit(BEFORE).submit(f"/accounts/{page}/", email=mailed)
    # Before the link is used, since then it works no more.
    assert visit(AFTER).get(link(log)).status_code == 410
    web = visit(ROTATED)
    assert web.submit(link(log), new_password1=PASSWORD * 2, new_password2=PASSWORD * 2).status_code == 302
    assert log_in(visit(ROTATED), mailed, PASSWORD * 2) == "/accounts/"


def test_a_browser_stays_known(visit: Callable[..., Visitor], recognize_with: Callable[..., str]) -> None:
    stored = "argon2$x"
    cookie = recognize_with(BEFORE, lambda: devices.remember("a@b.example", stored))
    name = cookie.partition(".")[0]
    for changes, known in (BEFORE, name), (ROTATED, name), (AFTER, ""):
        assert recognize_with(changes, lambda: devices.recognize(cookie, "a@b.example", stored)) == known
        assert recognize_with(changes, lambda: devices.recognize(cookie, "c@b.example", stored)) == ""


def test_the_keys_are_those_of_the_environment() -> None:
    code = "from config import settings; print(settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)"
    environment = os.environ | {"SECRET_KEY": NEW, "SECRET_KEY_FALLBACKS": f"{OLD},{OLD[::-1]}"}
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert result.stdout.split() == [NEW, OLD, OLD[::-1]]
