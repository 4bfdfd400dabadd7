"""Signing up, logging in and out, passwords and their reset, leaving."""

import uuid
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import argon2
import limits
import pytest

from accounts import letters, texts, throttle
from tests.accounts import PASSWORD, Person
from tests.visitor import SESSION, Visitor

ANOTHER = "another fine horse"


@pytest.fixture(autouse=True)
def no_attempts_yet() -> None:
    throttle.shared.storage.reset()


@pytest.fixture
def address() -> str:
    """An address that no test has used yet."""
    return f"{uuid.uuid4().hex}@example.com"


@pytest.fixture
def person(address: str) -> Person:
    """Somebody who has an account."""
    return Person(address)


@pytest.fixture
def other(web: Visitor) -> Visitor:
    """A second device."""
    return Visitor(web.application)


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """One entry for each password that is hashed, to store it or to compare it."""
    done: list[str] = []

    def count(module: ModuleType, name: str) -> None:
        original = getattr(module, name)

        def counted(*arguments: Any, **options: Any) -> Any:
            done.append(name)
            return original(*arguments, **options)

        monkeypatch.setattr(module, name, counted)

    count(argon2.low_level, "hash_secret")
    count(argon2._password_hasher, "hash_secret")
    count(argon2._password_hasher, "verify_secret")
    return done


def mails(log: list[str]) -> list[str]:
    return [event for event in log if "Mail to" in event]


def link(log: list[str]) -> str:
    """The link in the mail that was sent last."""
    return next(line for line in mails(log)[-1].splitlines() if "https://" in line).partition("| ")[2]


def log_in(web: Visitor, address: str, password: str = PASSWORD, path: str = "/accounts/login/") -> str:
    """Where the log-in form leads to, or the text of the page that shows it again."""
    response = web.submit(path, username=address, password=password)
    return response.location or response.text


def is_logged_in(web: Visitor) -> bool:
    return web.get("/accounts/").status_code == 200


# Signing up


def test_signing_up_leads_from_a_mail_to_an_account(web: Visitor, address: str, log: list[str]) -> None:
    response = web.submit("/accounts/signup/", email=address.upper())
    assert response.location == "/accounts/sent/"
    assert web.get(response.location).status_code == 200
    assert f"Mail to {address}: Finish signing up" in mails(log)[0]
    response = web.submit(link(log), new_password1=PASSWORD, new_password2=PASSWORD)
    assert response.location == "/accounts/"
    page = web.get("/accounts/").text
    assert address in page
    assert texts.SIGNED_UP in page
    assert web.get(link(log)).status_code == 410


def test_signing_up_does_not_tell_who_has_an_account(web: Visitor, person: Person, log: list[str]) -> None:
    responses = [
        web.submit("/accounts/signup/", email=address, headers={"X-Request-Id": "the-same"})
        for address in (person.address, f"not-{person.address}")
    ]
    assert responses[0].data == responses[1].data
    assert responses[0].status_code == responses[1].status_code
    assert ["You have an account" in mail for mail in mails(log)] == [True, False]


@pytest.mark.parametrize("address", ["", "no address", "a@b", "a@b.c\nBcc: d@e.fr", "a" * 250 + "@example.com"])
def test_an_address_must_be_one(address: str, web: Visitor, log: list[str]) -> None:
    response = web.submit("/accounts/signup/", email=address)
    assert response.status_code == 200
    assert 'aria-invalid="true"' in response.text
    assert mails(log) == []


