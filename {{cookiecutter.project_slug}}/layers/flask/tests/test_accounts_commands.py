"""Accounts as whoever runs the project sees them."""

from collections.abc import Iterator

import pytest
from click.testing import Result
from flask import Flask

from accounts import passwords, texts
from accounts.models import User
from config.database import db
from tests.accounts import PASSWORD


@pytest.fixture(autouse=True)
def context(application: Flask) -> Iterator[None]:
    with application.app_context():
        yield
        db.session.remove()


def flask(application: Flask, *arguments: str) -> Result:
    return application.test_cli_runner().invoke(args=["accounts", *arguments])


def test_an_account_is_made_listed_and_deleted(application: Flask, address: str) -> None:
    created = flask(application, "create", address.upper(), "--staff", "--password", PASSWORD)
    assert created.output == f"{address.upper()} may log in.\n"
    assert passwords.verify(User.find(address), PASSWORD)
    listed = [line for line in flask(application, "list").output.splitlines() if line.startswith(address)]
    assert len(listed) == 1
    assert listed[0].endswith("last_login=never staff")
    assert flask(application, "delete", address).exit_code == 1
    assert flask(application, "delete", address, "--yes").exit_code == 0
    db.session.rollback()
    assert User.find(address) is None


def test_somebody_is_promoted_and_demoted(application: Flask, address: str) -> None:
    flask(application, "create", address, "--password", PASSWORD)
    for command, staff in ("promote", True), ("demote", False):
        assert flask(application, command, address).exit_code == 0
        db.session.expire_all()
        user = User.find(address)
        assert user
        assert user.is_staff is staff


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["promote", "nobody@example.com"], "No account has the address nobody@example.com."),
        (["create", "new@example.com", "--password", "short"], "This password is too short."),
        (["create", "new@example.com", "--password", "1" * 1001], texts.PASSWORD_TOO_LONG),
    ],
)
def test_a_command_that_cannot_be_done_says_why(application: Flask, arguments: list[str], problem: str) -> None:
    result = flask(application, *arguments)
    assert result.exit_code == 1
    assert problem in result.output
