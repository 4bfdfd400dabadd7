"""All that the runtime needs of Flask, and what Flask needs of the runtime. Every framework has a module like it.

The part for the doctor imports what it needs when it is asked: a process that serves would carry it for nothing.
"""

import contextlib
import functools
import hashlib
import importlib
import io
import json
import logging
import os
import posixpath
import re
import secrets
import shutil
import smtplib
import sqlite3
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any, NoReturn, cast
from urllib.parse import quote, unquote, urljoin, urlsplit
from weakref import WeakSet
from wsgiref.headers import Headers

import click
import flask
import sqlalchemy
from dotenv import dotenv_values
from flask import Flask, current_app, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from sqlalchemy import Engine, event
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.exceptions import BadRequest, NotFound, RequestEntityTooLarge
from werkzeug.formparser import FormDataParser
from werkzeug.local import LocalProxy
from whitenoise import WhiteNoise
from whitenoise.compress import Compressor

from runtime import backlog, csp, static  # noqa: F401  # Parts of static files are sent as whole ones are.
from runtime.checks import CheckError
from runtime.services import SQLITE, database_url

if TYPE_CHECKING:
    from alembic.operations.batch import ApplyBatchImpl
    from alembic.runtime.migration import MigrationContext
    from flask_alembic import Alembic

# What needs no transaction in SQLite, or may be in none.
OUTSIDE = re.compile(r"\s*(ATTACH|BEGIN|DETACH|EXPLAIN|PRAGMA|SELECT|VACUUM|VALUES)\b", re.IGNORECASE)
HASHED_NAME = re.compile(r"\.([0-9a-f]{12})(?:\.[^./]*)?$")
# A stylesheet's references, and before them what only looks like one: comments and strings.
REFERENCE = re.compile(
    r"""/\*.*?\*/|url\(\s*(["']?)(?P<url>.*?)\1\s*\)|@import\s+(["'])(?P<sheet>.*?)\3|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'""",
    re.IGNORECASE | re.DOTALL,
)
MANIFEST = "staticfiles.json"
COMPRESSED = (".br", ".gz")
COMPRESSOR = Compressor(quiet=True)

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
    app.session_interface = Sessions()
    # Flask-WTF knows of one key only; of several the last signs.
    app.config.setdefault("WTF_CSRF_SECRET_KEY", [*app.config["SECRET_KEY_FALLBACKS"], app.config["SECRET_KEY"]])
    app.before_request(refuse_what_is_too_large)
    app.context_processor(lambda: {"csp_nonce": LocalProxy(csp_nonce)})
    app.cli.command("jobs")(show_jobs)
    applications.add(app)
    if app.config["SQLALCHEMY_DATABASE_URI"] is None:
        app.config["SQLALCHEMY_DATABASE_URI"] = "postgresql://"
        app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"creator": connect_to_nothing}


class Sessions(SecureCookieSessionInterface):
    """Flask's, which signs anew what an older key has signed: that one is needed no longer than a session lasts."""

    def open_session(self, app: Flask, request: flask.Request) -> SecureCookieSession | None:
        session = super().open_session(app, request)
        if session and app.config["SECRET_KEY_FALLBACKS"] and (serializer := self.get_signing_serializer(app)):
            serializer.secret_keys = serializer.secret_keys[-1:]
            if not serializer.make_signer(serializer.salt).validate(request.cookies[self.get_cookie_name(app)]):
                session.modified = True
        return session


def csp_nonce() -> str:
    """What a script or a style that is written into this page must name to run; a template has it as ``csp_nonce``.

    It has to be asked for before the response begins.
    """
    environ = request.environ
    if csp.NONCE not in environ:
        environ[csp.NONCE] = secrets.token_urlsafe(16)
    nonce: str = environ[csp.NONCE]
    return nonce


# Services


class NoDatabaseError(Exception):
    """No database is attached."""


def lacks_database(error: BaseException | None) -> bool:
    """Whether an error was raised since no database is attached."""
    return isinstance(error, NoDatabaseError)


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


