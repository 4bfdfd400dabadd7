"""Signing up, logging in and out, passwords and their reset, leaving."""

import uuid
from types import ModuleType
from typing import Any, NoReturn
from urllib.parse import parse_qs, urlsplit

import argon2
import limits
import pytest
from limits.errors import StorageError

from accounts import devices, letters, texts, throttle
from runtime.counts import memory
from tests.accounts import PASSWORD, Person
from tests.visitor import SESSION, Visitor

ANOTHER = "another fine horse"
FORGED = [f"/accounts/{way}/finish/{query}" for way in ("reset", "signup") for query in ("", "?token=forged")]


@pytest.fixture(autouse=True)
def no_attempts_yet() -> None:
    memory.reset()


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


def from_client(number: int) -> dict[str, str]:
    """What the router says about one of many clients."""
    return {"X-Forwarded-For": f"198.51.100.{number}"}


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


def test_a_used_sign_up_link_makes_no_second_account(web: Visitor, address: str, log: list[str]) -> None:
    web.submit("/accounts/signup/", email=address)
    web.submit(link(log), new_password1=PASSWORD, new_password2=PASSWORD)
    assert web.submit("/accounts/delete/", password=PASSWORD).location == "/"
    assert web.get(link(log)).status_code == 410
    # A new one does.
    web.submit("/accounts/signup/", email=address)
    assert web.submit(link(log), new_password1=PASSWORD, new_password2=PASSWORD).location == "/accounts/"


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


@pytest.mark.parametrize(
    "path", ["/accounts/signup/finish/?token=forged", "/accounts/reset/finish/?token=forged", "/accounts/reset/finish/"]
)
def test_a_forged_link_opens_nothing(path: str, web: Visitor) -> None:
    assert web.get(path).status_code in {404, 410}


@pytest.mark.parametrize(
    "path",
    ["/accounts/reset/99999999999/x/", "/accounts/reset/1/x/", "/accounts/reset/%00/x/", "/accounts/signup/x/"],
)
def test_an_address_that_no_mail_has_is_no_page(path: str, web: Visitor) -> None:
    assert web.get(path).status_code == 404


@pytest.mark.parametrize("way", ["signup", "reset"])
def test_a_link_is_not_kept_where_addresses_are(way: str, web: Visitor, address: str, log: list[str]) -> None:
    if way == "reset":
        Person(address)
    web.submit(f"/accounts/{way}/", email=address)
    opened = web.get(link(log))
    token = parse_qs(urlsplit(link(log)).query)["token"][0]
    # The query is no part of what is logged, and a page that it led to could not pass it on either.
    assert urlsplit(link(log)).path == opened.location == f"/accounts/{way}/finish/"
    page = web.get(opened.location)
    assert page.status_code == 200
    assert token not in page.text
    assert token not in "".join(line for event in log if "Mail to" not in event for line in event)
    # Nor does a link change anything by itself, or for another browser.
    assert web.post(link(log), headers={"Referer": "https://localhost/"}).status_code in {302, 400, 403}
    assert Visitor(web.application).get(opened.location).status_code == 410


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


def fields_of(page: str, password: str) -> dict[str, Any]:
    """What is typed into a form of the account pages whose passwords are all the same."""
    names = {
        "delete": ["password"],
        "login": ["password"],
        "password": ["old_password", "new_password1", "new_password2"],
    }
    return dict.fromkeys(names.get(page, ["new_password1", "new_password2"]), password)


@pytest.mark.parametrize("page", ["delete", "login", "password", "reset", "signup"])
def test_a_password_that_would_take_long_is_looked_at_by_nothing(
    page: str, web: Visitor, person: Person, log: list[str], hashes: list[str]
) -> None:
    path, fields = f"/accounts/{page}/", fields_of(page, "1" * (texts.PASSWORD_MAX_LENGTH + 1))
    if page in {"reset", "signup"}:
        web.submit(path, email=person.address if page == "reset" else f"new-{person.address}")
        path = link(log)
    elif page == "login":
        fields["username"] = person.address
    else:
        log_in(web, person.address)
    hashes.clear()
    response = web.submit(path, **fields)
    assert response.status_code == 200
    assert texts.PASSWORD_TOO_LONG in response.text
    assert "entirely numeric" not in response.text
    assert texts.WRONG_PASSWORD not in response.text
    assert response.text.count(f'maxlength="{texts.PASSWORD_MAX_LENGTH}"') == len(fields) - ("username" in fields)
    assert hashes == []


def test_a_long_password_is_as_good_as_any(web: Visitor, person: Person) -> None:
    longest = "a fine horse, " * 100
    longest = longest[: texts.PASSWORD_MAX_LENGTH]
    log_in(web, person.address)
    changed = web.submit("/accounts/password/", old_password=PASSWORD, new_password1=longest, new_password2=longest)
    assert changed.location == "/accounts/"
    assert log_in(Visitor(web.application), person.address, longest) == "/accounts/"


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