def test_a_sign_up_link_expires(web: Visitor, address: str, log: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    web.submit("/accounts/signup/", email=address)
    monkeypatch.setattr(letters, "LINK_SECONDS", -1)
    assert web.get(link(log)).status_code == 410


@pytest.mark.parametrize("path", ["/accounts/signup/forged/", "/accounts/reset/1/forged/", "/accounts/reset/0/a-b/"])
def test_a_forged_link_opens_nothing(path: str, web: Visitor) -> None:
    assert web.get(path).status_code in {404, 410}


@pytest.mark.parametrize(
    ("password", "again", "problem"),
    [
        ("short", "short", "too short"),
        ("1234567890", "1234567890", "entirely numeric"),
        ("qwertyuiop", "qwertyuiop", "too common"),
        ("{address}", "{address}", "too similar to the e-mail address"),
        (PASSWORD, ANOTHER, "The two passwords are not the same"),
        (PASSWORD, "", "This field is required"),
    ],
)
def test_a_bad_password_is_refused_with_the_reason(
    password: str, again: str, problem: str, web: Visitor, address: str, log: list[str]
) -> None:
    web.submit("/accounts/signup/", email=address)
    password, again = password.format(address=address), again.format(address=address)
    response = web.submit(link(log), new_password1=password, new_password2=again)
    assert response.status_code == 200
    assert problem in response.text
    assert not is_logged_in(web)


# Logging in and out


def test_logging_in_ignores_the_case_of_the_address(web: Visitor, person: Person) -> None:
    assert log_in(web, person.address.upper()) == "/accounts/"
    assert person.address in web.get("/accounts/").text


def test_logging_in_does_not_tell_who_has_an_account(web: Visitor, person: Person, hashes: list[str]) -> None:
    pages, costs = [], []
    for address in (person.address, f"not-{person.address}"):
        hashes.clear()
        page = log_in(web, address, "a wrong password")
        assert texts.WRONG_LOGIN in page
        pages.append(web.without_tokens(page).replace(address, ""))
        costs.append(len(hashes))
    assert pages[0] == pages[1]
    assert costs == [1, 1]


def test_a_deactivated_account_is_like_none(web: Visitor, person: Person) -> None:
    log_in(web, person.address)
    person.deactivate()
    assert not is_logged_in(web)
    assert texts.WRONG_LOGIN in log_in(web, person.address)


@pytest.mark.parametrize("name", ["", "delete/", "login/", "logout/", "password/", "reset/", "sent/", "signup/"])
def test_a_method_that_a_page_has_no_use_for_gets_an_error_page(name: str, web: Visitor, person: Person) -> None:
    log_in(web, person.address)
    refused = web.trace(f"/accounts/{name}")
    assert refused.status_code == 405
    assert "<h1>" in refused.text


def test_logging_out_needs_a_form(web: Visitor, person: Person) -> None:
    log_in(web, person.address)
    assert web.get("/accounts/logout/").status_code == 405
    assert is_logged_in(web)
    assert web.submit("/accounts/", action="/accounts/logout/").location == "/accounts/login/"
    assert not is_logged_in(web)
    assert texts.LOGGED_OUT in web.get("/accounts/login/").text


def test_an_address_without_its_last_slash_leads_on(web: Visitor) -> None:
    response = web.get("/accounts/login")
    assert response.status_code in {301, 308}
    assert urlsplit(response.location or "").path == "/accounts/login/"
    assert "Bad request" not in response.text


@pytest.mark.parametrize("path", ["/accounts/", "/accounts/password/", "/accounts/delete/"])
def test_an_own_page_asks_a_stranger_to_log_in_first(path: str, web: Visitor, person: Person) -> None:
    response = web.get(path)
    assert response.location == f"/accounts/login/?next={path}"
    assert log_in(web, person.address, path=response.location) == path


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "///evil.example/",
        "/\\evil.example/",
        "\\\\evil.example/",
        "/\t/evil.example/",
        "/%0d%0aSet-Cookie:a=b",
        "javascript:alert(1)",
        "http:evil.example",
        " //evil.example/",
        "\x00//evil.example",
    ],
)
def test_logging_in_leads_to_no_other_site(target: str, web: Visitor, person: Person) -> None:
    web.get("/accounts/login/")
    response = web.submit("/accounts/login/", query={"next": target}, username=person.address, password=PASSWORD)
    assert response.status_code == 302
    assert response.location.startswith("/")
    assert not response.location.startswith(("//", "/\\", "/\t"))
    assert "Set-Cookie:a" not in response.headers.get("Set-Cookie", "")


# Sessions


