"""Who is slowed down, and who is not."""

from collections.abc import Callable
from typing import Any, NoReturn

import limits
import pytest
from limits.errors import StorageError

from accounts import texts, throttle
from tests.accounts import PASSWORD, Person
from tests.accounts_fixtures import link, log_in, mails
from tests.visitor import REDIRECTS, Visitor

ANOTHER = "another fine horse"


def from_client(number: int) -> dict[str, str]:
    """What the router says about one of many clients."""
    return {"X-Forwarded-For": f"198.51.100.{number}"}


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
    web: Visitor, person: Person, recognize: Callable[..., str]
) -> None:
    victim = Person(f"victim-{person.address}")
    log_in(web, person.address)
    cookie = web.get_cookie("__Host-device", "localhost")
    assert cookie
    assert recognize(cookie.value, person.address, person.stored_password())
    assert not recognize(cookie.value, victim.address, victim.stored_password())
    web.submit("/accounts/password/", old_password=PASSWORD, new_password1=ANOTHER, new_password2=ANOTHER)
    assert not recognize(cookie.value, person.address, person.stored_password())
    renewed = web.get_cookie("__Host-device", "localhost")
    assert renewed
    assert recognize(renewed.value, person.address, person.stored_password())
    person.move(f"new-{person.address}")
    assert not recognize(renewed.value, person.address, person.stored_password())


@pytest.mark.parametrize("cookie", ["", ".", "a.b", "ä.ö", "x" * 3000])
def test_a_forged_device_is_a_stranger(
    cookie: str, web: Visitor, person: Person, recognize: Callable[..., str]
) -> None:
    assert recognize(cookie, person.address, person.stored_password()) == ""
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

    monkeypatch.setattr(throttle, "redis", Down)
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
    assert statuses[3:] == [429, 429]
    assert {*statuses[:3]} <= REDIRECTS
    assert len(mails(log)) == 3


def test_one_client_cannot_try_every_address(web: Visitor, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(throttle.LIMITS["send mail"], "client", limits.parse("5 per hour"))
    statuses = [web.submit("/accounts/reset/", email=f"{n}{address}").status_code for n in range(7)]
    assert statuses[5:] == [429, 429]
    assert {*statuses[:5]} <= REDIRECTS
    elsewhere = {"X-Forwarded-For": "198.51.100.7, 203.0.113.9"}
    assert web.submit("/accounts/reset/", email=f"8{address}", headers=elsewhere).status_code in REDIRECTS


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("203.0.113.9", "203.0.113.9/32"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("", "unknown"),
    ],
)
def test_a_client_is_what_one_person_may_well_have_alone(address: str, client: str) -> None:
    assert throttle.client({"REMOTE_ADDR": address}) == client