@event.listens_for(Engine, "connect")
def set_up_sqlite(connection: object, record: object) -> None:
    if isinstance(connection, sqlite3.Connection):
        for pragma in SQLITE.split(";"):
            connection.execute(pragma)


@event.listens_for(Engine, "checkout")
def enforce_foreign_keys(connection: object, record: object, proxy: object) -> None:
    """Each time, since a migration does without."""
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA foreign_keys = ON")


@event.listens_for(Engine, "before_cursor_execute")
def begin_to_write(
    connection: sqlalchemy.Connection,
    cursor: object,
    statement: str,
    parameters: object,
    context: sqlalchemy.ExecutionContext,
    many: bool,
) -> None:
    """Begin SQLite's transaction where something is to be written, and wait for whoever writes.

    Python's driver would begin one for rows only and not for tables, and one that has read would be refused at once
    where somebody has written meanwhile. Who only reads begins none, and keeps nobody waiting.
    """
    driver = connection.connection.dbapi_connection
    if not isinstance(driver, sqlite3.Connection) or driver.in_transaction:
        return
    reads = getattr(context.invoked_statement, "is_select", False) or OUTSIDE.match(statement)
    if not reads and connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
        driver.execute("BEGIN IMMEDIATE")


def job_connection() -> Any:
    """The connection, and with it the transaction, that whoever calls is in; None on SQLite, which has no jobs."""
    return driver_connection(current_app.extensions["sqlalchemy"].session.connection())


def driver_connection(connection: sqlalchemy.Connection) -> Any:
    # Not its driver_connection, which one that no pool has any more does not tell.
    return connection.connection.dbapi_connection if connection.dialect.name == "postgresql" else None


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
    from alembic.ddl.sqlite import SQLiteImpl
    from flask_alembic import Alembic

    class SQLite(SQLiteImpl):
        """Takes a migration whole or not at all, and lets a table that is made anew keep what refers to it."""

        __dialect__ = "sqlite"
        transactional_ddl = True

        def start_migrations(self) -> None:
            # To drop the old table would take the rows that refer to its own.
            self.run("PRAGMA foreign_keys = OFF")
            self.lost = {*self.run("PRAGMA foreign_key_check")}

        def check_foreign_keys(self) -> None:
            """Refuse a migration that leaves a row which refers to none."""
            for row in {*self.run("PRAGMA foreign_key_check")} - self.lost:
                raise sqlite3.IntegrityError(f"a row of {row[0]} refers to one of {row[2]} that does not exist")

        def run(self, statement: str, *values: str) -> Iterable[Any]:
            return self.connection.exec_driver_sql(statement, values) if self.connection else ()

        def prep_table_for_batch(self, batch_impl: "ApplyBatchImpl", table: sqlalchemy.Table) -> None:
            """Keep an AUTOINCREMENT, which SQLAlchemy does not see, with the last number that it gave."""
            made = "SELECT 1 FROM sqlite_master WHERE name = ? AND sql LIKE '%AUTOINCREMENT%'"
            if batch_impl.new_table is not None and any(self.run(made, table.name)):
                batch_impl.new_table.dialect_options["sqlite"]["autoincrement"] = True
                kept = "INSERT INTO sqlite_sequence (name, seq) SELECT ?, seq FROM sqlite_sequence WHERE name = ?"
                self.run(kept, batch_impl.temp_table_name, table.name)

    def check(ctx: "MigrationContext", **arguments: object) -> None:
        if isinstance(ctx.impl, SQLite):
            ctx.impl.check_foreign_keys()

    context = {
        "on_version_apply": check,
        "render_as_batch": True,
        # The tables of jobs are the engine's, and no model's.
        "include_name": lambda name, kind, parents: kind != "table" or not is_of_jobs(name),
    }
    application.config["ALEMBIC_CONTEXT"] = context | application.config.get("ALEMBIC_CONTEXT", {})
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


