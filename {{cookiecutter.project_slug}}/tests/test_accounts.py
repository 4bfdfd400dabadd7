"""Signing up, logging in and out, passwords and their reset, leaving."""

import pytest

from accounts import texts
from runtime.counts import memory
from tests.accounts import PASSWORD, Person
from tests.accounts_fixtures import is_logged_in, link, log_in, mails
from tests.visitor import Visitor

ANOTHER = "another fine horse"


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


def test_a_wrong_password_does_not_tell_who_has_an_account(web: Visitor, person: Person) -> None:
    for address in person.address, f"not-{person.address}":
        assert texts.WRONG_LOGIN in log_in(web, address, "a wrong password")
    assert not is_logged_in(web)


def test_logging_in_ignores_the_case_of_the_address(web: Visitor, person: Person) -> None:
    assert log_in(web, person.address.upper()) == "/accounts/"
    assert person.address in web.get("/accounts/").text


def test_a_deactivated_account_is_like_none(web: Visitor, person: Person) -> None:
    log_in(web, person.address)
    person.deactivate()
    assert not is_logged_in(web)
    assert texts.WRONG_LOGIN in log_in(web, person.address)


def test_logging_out_needs_a_form(web: Visitor, person: Person) -> None:
    log_in(web, person.address)
    assert web.get("/accounts/logout/").status_code == 405
    assert is_logged_in(web)
    assert web.submit("/accounts/", action="/accounts/logout/").location == "/accounts/login/"
    assert not is_logged_in(web)
    assert texts.LOGGED_OUT in web.get("/accounts/login/").text


@pytest.mark.parametrize("path", ["/accounts/", "/accounts/password/", "/accounts/delete/"])
def test_an_own_page_asks_a_stranger_to_log_in_first(path: str, web: Visitor, person: Person) -> None:
    response = web.get(path)
    assert response.location == f"/accounts/login/?next={path}"
    assert log_in(web, person.address, path=response.location) == path


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "/\\evil.example/"])
def test_logging_in_leads_to_no_other_site(target: str, web: Visitor, person: Person) -> None:
    response = web.submit("/accounts/login/", query={"next": target}, username=person.address, password=PASSWORD)
    assert response.location == "/accounts/"


@pytest.mark.parametrize("path", ["/accounts/delete/", "/accounts/login/", "/accounts/password/"])
def test_a_form_of_another_site_is_refused(path: str, web: Visitor, person: Person) -> None:
    log_in(web, person.address)
    response = web.post(path, data={"username": person.address, "password": PASSWORD})
    assert response.status_code == 403
    assert is_logged_in(web)


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


def test_leaving_needs_the_password_and_takes_everything(web: Visitor, other: Visitor, person: Person) -> None:
    log_in(web, person.address)
    log_in(other, person.address)
    assert texts.WRONG_PASSWORD in web.submit("/accounts/delete/", password="wrong").text
    assert web.submit("/accounts/delete/", password=PASSWORD).location == "/"
    assert texts.DELETED in web.get("/").text
    assert not is_logged_in(other)
    assert texts.WRONG_LOGIN in log_in(web, person.address)


def test_guessing_a_password_is_slowed_down(web: Visitor, person: Person) -> None:
    for _ in range(10):
        log_in(web, person.address, "a guess")
    response = web.submit("/accounts/login/", username=person.address, password=PASSWORD)
    assert response.status_code == 429
    assert texts.TOO_MANY_ATTEMPTS in response.text
    memory.reset()
    assert log_in(web, person.address) == "/accounts/"
