"""What the tests of accounts share, and any test of a page that wants somebody to be logged in."""

import uuid

import pytest

from runtime.counts import memory
from tests.accounts import PASSWORD, Person
from tests.visitor import Visitor


@pytest.fixture(autouse=True)
def no_attempts_yet() -> None:
    """Nobody has guessed at a password when a test starts."""
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


def log_in(web: Visitor, address: str, password: str = PASSWORD, path: str = "/accounts/login/") -> str:
    """Where the log-in form leads to, or the text of the page that shows it again."""
    response = web.submit(path, username=address, password=password)
    return response.location or response.text


def is_logged_in(web: Visitor) -> bool:
    return web.get("/accounts/").status_code == 200


def mails(log: list[str]) -> list[str]:
    """The mails that were sent meanwhile."""
    return [event for event in log if "Mail to" in event]


def link(log: list[str]) -> str:
    """The link in the mail that was sent last."""
    return next(line for line in mails(log)[-1].splitlines() if "https://" in line).partition("| ")[2]