def static_folders(app: Flask) -> dict[str, tuple[str, Path]]:
    """The address and the folder behind each endpoint for static files, the application's and its blueprints'.

    Of two with one address Flask asks only the first.
    """
    owners = {"static": app} | {f"{name}.static": blueprint for name, blueprint in app.blueprints.items()}
    folders: dict[str, tuple[str, Path]] = {}
    for rule in app.url_map.iter_rules():
        owner, address = owners.get(rule.endpoint), rule.rule.removesuffix("<path:filename>")
        taken = address in (known for known, _ in folders.values())
        if owner and owner.static_folder and not (taken or "<" in address or rule.host or rule.subdomain):
            folders[rule.endpoint] = address, Path(owner.static_folder)
    return folders


def files_below(folder: Path, address: str) -> dict[str, Path]:
    """Every file in a folder by its address, but for hidden ones and an editor's copies."""
    names = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    hidden = {name for name in names if any(part[0] == "." or part[-1] == "~" for part in name.parts)}
    return {address + name.as_posix(): folder / name for name in names if name not in hidden}


def static_files(app: Flask) -> dict[str, Path]:
    """Every static file by its address."""
    files: dict[str, Path] = {}
    for address, folder in static_folders(app).values():
        files |= files_below(folder, address)
    return files


def serve_static(app: Flask) -> None:
    """Serve what the build has published, and let ``url_for`` give the hashed names; after the last blueprint.

    A file is served under its plain name too, for what names it without ``url_for``: an error page, a script. Where
    nothing is published, all are served under their plain names only, and uncompressed. In development Flask serves
    them itself, so that a change shows at once.
    """
    if app.config["DEBUG"]:
        return
    folders, root = static_folders(app), Path(app.config["STATIC_ROOT"])
    names = published(root)
    hashed = {*names.values()}
    files = files_below(root, "/") if names else static_files(app)
    files.pop(f"/{MANIFEST}", None)

    def add_headers(headers: Headers, path: str, address: str) -> None:
        # By default it is of the file's time, which each build may set anew.
        if (name := names.get(address, address)) in hashed and (match := HASHED_NAME.search(name)):
            headers["ETag"] = f'"{match[1]}"'

    app.wsgi_app = noise = WhiteNoise(  # type: ignore[method-assign]
        app.wsgi_app,
        add_headers_function=add_headers,
        allow_all_origins=False,
        immutable_file_test=lambda path, address: address in hashed,
    )
    for address, path in files.items():
        noise.add_file_to_dictionary(address, str(path))
    # Flask's own view would serve what is hidden, too.
    app.view_functions |= dict.fromkeys(folders, not_published)

    @app.url_defaults
    def hash_name(endpoint: str, values: dict[str, str]) -> None:
        if endpoint in folders and "filename" in values:
            address = folders[endpoint][0]
            plain = address + values["filename"]
            values["filename"] = names.get(plain, plain).removeprefix(address)


def not_published(filename: str) -> NoReturn:
    raise NotFound


def published(root: Path) -> dict[str, str]:
    """The hashed address of each static file that the last build has put there."""
    manifest = root / MANIFEST
    paths: dict[str, str] = json.loads(manifest.read_text("utf-8"))["paths"] if manifest.exists() else {}
    return paths


def publish(app: Flask) -> Iterator[str]:
    """Copy the static files to STATIC_ROOT under plain and hashed names, with .gz and .br beside them.

    What has not changed since the last time is not compressed again, and what was published then and is no more is
    removed. Yields what a stylesheet refers to in vain.
    """
    root, content = Path(app.config["STATIC_ROOT"]), Content(static_files(app))
    before = {*published(root).items()}
    names = {address: content.hashed(address) for address in content.files}

    def copy(address: str) -> None:
        copies = [root / name[1:] for name in (names[address], address)]
        for path in copies:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.bytes(address))
            shutil.copystat(content.files[address], path)
        if (address, names[address]) not in before and COMPRESSOR.should_compress(address):
            COMPRESSOR.compress(str(copies[0]))
        for suffix in COMPRESSED:
            if (compressed := Path(f"{copies[0]}{suffix}")).exists():
                shutil.copy2(compressed, f"{copies[1]}{suffix}")

    with ThreadPoolExecutor() as threads:
        list(threads.map(copy, names))
    for name in {name for pair in before - {*names.items()} for name in pair} - {*names, *names.values()}:
        for suffix in "", *COMPRESSED:
            Path(f"{root / name[1:]}{suffix}").unlink(missing_ok=True)
    (root / MANIFEST).write_text(json.dumps({"version": "1.1", "paths": names}, indent=1), "utf-8")
    yield from content.lost


