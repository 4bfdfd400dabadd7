"""The runtime's one module for Flask, and applications that differ."""

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest
import sqlalchemy
from flask import Flask
from sqlalchemy.exc import IntegrityError

from accounts.models import User
from config import settings
from config.app import create_app
from config.database import db
from runtime import framework, mail, migrations
from runtime.checks import CheckError
from tests.accounts import PASSWORD
from tests.accounts_fixtures import is_logged_in, link, log_in
from tests.visitor import Visitor


@pytest.fixture
def new() -> Iterator[Callable[..., Flask]]:
    """Makes an application with other settings."""
    yield lambda **config: create_app(config)
    framework.disconnect()


def test_two_applications_in_one_process_answer_each_by_its_own(
    new: Callable[..., Flask], tmp_path: Path, log: list[str]
) -> None:
    one, two = (
        new(
            ALLOWED_HOSTS=[f"{name}.example"],
            SITE_NAME=f"Number {name}",
            SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path / name}.sqlite3",
            SQLALCHEMY_ENGINE_OPTIONS={},
        )
        for name in ("one", "two")
    )
    for application in one, two:
        alembic = migrations.of(application)
        with application.app_context():
            alembic.upgrade()
    for application, own, others in (one, "one", "two"), (two, "two", "one"):
        web = Visitor(application)
        page = web.get("/", headers={"Host": f"{own}.example"})
        assert page.status_code == 200
        assert f"Number {own}" in page.text
        assert web.get("/", headers={"Host": f"{others}.example"}).status_code == 400
        assert f"ALLOWED_HOSTS={own}.example,{others}.example" in log[-1]
        application.config["ALLOWED_HOSTS"].append("localhost")
    address = "somebody@example.com"
    web = Visitor(one)
    web.submit("/accounts/signup/", email=address)
    assert "Number one" in log[-1]
    web.submit(link(log), new_password1=PASSWORD, new_password2=PASSWORD)
    assert is_logged_in(web)
    assert log_in(Visitor(one), address, PASSWORD) == "/accounts/"
    assert log_in(Visitor(two), address, PASSWORD) != "/accounts/"


def test_an_application_may_have_no_tls(new: Callable[..., Flask]) -> None:
    plain = new(HTTPS=False, SECURE_HSTS_SECONDS=0, SESSION_COOKIE_NAME="session", SESSION_COOKIE_SECURE=False)
    for application, status in (plain, 200), (new(), 301), (plain, 200):
        assert Visitor(application).get("/", base_url="http://localhost").status_code == status


def test_an_exception_reaches_whoever_tests_an_application_that_is_made_already(new: Callable[..., Flask]) -> None:
    application = new()

    @application.get("/fails")
    def fail() -> NoReturn:
        raise RuntimeError("broken")

    client = application.test_client()
    assert client.get("/fails").status_code == 500
    application.testing = True
    with pytest.raises(RuntimeError, match="broken"):
        client.get("/fails")
    application.testing = False
    assert client.get("/fails").status_code == 500


def test_what_a_test_commits_is_there_for_every_application_until_it_ends(new: Callable[..., Flask]) -> None:
    for number in range(2):
        with new().app_context():
            assert len(db.session.scalars(db.select(User)).all()) == number
            db.session.add(User(email=f"{number}@example.com", password=""))
            db.session.commit()
            db.session.add(User(email=f"{number}@example.com", password=""))
            with pytest.raises(IntegrityError):
                db.session.commit()


test_what_a_test_commits_is_gone_in_the_next = test_what_a_test_commits_is_there_for_every_application_until_it_ends


def test_an_application_may_have_no_database(new: Callable[..., Flask]) -> None:
    with_one, without = new(), new(SQLALCHEMY_DATABASE_URI=None)
    for application, state in (with_one, "ok"), (without, "missing"), (with_one, "ok"):
        assert (Visitor(application).get("/readyz").json or {})["database"] == state
    assert Visitor(without).get("/").status_code == 200
    assert Visitor(without).get("/accounts/login/").status_code == 503


def test_settings_are_not_what_an_application_changes(new: Callable[..., Flask]) -> None:
    before = {name: copy.copy(getattr(settings, name)) for name in dir(settings) if name.isupper()}
    new(SITE_NAME="Another", SQLALCHEMY_DATABASE_URI=None).config["ALLOWED_HOSTS"] = []
    assert {name: getattr(settings, name) for name in before} == before


def test_a_cache_that_does_not_answer_raises(new: Callable[..., Flask]) -> None:
    url = "redis://127.0.0.1:1"
    ask = framework.services(new(REDIS_URL=url, CACHE_TYPE="RedisCache", CACHE_REDIS_URL=url))["cache"]
    assert ask
    with pytest.raises(Exception, match="refused"):
        ask()


def test_mail_goes_to_the_log(application: Flask, log: list[str]) -> None:
    with application.app_context():
        mail.send_mail("you@example.com", "Hello", "Two\nlines")
    assert log[0].splitlines()[0].endswith('msg="Mail to you@example.com: Hello"')
    assert log[0].splitlines()[1:] == ["| Two", "| lines"]


def test_the_tables_of_jobs_follow_the_engine(new: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch) -> None:
    framework.check_jobs_schema(new())
    later = {**migrations.jobs_schema(), "99.00.00_01_more": "SELECT 1"}
    monkeypatch.setattr(migrations, "jobs_schema", lambda: later)
    with pytest.raises(CheckError, match=r"until 99\.00\.00_01_more.*flask db revision"):
        framework.check_jobs_schema(new())


def test_the_tables_of_jobs_are_no_models_and_can_be_dropped(application: Flask) -> None:
    alembic = migrations.of(application)

    def tables() -> set[str]:
        with application.app_context():
            found = sqlalchemy.inspect(application.extensions["sqlalchemy"].engine).get_table_names()
        return {name for name in found if name.startswith("procrastinate_")}

    before = tables()
    with application.app_context():
        assert alembic.compare_metadata() == []
        alembic.downgrade("jobs@base")
    assert tables() == set()
    # Nothing of it is left that would be in the way.
    with application.app_context():
        alembic.upgrade()
    assert tables() == before
