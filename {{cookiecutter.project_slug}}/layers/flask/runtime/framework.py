"""All that the runtime needs of Flask. Every framework has a module like it.

The part for the doctor imports what it needs when it is asked: a process that serves would carry it for nothing.
"""

import contextlib
import importlib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from weakref import WeakSet

import click
import sqlalchemy
from flask import Flask, current_app

from runtime import backlog, database, requests
from runtime.checks import CheckError
from runtime.services import database_url

# All of this process.
applications: WeakSet[Flask] = WeakSet()


def setting(name: str) -> Any:
    """A setting of the application that is answering."""
    return current_app.config[name]


def init_app(app: Flask) -> None:
    """Set up what Django has of its own; before any extension."""
    requests.init_app(app)
    database.init_app(app)
    app.cli.command("jobs")(show_jobs)
    applications.add(app)


@click.option("--retry", type=int, metavar="JOB", help="Let a worker begin it again, or now.")
@click.option("--delete", type=int, metavar="JOB")
def show_jobs(retry: int | None, delete: int | None) -> None:
    """Show the jobs, after one of them is tried again or deleted."""
    for line in backlog.command(setting("DATABASE_URL"), retry, delete):
        click.echo(line)


# Services


def services(application: Flask) -> dict[str, Callable[[], object] | None]:
    """What it needs, each with a function that raises where it does not answer, or None where it is missing.

    They use the application's extensions, Flask-SQLAlchemy and Flask-Caching.
    """

    def ask_database() -> dict[str, str]:
        """The states of what is in it."""
        with application.app_context(), application.extensions["sqlalchemy"].engine.connect() as connection:
            connection.execute(sqlalchemy.text("SELECT 1"))
            return backlog.states(database.driver_connection(connection))

    def ask_cache() -> None:
        with application.app_context():
            for cache in application.extensions["cache"]:
                cache.get("readyz")

    attached: dict[str, Callable[[], object] | None] = {
        "database": ask_database if database.is_attached(application) else None
    }
    return attached | ({"cache": ask_cache} if application.config["REDIS_URL"] else {})


def disconnect() -> None:
    """Close every database connection of this process."""
    for application in list(applications):
        with application.app_context():
            for engine in application.extensions["sqlalchemy"].engines.values():
                engine.dispose()


def job_connection() -> Any:
    """The connection, and with it the transaction, that whoever calls is in; None on SQLite, which has no jobs."""
    return database.driver_connection(current_app.extensions["sqlalchemy"].session.connection())


@contextlib.contextmanager
def around_job(application: Flask) -> Iterator[None]:
    """What a request has, too: an application context, and a session that ends with it."""
    with application.app_context():
        yield


# What the doctor asks


def load(name: str) -> Flask:
    """The application of a module, with the database that is configured: in place of any SQLite, one in memory."""
    from dotenv import dotenv_values

    configured = database_url(Path.cwd(), debug=False)  # whose advice the doctor gives
    url = configured or dotenv_values(".env").get("DATABASE_URL") or ""
    os.environ["DATABASE_URL"] = url if url.startswith("postgres") else "sqlite://"
    application: Flask = importlib.import_module(name).application
    application.config["DATABASE_IS_KNOWN"] = bool(url)
    return application


def check_static_files(application: Flask, templates: Mapping[Path, str]) -> str | None:
    """Every file that a template or a stylesheet names must exist, or the page looks broken."""
    from runtime import assets, publishing

    folders, content = assets.static_folders(application), publishing.Content(assets.static_files(application))
    for template, text in templates.items():
        for endpoint, name in re.findall(r"url_for\([\"']((?:\w+\.)*static)[\"'],\s*filename=[\"']([^\"']+)", text):
            if endpoint in folders and folders[endpoint][0] + name not in content.files:
                raise CheckError(f"{template} names {name}, which is no static file.", "Correct it.")
    for address, path in content.files.items():
        # Those of a package are its authors' to check.
        if path.is_relative_to(Path.cwd()) and "site-packages" not in path.parts:
            content.hashed(address)
    if content.lost:
        raise CheckError(content.lost[0], "Correct it.")
    hook = Path("bin", "post_compile")
    if hook.exists() and "config.build" in hook.read_text("utf-8"):
        return None
    return f"served without hashed names and uncompressed, unless {hook} says: python -m config.build"


def check_migrations(application: Flask) -> str | None:
    """Every model must be as its migrations make it.

    A database is asked and not changed; only one in memory is migrated. Returns why none of them could tell.
    """
    from runtime import migrations

    check_jobs_schema(application)
    alembic, known = migrations.of(application), application.config["DATABASE_IS_KNOWN"]
    with application.app_context():
        sqlite = application.extensions["sqlalchemy"].engine.dialect.name == "sqlite"
        try:
            if sqlite:
                alembic.upgrade()
            else:
                alembic.op.execute("SET TRANSACTION READ ONLY")
            if not migrations.are_applied(alembic):
                return "not compared, since the database lacks the newest migration: python -m config.release"
            changed = alembic.compare_metadata()
        except sqlalchemy.exc.DBAPIError as error:
            reason = " ".join(str(error.orig).split())
            if not sqlite:
                return f"not compared, since the database of DATABASE_URL does not answer: {reason}"
            if not known:
                return f"not compared, since DATABASE_URL is not set and they are not for SQLite: {reason}"
            raise CheckError(f"A migration fails on SQLite: {reason}.", "Correct it, or set DATABASE_URL.") from error
    if changed:
        raise CheckError("A model has changed since the last migration.", "flask db revision 'What has changed'")
    return None


def check_jobs_schema(application: Flask) -> None:
    """What makes the tables of jobs must be as new as the engine that uses them."""
    from runtime import migrations

    *_, newest = migrations.jobs_schema()
    folder = Path(application.config["ALEMBIC"]["script_location"])
    if not any(newest in file.read_text("utf-8") for file in folder.glob("*.py")):
        raise CheckError(
            f"The tables of jobs are older than procrastinate, which has them until {newest}.",
            "flask db revision --empty --branch jobs 'Jobs', and in it migrate_jobs with what is after 0001_jobs.py.",
        )


def check_deployment(application: Flask) -> None:
    """What is risky in production, as far as Flask has settings for it."""
    for name in "SESSION_COOKIE_HTTPONLY", "SESSION_COOKIE_SAMESITE", "SESSION_COOKIE_SECURE":
        if not application.config[name]:
            raise CheckError(
                f"{name} is off: others could read or send the visitors' session.", "Set it in config/settings.py."
            )
    if "csrf" not in application.extensions:
        raise CheckError("Forms are not protected against other sites.", "csrf.init_app(app) in config/app.py.")


def unknown_command(application: Flask, program: str, arguments: list[str]) -> str | None:
    """The argument of flask that names no command, of the application's or of a group such as ``db``."""
    from flask.cli import FlaskGroup, ScriptInfo

    from runtime import migrations

    migrations.of(application)  # which adds `flask db`
    group: click.Group = FlaskGroup()
    with click.Context(group, obj=ScriptInfo(create_app=lambda: application)) as context:
        for name in arguments:
            if name.startswith("-") or "$" in name:
                return None
            if not (command := group.get_command(context, name)):
                return name
            if not isinstance(command, click.Group):
                return None
            group = command
    return None