def test_cookies_are_for_this_host_and_no_script(web: Visitor, person: Person) -> None:
    form = web.get("/accounts/login/")
    response = web.submit("/accounts/login/", username=person.address, password=PASSWORD)
    assert f"{SESSION}=" in str(response.headers)
    for cookie in [*form.headers.getlist("Set-Cookie"), *response.headers.getlist("Set-Cookie")]:
        name, *attributes = cookie.split("; ")
        assert name.startswith("__Host-")
        assert {*attributes} >= {"HttpOnly", "Path=/", "SameSite=Lax", "Secure"}
        assert "Domain" not in cookie


def test_a_session_outlives_the_browser(web: Visitor, person: Person) -> None:
    log_in(web, person.address)
    cookie = web.get_cookie(SESSION, "localhost")
    assert cookie
    assert cookie.expires


def test_a_session_that_has_not_changed_is_not_sent_again(web: Visitor, person: Person) -> None:
    log_in(web, person.address)
    for response in [web.get("/accounts/") for _ in range(3)][1:]:
        assert SESSION not in response.headers.get("Set-Cookie", "")


def test_logging_in_starts_a_new_session(web: Visitor, person: Person) -> None:
    web.get("/accounts/login/")
    before = web.session_cookie()
    log_in(web, person.address)
    after = web.session_cookie()
    assert after != before
    web.set_session_cookie(before or "none")
    assert not is_logged_in(web)


def test_logging_out_ends_the_session_of_a_stolen_cookie_too(web: Visitor, person: Person) -> None:
    log_in(web, person.address)
    stolen = web.session_cookie()
    assert stolen
    web.submit("/accounts/", action="/accounts/logout/")
    web.set_session_cookie(stolen)
    assert not is_logged_in(web)


@pytest.mark.parametrize("path", ["/accounts/", "/accounts/signup/forged/", "/accounts/reset/1/forged/"])
def test_account_pages_are_kept_nowhere(path: str, web: Visitor, person: Person) -> None:
    log_in(web, person.address)
    assert "no-store" in web.get(path).headers["Cache-Control"]


@pytest.mark.parametrize(
    "path", [f"/accounts/{name}/" for name in ("delete", "login", "logout", "password", "reset", "signup")]
)
def test_a_form_of_another_site_is_refused(path: str, web: Visitor, person: Person) -> None:
    log_in(web, person.address)
    response = web.post(path, data={"username": person.address, "password": PASSWORD})
    assert response.status_code == 403
    assert "<h1>Forbidden</h1>" in response.text
    assert is_logged_in(web)


# Passwords


def test_changing_the_password_logs_every_other_device_out(web: Visitor, other: Visitor, person: Person) -> None:
    log_in(web, person.address)
    log_in(other, person.address)
    refused = web.submit("/accounts/password/", old_password="wrong", new_password1=ANOTHER, new_password2=ANOTHER)
    assert texts.WRONG_PASSWORD in refused.text
    assert is_logged_in(other)
    changed = web.submit("/accounts/password/", old_password=PASSWORD, new_password1=ANOTHER, new_password2=ANOTHER)
    assert changed.location == "/accounts/"
    assert texts.PASSWORD_CHANGED in web.get("/accounts/").text
    assert not is_logged_in(other)
    assert texts.WRONG_LOGIN in log_in(other, person.address)
    assert log_in(other, person.address, ANOTHER) == "/accounts/"


def test_a_forgotten_password_is_reset_by_a_mail(web: Visitor, other: Visitor, person: Person, log: list[str]) -> None:
    log_in(other, person.address)
    assert web.submit("/accounts/reset/", email=person.address).location == "/accounts/sent/"
    address = link(log)
    response = web.submit(address, new_password1=ANOTHER, new_password2=ANOTHER)
    assert response.location == "/accounts/login/"
    assert texts.PASSWORD_RESET in web.get("/accounts/login/").text
    assert web.get(address).status_code == 410
    assert not is_logged_in(other)
    assert log_in(web, person.address, ANOTHER) == "/accounts/"


def test_a_reset_link_ends_with_the_next_log_in(web: Visitor, person: Person, log: list[str]) -> None:
    web.submit("/accounts/reset/", email=person.address)
    log_in(web, person.address)
    assert web.get(link(log)).status_code == 410


