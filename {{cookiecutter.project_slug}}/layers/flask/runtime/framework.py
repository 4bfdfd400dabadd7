"""All that the runtime needs of Flask, and what Flask needs of the runtime. Every framework has a module like it.

The part for the doctor imports what it needs when it is asked: a process that serves would carry it for nothing.
"""

import atexit
import contextlib
import functools
import hashlib
import importlib
import io
import logging
import os
import re
import shutil
import smtplib
import ssl
import tempfile
from collections.abc import Callable, Iterator, Mapping
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn, cast
from weakref import WeakSet

import click
import flask
import sqlalchemy
from flask import Flask, current_app, request
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.exceptions import NotFound, RequestEntityTooLarge
from werkzeug.formparser import FormDataParser
from whitenoise import WhiteNoise
from whitenoise.compress import Compressor

from runtime import backlog
from runtime.checks import CheckError
from runtime.services import database_url

if TYPE_CHECKING:
    from flask_alembic import Alembic

HASHED_NAME = re.compile(r"\.[0-9a-f]{12}\.")

# All of this process.
applications: WeakSet[Flask] = WeakSet()

logger = logging.getLogger(__name__)


def setting(name: str) -> Any:
    """A setting of the application that is answering."""
    return current_app.config[name]


def init_app(app: Flask) -> None:
    """Set up what Django has of its own; before any extension, since one may read a request's body."""
    # Every request is held to MAX_CONTENT_LENGTH, MAX_FORM_PARTS and ``takes_files``.
    app.request_class = Request
    app.before_request(refuse_what_is_too_large)
    app.cli.command("jobs")(show_jobs)
    applications.add(app)
    if app.config["SQLALCHEMY_DATABASE_URI"] is None:
        app.config["SQLALCHEMY_DATABASE_URI"] = "postgresql://"
        app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"creator": connect_to_nothing}
    # Without hashed names a developer's change shows at once.
    if not app.config["DEBUG"]:
        serve_static(app)


# Services


class NoDatabaseError(Exception):
    """No database is attached."""


def connect_to_nothing() -> NoReturn:
    """Stands in for the driver's ``connect`` where there is nothing to connect to."""
    raise NoDatabaseError("no database attached")


