"""What the tests need of Flask."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import psycopg
import pytest
from flask import Flask
from sqlalchemy import make_url
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import BadRequest, Forbidden, NotFound

SERVER = os.environ["DATABASE_URL"]
NAME = f"test_{make_url(SERVER).database}"
# Before any test imports the settings: the database of DATABASE_URL itself is never touched.
if not SERVER.startswith("sqlite"):
    os.environ["DATABASE_URL"] = make_url(SERVER).set(database=NAME).render_as_string(hide_password=False)


@pytest.fixture(scope="session", autouse=True)
def database() -> Iterator[None]:
    """A database of the tests' own, with the project's tables, on the server of DATABASE_URL."""
    from config import release
    from runtime.framework import disconnect

    if SERVER.startswith("sqlite"):
        release.main()
        yield
        disconnect()
        return
    with psycopg.connect(SERVER, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{NAME}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{NAME}"')
        release.main()
        yield
        disconnect()
        connection.execute(f'DROP DATABASE "{NAME}" WITH (FORCE)')


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the static files, published as a build does."""
    from config.app import create_app
    from runtime.framework import publish

    folder = tmp_path_factory.mktemp("staticfiles")
    assert [*publish(create_app({"STATIC_ROOT": folder}))] == []
    return folder


@pytest.fixture
def application(published: Path) -> Iterator[Flask]:
    """The whole application as Gunicorn calls it."""
    from config.app import create_app
    from runtime.framework import disconnect

    application = create_app({"STATIC_ROOT": published})
    yield application
    disconnect()


@pytest.fixture
def errors() -> dict[int, Exception]:
    """What a view raises for each status that has a page."""
    return {
        400: BadRequest("bad"),
        403: Forbidden("no"),
        404: NotFound("gone"),
        500: RuntimeError("broken"),
        503: OperationalError("SELECT 1", {}, Exception("connection refused")),
    }


@pytest.fixture
def page_that_raises(application: Flask) -> Callable[[Exception], str]:
    """Adds a page that raises an exception, and returns its address."""

    def add(error: Exception) -> str:
        def view() -> NoReturn:
            raise error

        application.add_url_rule("/raises", view_func=view)
        return "/raises"

    return add
