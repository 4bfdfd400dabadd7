"""Accounts below their pages: what must hold of sessions and passwords, and what the commands do."""

import difflib
import time
from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher
from click.testing import Result
from flask import Flask, session
from itsdangerous import TimestampSigner
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from accounts import passwords, sessions, texts, views
from accounts.forms import NewPasswordForm
from accounts.models import User
from config.database import db
from tests.accounts import PASSWORD
from tests.visitor import HIDDEN, Visitor


@pytest.fixture(autouse=True)
def context(application: Flask) -> Iterator[None]:
    with application.app_context():
        yield
        db.session.remove()


def flask(application: Flask, *arguments: str) -> Result:
    return application.test_cli_runner().invoke(args=["accounts", *arguments])


def log_in(application: Flask, user: User) -> str:
    """The token of a new session."""
    with application.test_request_context():
        sessions.log_in(user, user.password)
        token: str = session["token"]
    return token


@pytest.fixture
def user(application: Flask, address: str) -> User:
    """Somebody with an account."""
    flask(application, "create", address, "--password", PASSWORD)
    found = User.find(address)
    assert found
    return found


def test_a_deactivated_account_has_no_session(application: Flask, user: User) -> None:
    log_in(application, user)
    flask(application, "deactivate", user.email)
    db.session.expire_all()
    assert not user.is_active
    assert user.sessions == []
    flask(application, "activate", user.email)
    db.session.expire_all()
    assert user.is_active


def test_the_database_knows_one_account_an_address_whatever_its_case(application: Flask, user: User) -> None:
    assert "already" in flask(application, "create", user.email.upper(), "--password", PASSWORD).output
    with pytest.raises(IntegrityError):
        db.session.execute(text("UPDATE users SET email = upper(email)"))
    db.session.rollback()


def test_a_session_belongs_to_the_password_that_was_checked(application: Flask, user: User) -> None:
    with application.test_request_context():
        sessions.log_in(user, passwords.hasher.hash("the one before"))
        assert sessions.load_user(session["token"]) is None
    assert sessions.load_user(log_in(application, user)) == user


@pytest.mark.parametrize("stored", [None, "", "!"])
def test_whoever_has_no_password_costs_a_stranger_as_much(stored: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed = []
    monkeypatch.setattr(PasswordHasher, "hash", lambda hasher, password: hashed.append(password))
    user = None if stored is None else User(email="you@example.com", password=stored)
    assert not passwords.verify(user, "a guess")
    assert hashed == ["a guess"]


@pytest.mark.parametrize("change", ["password = 'x'", "email = 'x' || email", "is_active = false"])
def test_a_password_takes_the_place_of_none_but_the_one_that_was_read(
    change: str, application: Flask, user: User
) -> None:
    with application.test_request_context():
        form = NewPasswordForm(user)
        form.new_password1.data = "another fine horse"
        db.session.execute(text(f"UPDATE users SET {change} WHERE id = :id"), {"id": user.id})
        assert views.replace_password(user, form) is None


def test_many_parts_of_an_address_cost_nothing_beside_a_long_password(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []

    def quick_ratio(matcher: difflib.SequenceMatcher[str]) -> float:
        compared.append(matcher)
        return 0.0

    monkeypatch.setattr(difflib.SequenceMatcher, "quick_ratio", quick_ratio)
    passwords.problems("1" * texts.PASSWORD_MAX_LENGTH, ".".join("a" * 120) + "@example.com")
    assert compared == []


def test_logging_in_again_ends_the_session_before(application: Flask, user: User) -> None:
    with application.test_request_context():
        sessions.log_in(user, user.password)
        token = session["token"]
        sessions.log_in(user, user.password)
    assert sessions.load_user(token) is None


def test_an_expired_session_ends_and_is_forgotten(
    application: Flask, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = log_in(application, user)
    assert sessions.load_user(token) == user
    monkeypatch.setitem(application.config, "PERMANENT_SESSION_LIFETIME", -1)
    assert sessions.load_user(token) is None
    # The next to log in forgets it.
    log_in(application, user)
    monkeypatch.undo()
    assert sessions.load_user(token) is None


def test_a_form_may_be_open_for_a_day(web: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    def tomorrow(signer: TimestampSigner) -> int:
        return int(time.time()) + 24 * 3600

    form = web.get("/accounts/login/")
    monkeypatch.setattr(TimestampSigner, "get_timestamp", tomorrow)
    data = {"csrf_token": HIDDEN.findall(form.text)[0][1], "username": "you@example.com", "password": "a guess"}
    response = web.post("/accounts/login/", data=data, headers={"Referer": "https://localhost/"})
    assert response.status_code == 200


# Commands


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


def test_somebody_is_promoted_and_demoted(application: Flask, user: User) -> None:
    for command, staff in ("promote", True), ("demote", False):
        assert flask(application, command, user.email).exit_code == 0
        db.session.expire_all()
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
