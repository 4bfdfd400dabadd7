"""What must hold of accounts against whoever guesses, steals, forges, or is faster."""

from types import ModuleType
from typing import Any
from urllib.parse import parse_qs, urlsplit

import argon2
import pytest

from accounts import devices, letters, texts, throttle
from tests.accounts import PASSWORD, Person
from tests.accounts_fixtures import is_logged_in, link, log_in, mails
from tests.visitor import HIDDEN, REDIRECTS, Visitor

SESSION = "__Host-session"
ANOTHER = "another fine horse"
FORGED = [f"/accounts/{way}/finish/{query}" for way in ("reset", "signup") for query in ("", "?token=forged")]


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


@pytest.mark.parametrize("path", FORGED)
def test_a_forged_link_opens_nothing(path: str, web: Visitor) -> None:
    assert web.get(path).status_code == 410


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
    assert web.post(link(log), headers={"Referer": "https://localhost/"}).status_code in REDIRECTS | {400, 403}
    assert Visitor(web.application).get(opened.location).status_code == 410


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


def test_logging_in_does_not_tell_who_has_an_account(web: Visitor, person: Person, hashes: list[str]) -> None:
    pages, costs = [], []
    for address in (person.address, f"not-{person.address}"):
        hashes.clear()
        page = log_in(web, address, "a wrong password")
        assert texts.WRONG_LOGIN in page
        pages.append(HIDDEN.sub("", page).replace(address, ""))
        costs.append(len(hashes))
    assert pages[0] == pages[1]
    assert costs == [1, 1]


@pytest.mark.parametrize("name", ["", "delete/", "login/", "logout/", "password/", "reset/", "sent/", "signup/"])
def test_a_method_that_a_page_has_no_use_for_gets_an_error_page(name: str, web: Visitor, person: Person) -> None:
    log_in(web, person.address)
    refused = web.trace(f"/accounts/{name}")
    assert refused.status_code == 405
    assert "<h1>" in refused.text


def test_an_address_without_its_last_slash_leads_on(web: Visitor) -> None:
    response = web.get("/accounts/login")
    assert response.status_code in {301, 308}
    assert urlsplit(response.location or "").path == "/accounts/login/"
    assert "Bad request" not in response.text


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
    assert response.status_code in REDIRECTS
    assert response.location.startswith("/")
    assert not response.location.startswith(("//", "/\\", "/\t"))
    assert "Set-Cookie:a" not in response.headers.get("Set-Cookie", "")


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


def session_cookie(web: Visitor) -> str | None:
    cookie = web.get_cookie(SESSION, "localhost")
    return cookie.value if cookie else None


def set_session_cookie(web: Visitor, value: str) -> None:
    web.set_cookie(SESSION, value, domain="localhost", secure=True)


def test_logging_in_starts_a_new_session(web: Visitor, person: Person) -> None:
    web.get("/accounts/login/")
    before = session_cookie(web)
    log_in(web, person.address)
    after = session_cookie(web)
    assert after != before
    set_session_cookie(web, before or "none")
    assert not is_logged_in(web)


def test_logging_out_ends_the_session_of_a_stolen_cookie_too(web: Visitor, person: Person) -> None:
    log_in(web, person.address)
    stolen = session_cookie(web)
    assert stolen
    web.submit("/accounts/", action="/accounts/logout/")
    set_session_cookie(web, stolen)
    assert not is_logged_in(web)


@pytest.mark.parametrize("path", ["/accounts/", *FORGED])
def test_account_pages_are_kept_nowhere(path: str, web: Visitor, person: Person) -> None:
    log_in(web, person.address)
    assert "no-store" in web.get(path).headers["Cache-Control"]


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


@pytest.mark.parametrize(
    "path", [f"/accounts/{name}/" for name in ("delete", "login", "logout", "password", "reset", "signup")]
)
def test_every_form_of_another_site_is_refused(path: str, web: Visitor, person: Person) -> None:
    log_in(web, person.address)
    response = web.post(path, data={"username": person.address, "password": PASSWORD})
    assert response.status_code == 403
    assert "<h1>Forbidden</h1>" in response.text
    assert is_logged_in(web)


def test_sign_up_can_be_closed(web: Visitor, address: str, log: list[str], request: pytest.FixtureRequest) -> None:
    web.submit("/accounts/signup/", email=address)
    opened, form = link(log), web.get("/accounts/signup/").text
    request.getfixturevalue("sign_up_is_closed")
    token = dict(HIDDEN.findall(form))
    responses = [
        web.get("/accounts/signup/"),
        web.post("/accounts/signup/", data=token | {"email": address}, headers={"Referer": "https://localhost/"}),
        web.get(urlsplit(opened)._replace(scheme="", netloc="").geturl()),
    ]
    for response in responses:
        assert response.status_code == 403
        assert "Sign-up is closed" in response.text
    assert len(mails(log)) == 1


def test_where_sign_up_is_closed_nothing_leads_there(
    web: Visitor, person: Person, log: list[str], sign_up_is_closed: None
) -> None:
    assert log_in(web, person.address) == "/accounts/"
    own = ["", "login/", "password/", "delete/", "signup/", "reset/", "sent/"]
    for path in "/", FORGED[0], *(f"/accounts/{name}" for name in own):
        assert "/accounts/signup/" not in web.get(path).text
    web.submit("/accounts/reset/", email=f"not-{person.address}")
    assert "no account" in mails(log)[-1]
    assert "https://" not in mails(log)[-1]