def services(application: Flask) -> dict[str, Callable[[], object] | None]:
    """What it needs, each with a function that raises where it does not answer, or None where it is missing.

    They use the application's extensions, Flask-SQLAlchemy and Flask-Caching.
    """

    def ask_database() -> dict[str, str]:
        """The states of what is in it."""
        with application.app_context(), application.extensions["sqlalchemy"].engine.connect() as connection:
            connection.execute(sqlalchemy.text("SELECT 1"))
            return backlog.states(driver_connection(connection))

    def ask_cache() -> None:
        with application.app_context():
            for cache in application.extensions["cache"]:
                cache.get("readyz")

    attached: dict[str, Callable[[], object] | None] = {
        "database": None if "creator" in application.config["SQLALCHEMY_ENGINE_OPTIONS"] else ask_database
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
    return driver_connection(current_app.extensions["sqlalchemy"].session.connection())


def driver_connection(connection: sqlalchemy.Connection) -> Any:
    return connection.connection.driver_connection if connection.dialect.name == "postgresql" else None


@contextlib.contextmanager
def around_job(application: Flask) -> Iterator[None]:
    """What a request has, too: an application context, and a session that ends with it."""
    with application.app_context():
        yield


def migrations(application: Flask) -> "Alembic":
    """The application's migrations, for ``flask db`` and a release; a process that serves needs none."""
    if known := application.extensions.get("alembic"):
        return cast("Alembic", known)
    # It would log the name of each of its plugins as it is imported.
    logging.getLogger("alembic.runtime.plugins").setLevel("WARNING")
    from flask_alembic import Alembic

    # The tables of jobs are the engine's, and no model's.
    context = application.config.setdefault("ALEMBIC_CONTEXT", {})
    context.setdefault("include_name", lambda name, kind, parents: kind != "table" or not is_of_jobs(name))
    return Alembic(application, metadatas=application.extensions["sqlalchemy"].metadata, run_mkdir=False)


def is_of_jobs(table: str | None) -> bool:
    return (table or "").startswith("procrastinate_")


def jobs_schema() -> dict[str, str]:
    """The SQL files with which the engine of the jobs has made and changed its tables, in their order."""
    from importlib import resources

    files = (resources.files("procrastinate") / "sql" / "migrations").iterdir()
    texts = {file.name.removesuffix(".sql"): file.read_text("utf-8") for file in files if file.name.endswith(".sql")}
    return dict(sorted(texts.items()))


def migrate_jobs(connection: sqlalchemy.Connection, *, until: str, after: str = "") -> None:
    """Apply those files that come after one and until another one, named without their ``.sql``."""
    if (driver := driver_connection(connection)) is None:
        return
    files = jobs_schema()
    if until not in files:
        raise ValueError(f"procrastinate has no {until}.sql")
    for name, text in files.items():
        if after < name <= until:
            driver.execute(text)


def drop_jobs(connection: sqlalchemy.Connection) -> None:
    """Drop all that they have made."""
    if (driver := driver_connection(connection)) is None:
        return
    driver.execute("DROP TABLE procrastinate_events, procrastinate_periodic_defers, procrastinate_jobs CASCADE")
    driver.execute("DROP TABLE procrastinate_workers")
    query = "SELECT oid::regprocedure::text FROM pg_proc WHERE proname LIKE 'procrastinate\\_%'"
    for (function,) in driver.execute(query).fetchall():
        driver.execute(f"DROP FUNCTION {function}")
    for kind in "job_to_defer_v1", "job_event_type", "job_status":
        driver.execute(f"DROP TYPE procrastinate_{kind}")


def send_mail(recipient: str, subject: str, text: str) -> None:
    """Hand a mail to the server of EMAIL_URL, or write it to the log where there is none.

    Raises ``OSError`` where the server does not answer or does not take it.
    """
    if (server := setting("MAIL_SERVER")) is None:
        logger.info(f"Mail to {recipient}: {subject}", extra={"body": text})
        return
    message = EmailMessage()
    message["Date"] = formatdate()
    message["From"] = setting("MAIL_SENDER")
    message["Message-ID"] = make_msgid()
    message["Subject"] = subject
    message["To"] = recipient
    message.set_content(text)
    tls = ssl.create_default_context()
    address = server["host"], server["port"]
    with (
        smtplib.SMTP_SSL(*address, timeout=server["timeout"], context=tls)
        if server["use_ssl"]
        else smtplib.SMTP(*address, timeout=server["timeout"])
    ) as connection:
        if server["use_tls"]:
            connection.starttls(context=tls)
        if server["username"]:
            connection.login(server["username"], server["password"])
        connection.send_message(message)


@click.option("--retry", type=int, metavar="JOB", help="Let a worker begin it again, or now.")
@click.option("--delete", type=int, metavar="JOB")
def show_jobs(retry: int | None, delete: int | None) -> None:
    """Show the jobs, after one of them is tried again or deleted."""
    for line in backlog.command(setting("DATABASE_URL"), retry, delete):
        click.echo(line)


# Static files


def serve_static(app: Flask) -> None:
    """Serve ``app``'s static folder through WhiteNoise and let ``url_for("static", …)`` give the hashed names.

    A file is served under its plain name too, for what names it without ``url_for``: an error page, another file.
    """
    published, names = publish(Path(app.static_folder or ""))
    # Flask's own view would serve what was not published, too.
    app.view_functions["static"] = not_published

    @app.url_defaults
    def hash_name(endpoint: str, values: dict[str, str]) -> None:
        if endpoint == "static":
            values["filename"] = names.get(values["filename"], values["filename"])

    app.wsgi_app = WhiteNoise(  # type: ignore[method-assign]
        app.wsgi_app,
        root=published,
        prefix="static/",
        allow_all_origins=False,
        immutable_file_test=lambda path, url: HASHED_NAME.search(url) is not None,
    )


def not_published(filename: str) -> NoReturn:
    raise NotFound


@functools.cache
def publish(source: Path) -> tuple[Path, dict[str, str]]:
    """Copy the files of ``source`` to a new folder under plain and hashed names, with .gz and .br beside them.

    Hidden files and an editor's copies stay behind. Returns the folder, and the hashed name of each plain one, both
    relative and with forward slashes. Every application of a process shares them.
    """
    target = Path(tempfile.mkdtemp(prefix="static-"))
    owner = os.getpid()
    # Workers inherit the folder and this function; only the process that made it removes it.
    atexit.register(lambda: shutil.rmtree(target, ignore_errors=True) if os.getpid() == owner else None)
    compressor = Compressor(quiet=True)
    names = {}
    for file in sorted(path for path in source.rglob("*") if path.is_file()):
        plain = file.relative_to(source)
        if any(part.startswith(".") or part.endswith("~") for part in plain.parts):
            continue
        content = file.read_bytes()
        hashed = plain.with_suffix(f".{hashlib.sha256(content).hexdigest()[:12]}{plain.suffix}")
        names[plain.as_posix()] = hashed.as_posix()
        for name in plain, hashed:
            copy = target / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(content)
            if compressor.should_compress(name.name):
                list(compressor.compress(str(copy)))
    return target, names


# Bodies of requests


def takes_files[**P, R](megabytes: int) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Lets a view take a body of that size. It belongs below the route."""

    def mark(view: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(view)
        def marked(*arguments: P.args, **options: P.kwargs) -> R:
            return view(*arguments, **options)

        marked.max_body = megabytes * 1_000_000  # type: ignore[attr-defined]
        return marked

    return mark


class Parser(FormDataParser):
    """Werkzeug's, which would read a form of any number of fields where it is not multipart."""

    def parse(
        self, stream: IO[bytes], mimetype: str, content_length: int | None, options: dict[str, str] | None = None
    ) -> tuple[IO[bytes], MultiDict[str, str], MultiDict[str, FileStorage]]:
        if mimetype == "application/x-www-form-urlencoded":
            body = stream.read()
            if self.max_form_parts is not None and body.count(b"&") >= self.max_form_parts:
                raise RequestEntityTooLarge
            stream = io.BytesIO(body)
        return super().parse(stream, mimetype, content_length, options)


class Request(flask.Request):
    form_data_parser_class = Parser


def refuse_what_is_too_large() -> None:
    """Also where nobody reads it. What comes in chunks tells no size, and is measured while it is read."""
    view: Any = current_app.view_functions.get(request.endpoint or "")
    most: int | None = getattr(view, "max_body", current_app.config["MAX_CONTENT_LENGTH"])
    request.max_content_length = most
    if most is not None and (request.content_length or 0) > most:
        raise RequestEntityTooLarge


# What the doctor asks


def load(name: str) -> Flask:
    """The application of a module, on a database in memory, since the doctor asks on any machine."""
    database_url(Path.cwd(), debug=False)  # whose advice the doctor gives
    os.environ["DATABASE_URL"] = "sqlite://"
    application: Flask = importlib.import_module(name).application
    return application


def check_static_files(application: Flask, templates: Mapping[Path, str]) -> None:
    """Every file that a template names must exist, or the page looks broken."""
    for template, text in templates.items():
        for name in re.findall(r"url_for\([\"']static[\"'], filename=[\"']([^\"']+)", text):
            if not (Path(application.static_folder or "") / name).exists():
                raise CheckError(f"{template} names {name}, which is no static file.", "Correct it.")


def check_migrations(application: Flask) -> None:
    """Every model must be as its migrations make it."""
    alembic = migrations(application)
    with application.app_context():
        alembic.upgrade()
        if alembic.compare_metadata():
            raise CheckError("A model has changed since the last migration.", "flask db revision 'What has changed'")
    check_jobs_schema(application)


def check_jobs_schema(application: Flask) -> None:
    """What makes the tables of jobs must be as new as the engine that uses them."""
    *_, newest = jobs_schema()
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
    from click import Context, Group
    from flask.cli import FlaskGroup, ScriptInfo

    migrations(application)  # which adds `flask db`
    group: Group = FlaskGroup()
    with Context(group, obj=ScriptInfo(create_app=lambda: application)) as context:
        for name in arguments:
            if name.startswith("-") or "$" in name:
                return None
            if not (command := group.get_command(context, name)):
                return name
            if not isinstance(command, Group):
                return None
            group = command
    return None