@pytest.mark.parametrize(
    "path", ["/accounts/", "/accounts/signup/finish/?token=forged", "/accounts/reset/finish/?token=forged"]
)
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


def test_a_session_that_begins_while_the_password_changes_ends_with_it(
    web: Visitor, other: Visitor, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(other, person.address)

    def change_meanwhile(*_: Any) -> None:
        monkeypatch.undo()
        fields: dict[str, Any] = {"old_password": PASSWORD, "new_password1": ANOTHER, "new_password2": ANOTHER}
        assert other.submit("/accounts/password/", **fields).location == "/accounts/"

    # Between the check of the password and the session.
    monkeypatch.setattr(throttle, "forget", change_meanwhile)
    log_in(web, person.address)
    assert texts.WRONG_LOGIN in log_in(Visitor(web.application), person.address)
    assert not is_logged_in(web)
    assert is_logged_in(other)


def test_a_session_of_a_changed_password_ends_with_the_next_change(
    web: Visitor, other: Visitor, person: Person, log: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(web, person.address)
    other.submit("/accounts/reset/", email=person.address)

    def reset_meanwhile(*arguments: Any) -> str:
        monkeypatch.undo()
        other.submit("/accounts/reset/", email=person.address)
        third = "a third fine horse"
        assert other.submit(link(log), new_password1=third, new_password2=third).location == "/accounts/login/"
        return devices.remember(*arguments)

    # Between the change and the session that follows it.
    monkeypatch.setattr(devices, "remember", reset_meanwhile)
    web.submit("/accounts/password/", old_password=PASSWORD, new_password1=ANOTHER, new_password2=ANOTHER)
    assert not is_logged_in(web)


def test_of_two_changes_at_once_one_succeeds(
    web: Visitor, other: Visitor, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    third = "a third fine horse"
    log_in(web, person.address)
    log_in(other, person.address)
    original = throttle.attempt

    def change_meanwhile(*arguments: Any) -> bool:
        monkeypatch.undo()
        other.submit("/accounts/password/", old_password=PASSWORD, new_password1=third, new_password2=third)
        return original(*arguments)

    monkeypatch.setattr(throttle, "attempt", change_meanwhile)
    refused = web.submit("/accounts/password/", old_password=PASSWORD, new_password1=ANOTHER, new_password2=ANOTHER)
    assert texts.WRONG_PASSWORD in refused.text
    assert log_in(web, person.address, third) == "/accounts/"


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


def test_a_reset_link_ends_with_the_account_that_it_was_made_for(web: Visitor, person: Person, log: list[str]) -> None:
    web.submit("/accounts/reset/", email=person.address)
    person.deactivate()
    assert web.get(link(log)).status_code == 410


def test_a_reset_link_ends_with_the_address_that_it_was_sent_to(web: Visitor, person: Person, log: list[str]) -> None:
    web.submit("/accounts/reset/", email=person.address)
    person.move(f"new-{person.address}")
    assert web.get(link(log)).status_code == 410


def test_a_reset_link_that_is_open_twice_works_once(
    web: Visitor, other: Visitor, person: Person, log: list[str]
) -> None:
    web.submit("/accounts/reset/", email=person.address)
    for window in web, other:
        assert window.get(link(log), follow_redirects=True).status_code == 200
    page = "/accounts/reset/finish/"
    assert web.submit(page, new_password1=ANOTHER, new_password2=ANOTHER).location == "/accounts/login/"
    assert other.get(page).status_code == 410
    assert web.get(page).status_code == 410


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
    memory.reset()
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


def test_a_stranger_who_guesses_locks_nobody_out(web: Visitor, person: Person) -> None:
    guess: dict[str, Any] = {"username": person.address, "password": "a guess"}
    stranger = Visitor(web.application)
    statuses = [stranger.submit("/accounts/login/", headers=from_client(1), **guess).status_code for _ in range(11)]
    assert statuses == [200] * 10 + [429]
    right = web.submit("/accounts/login/", headers=from_client(2), username=person.address, password=PASSWORD)
    assert right.location == "/accounts/"


@pytest.mark.parametrize("same", ["::ffff:198.51.100.1", "198.51.100.1"])
def test_a_client_is_one_however_its_address_is_written(same: str, web: Visitor, person: Person) -> None:
    guess: dict[str, Any] = {"username": person.address, "password": "a guess"}
    for _ in range(10):
        web.submit("/accounts/login/", headers=from_client(1), **guess)
    for forwarded in same, f"203.0.113.1,{same}":
        refused = web.submit("/accounts/login/", headers={"X-Forwarded-For": forwarded}, **guess)
        assert refused.status_code == 429


def test_many_who_guess_lock_out_none_but_unknown_browsers(
    web: Visitor, other: Visitor, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(web, person.address)
    web.submit("/accounts/", action="/accounts/logout/")
    monkeypatch.setitem(throttle.LIMITS["log in"], "address", limits.parse("12 per hour"))
    for number in range(15):
        guess: dict[str, Any] = {"username": person.address, "password": "a guess"}
        Visitor(web.application).submit("/accounts/login/", headers=from_client(number), **guess)
    right: dict[str, Any] = {"username": person.address, "password": PASSWORD}
    assert other.submit("/accounts/login/", headers=from_client(20), **right).status_code == 429
    assert web.submit("/accounts/login/", headers=from_client(20), **right).location == "/accounts/"


def test_a_known_browser_is_slowed_down_too(web: Visitor, person: Person) -> None:
    log_in(web, person.address)
    guess: dict[str, Any] = {"username": person.address, "password": "a guess"}
    pages = [web.submit("/accounts/login/", headers=from_client(number), **guess) for number in range(11)]
    assert [page.status_code for page in pages] == [200] * 10 + [429]


def test_a_browser_is_known_to_its_own_account_and_password_only(
    web: Visitor, person: Person, log: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    victim = Person(f"victim-{person.address}")
    log_in(web, person.address)
    cookie = web.get_cookie("__Host-device", "localhost")
    assert cookie
    assert devices.recognize(cookie.value, person.address, person.stored_password())
    assert not devices.recognize(cookie.value, victim.address, victim.stored_password())
    web.submit("/accounts/password/", old_password=PASSWORD, new_password1=ANOTHER, new_password2=ANOTHER)
    assert not devices.recognize(cookie.value, person.address, person.stored_password())
    renewed = web.get_cookie("__Host-device", "localhost")
    assert renewed
    assert devices.recognize(renewed.value, person.address, person.stored_password())
    person.move(f"new-{person.address}")
    assert not devices.recognize(renewed.value, person.address, person.stored_password())


@pytest.mark.parametrize("cookie", ["", ".", "a.b", "ä.ö", "x" * 3000])
def test_a_forged_device_is_a_stranger(cookie: str, web: Visitor, person: Person) -> None:
    assert devices.recognize(cookie, person.address, person.stored_password()) == ""
    web.set_cookie("__Host-device", cookie, domain="localhost", secure=True)
    statuses = [
        web.submit("/accounts/login/", username=person.address, password="a guess").status_code for _ in range(11)
    ]
    assert statuses == [200] * 10 + [429]


def test_signing_up_makes_the_browser_known(web: Visitor, address: str, log: list[str]) -> None:
    web.submit("/accounts/signup/", email=address)
    web.submit(link(log), new_password1=PASSWORD, new_password2=PASSWORD)
    assert web.get_cookie("__Host-device", "localhost")


def test_an_account_of_ones_own_buys_no_guesses_at_others(
    web: Visitor, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(throttle.LIMITS["log in"], "client", limits.parse("5 per hour"))
    for number in range(4):
        log_in(web, f"{number}-{person.address}", "a guess")
    assert log_in(web, person.address) == "/accounts/"
    assert texts.TOO_MANY_ATTEMPTS in log_in(web, f"4-{person.address}", "a guess")


def test_memory_stands_in_for_redis(
    web: Visitor, person: Person, address: str, log: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Down:
        def fail(self, *_: object) -> NoReturn:
            raise StorageError(ConnectionError("refused"))

        incr = get = clear = fail

    monkeypatch.setattr(throttle, "redis", Down())
    for _ in range(3):
        for _ in range(5):
            log_in(web, person.address, "a slip")
        assert log_in(web, person.address) == "/accounts/"
    other = f"new-{address}"
    web.submit("/accounts/signup/", email=other)
    web.submit(link(log), new_password1=PASSWORD, new_password2=PASSWORD)
    assert web.submit("/accounts/delete/", password=PASSWORD).location == "/"
    assert web.get(link(log)).status_code == 410
    assert any("level=warning" in event and "Redis does not answer" in event for event in log)


@pytest.mark.parametrize("path", ["/accounts/signup/", "/accounts/reset/"])
def test_nobody_is_flooded_with_mail(path: str, web: Visitor, address: str, log: list[str]) -> None:
    statuses = [web.submit(path, email=address).status_code for _ in range(5)]
    assert statuses == [302, 302, 302, 429, 429]
    assert len(mails(log)) == 3


def test_one_client_cannot_try_every_address(web: Visitor, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(throttle.LIMITS["send mail"], "client", limits.parse("5 per hour"))
    statuses = [web.submit("/accounts/reset/", email=f"{n}{address}").status_code for n in range(7)]
    assert statuses == [302] * 5 + [429] * 2
    elsewhere = {"X-Forwarded-For": "198.51.100.7, 203.0.113.9"}
    assert web.submit("/accounts/reset/", email=f"8{address}", headers=elsewhere).status_code == 302


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("203.0.113.9", "203.0.113.9/32"),
        ("::ffff:203.0.113.9", "203.0.113.9/32"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("", "unknown"),
    ],
)
def test_a_client_is_what_one_person_may_well_have_alone(address: str, client: str) -> None:
    assert throttle.client({"REMOTE_ADDR": "", "HTTP_X_FORWARDED_FOR": address}) == client