class Content:
    """What static files hold when stylesheets refer to others by their hashed names."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        self.files = files
        self.names: dict[str, str] = {}
        # Of stylesheets only.
        self.texts: dict[str, bytes] = {}
        self.lost: list[str] = []

    def hashed(self, address: str) -> str:
        """The address of a file with a hash of its content, or as it is where stylesheets import each other."""
        if address not in self.names:
            self.names[address] = address
            name = PurePosixPath(address)
            digest = hashlib.sha256(self.bytes(address)).hexdigest()[:12]
            self.names[address] = str(name.with_suffix(f".{digest}{name.suffix}"))
        return self.names[address]

    def bytes(self, address: str) -> bytes:
        content = self.texts.get(address) or self.files[address].read_bytes()
        if address not in self.texts and address.endswith(".css"):
            text = REFERENCE.sub(partial(self.refer, address), content.decode("utf-8", "surrogateescape"))
            content = self.texts[address] = text.encode("utf-8", "surrogateescape")
        return content

    def refer(self, sheet: str, match: re.Match[str]) -> str:
        """A reference of a stylesheet, by the hashed name where it is a static file."""
        group = "url" if match["url"] else "sheet"
        reference, parts = match[group] or "", urlsplit(match[group] or "")
        if parts.scheme or parts.netloc or not parts.path or parts.path.endswith("/"):
            return match[0]
        target = unquote(urljoin(sheet, parts.path))
        if target not in self.files:
            self.lost.append(f"{sheet} refers to {reference}, which is no static file.")
            return match[0]
        name = quote(PurePosixPath(self.hashed(target)).name)
        changed = posixpath.join(posixpath.dirname(parts.path), name) + reference[len(parts.path) :]
        start, end = (place - match.start() for place in match.span(group))
        return match[0][:start] + changed + match[0][end:]


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
    """Werkzeug's, which would read a form of any number of fields where it is not multipart.

    And where it is, a field without a name, which nobody who looks at the names expects.
    """

    def parse(
        self, stream: IO[bytes], mimetype: str, content_length: int | None, options: dict[str, str] | None = None
    ) -> tuple[IO[bytes], MultiDict[str, str], MultiDict[str, FileStorage]]:
        if mimetype == "application/x-www-form-urlencoded":
            body = stream.read()
            if self.max_form_parts is not None and body.count(b"&") >= self.max_form_parts:
                raise RequestEntityTooLarge
            stream = io.BytesIO(body)
        stream, form, files = super().parse(stream, mimetype, content_length, options)
        if None in form or None in files:
            raise BadRequest
        return stream, form, files


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
    """The application of a module, with the database that is configured: in place of any SQLite, one in memory."""
    configured = database_url(Path.cwd(), debug=False)  # whose advice the doctor gives
    url = configured or dotenv_values(".env").get("DATABASE_URL") or ""
    os.environ["DATABASE_URL"] = url if url.startswith("postgres") else "sqlite://"
    application: Flask = importlib.import_module(name).application
    application.config["DATABASE_IS_KNOWN"] = bool(url)
    return application


def check_static_files(application: Flask, templates: Mapping[Path, str]) -> str | None:
    """Every file that a template or a stylesheet names must exist, or the page looks broken."""
    folders, content = static_folders(application), Content(static_files(application))
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
    check_jobs_schema(application)
    alembic, known = migrations(application), application.config["DATABASE_IS_KNOWN"]
    with application.app_context():
        sqlite = application.extensions["sqlalchemy"].engine.dialect.name == "sqlite"
        try:
            if sqlite:
                alembic.upgrade()
            else:
                alembic.op.execute("SET TRANSACTION READ ONLY")
            if alembic.needs_upgrade():
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