def test_resetting_does_not_tell_who_has_an_account(web: Visitor, person: Person, log: list[str]) -> None:
    responses = [web.submit("/accounts/reset/", email=a) for a in (person.address, f"not-{person.address}")]
    assert responses[0].data == responses[1].data
    assert ["You have no account" in mail for mail in mails(log)] == [False, True]


def test_leaving_needs_the_password_and_takes_everything(web: Visitor, other: Visitor, person: Person) -> None:
    log_in(web, person.address)
    log_in(other, person.address)
    assert texts.WRONG_PASSWORD in web.submit("/accounts/delete/", password="wrong").text
    assert web.submit("/accounts/delete/", password=PASSWORD).location == "/"
    assert texts.DELETED in web.get("/").text
    assert not is_logged_in(other)
    assert texts.WRONG_LOGIN in log_in(web, person.address)


# Throttling


def test_guessing_a_password_is_slowed_down(web: Visitor, person: Person) -> None:
    for _ in range(10):
        log_in(web, person.address, "a guess")
    response = web.submit("/accounts/login/", username=person.address, password=PASSWORD)
    assert response.status_code == 429
    assert texts.TOO_MANY_ATTEMPTS in response.text
    throttle.shared.storage.reset()
    assert log_in(web, person.address) == "/accounts/"


@pytest.mark.parametrize(
    ("path", "field"), [("/accounts/delete/", "password"), ("/accounts/password/", "old_password")]
)
def test_guessing_the_password_of_an_open_session_is_slowed_down_too(
    path: str, field: str, web: Visitor, person: Person
) -> None:
    log_in(web, person.address)
    fields: dict[str, Any] = {"new_password1": ANOTHER, "new_password2": ANOTHER}
    for _ in range(10):
        web.submit(path, **fields | {field: "a guess"})
    response = web.submit(path, **fields | {field: PASSWORD})
    assert response.status_code == 429
    assert texts.TOO_MANY_ATTEMPTS in response.text


def test_a_right_password_starts_the_count_anew(web: Visitor, person: Person) -> None:
    for _ in range(3):
        for _ in range(5):
            log_in(web, person.address, "a slip")
        assert log_in(web, person.address) == "/accounts/"


@pytest.mark.parametrize("path", ["/accounts/signup/", "/accounts/reset/"])
def test_nobody_is_flooded_with_mail(path: str, web: Visitor, address: str, log: list[str]) -> None:
    statuses = [web.submit(path, email=address).status_code for _ in range(5)]
    assert statuses == [302, 302, 302, 429, 429]
    assert len(mails(log)) == 3


def test_one_client_cannot_try_every_address(web: Visitor, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(throttle.LIMITS, "send mail", (limits.parse("3 per hour"), limits.parse("5 per hour")))
    statuses = [web.submit("/accounts/reset/", email=f"{n}{address}").status_code for n in range(7)]
    assert statuses == [302] * 5 + [429] * 2
    elsewhere = {"X-Forwarded-For": "198.51.100.7, 203.0.113.9"}
    assert web.submit("/accounts/reset/", email=f"8{address}", headers=elsewhere).status_code == 302


@pytest.mark.parametrize(
    ("sender", "forwarded", "trusted", "client"),
    [
        ("10.0.0.1", "203.0.113.9", "", "203.0.113.9/32"),
        ("10.0.0.1", "198.51.100.7, 203.0.113.9", "", "203.0.113.9/32"),
        ("10.0.0.1", "198.51.100.7", "10.0.0.1", "198.51.100.7/32"),
        ("10.0.0.2", "198.51.100.7", "10.0.0.1", "10.0.0.2/32"),
        ("10.0.0.1", "", "", "10.0.0.1/32"),
        ("10.0.0.1", "2001:db8:1:2:3:4:5:6", "", "2001:db8:1:2::/64"),
        ("10.0.0.1", "nonsense", "", "unknown"),
        ("", "", "", "unknown"),
    ],
)
def test_a_client_is_whom_the_router_saw(
    sender: str, forwarded: str, trusted: str, client: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", trusted)
    assert throttle.client({"REMOTE_ADDR": sender, "HTTP_X_FORWARDED_FOR": forwarded}) == client
