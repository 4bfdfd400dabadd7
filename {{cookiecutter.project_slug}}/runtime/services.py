"""The services a platform attaches: their addresses, checked, with what every connection needs."""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, TypedDict
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from runtime import env, timeouts

# A process holds one database connection a thread, so this is also the size of its pool.
THREADS = env.number("WEB_THREADS", 4, least=1, most=100)

LOCAL_HOSTS = {"", "localhost", "127.0.0.1", "::1"}
MAIL_PORTS = {"smtp": 25, "submission": 587, "smtps": 465}
# How long whoever asks Redis waits for it.
REDIS_OPTIONS: dict[str, Any] = {"socket_connect_timeout": timeouts.CONNECT, "socket_timeout": timeouts.CONNECT}
# What a connection to SQLite begins with: who writes waits for who writes, and for nobody who reads.
SQLITE = ";".join(
    f"PRAGMA {pragma}"
    for pragma in (f"busy_timeout = {timeouts.STATEMENT * 1000}", "journal_mode = WAL", "synchronous = NORMAL")
)
NO_DATABASE = (
    "No database is attached: pages that need one answer 503.",
    "Attach one: heroku addons:create heroku-postgresql:essential-0",
)

# The same to whoever typed a command.
NO_DATABASE_HERE = (
    "No database is attached."
    " On a developer's machine `make .env` asks for a file of SQLite; on Heroku, attach one: "
    "heroku addons:create heroku-postgresql:essential-0"
)


class UnavailableError(Exception):
    """A service did not do its part just now, which passes by itself: the page answers 503."""


# What the log says of a service that is missing or does not answer, by the name that readiness gives it.
MISSING = {"database": " ".join(NO_DATABASE)}
LOOK_AT = {"cache": "heroku redis:info", "database": "heroku pg:info"}


def explain_in_a_line(is_missing: Callable[[BaseException], bool]) -> None:
    """Let a command that lacks the database end in one line, and a line of a shell too; any other error as always."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if is_missing(error):
            print(NO_DATABASE_HERE, file=sys.stderr)
        else:
            sys.__excepthook__(kind, error, trace)

    sys.excepthook = hook


def without_password(url: str) -> str:
    """The same URL, fit for a message: ``postgres://user:***@host/name``."""
    scheme, separator, rest = url.rpartition("://")
    credentials, at, address = rest.rpartition("@")
    user = credentials.partition(":")[0]
    return f"{scheme}{separator}{user}:***@{address}" if at else url


def parsed(name: str, url: str, is_valid: Callable[[SplitResult], object], what: str, example: str) -> SplitResult:
    """The parts of a variable's URL; ends the process with one line where it is not ``what`` it should be."""
    try:
        parts = urlsplit(url)
        valid = parts.port != 0 and is_valid(parts)
    except ValueError:  # a port that is not a number, or brackets around something that is no address
        valid = False
    if not valid:
        env.refuse(f"{name} is {without_password(url)!r}, not {what}.", f"It looks like {example}.")
    return parts


def database_url(folder: Path, *, debug: bool) -> str | None:
    """The database's URL with what every connection needs, or None when no database is attached.

    ``postgres://`` becomes ``postgresql://``. TLS is required unless the server is on this machine or the URL has its
    own ``sslmode``. With DEBUG and nothing attached, a SQLite file in ``folder`` serves; in production it would be
    lost at every restart, so there it must be asked for.
    """
    if not (url := env.text("DATABASE_URL")):
        if debug:
            return f"sqlite:///{folder / 'db.sqlite3'}"
        env.advise(*NO_DATABASE)
        return None
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite":
        path = rest.partition("/")[2]
        return f"sqlite:///{folder / path}" if path not in {"", ":memory:"} else "sqlite://"
    parts = parsed(
        "DATABASE_URL",
        url,
        lambda parts: scheme in {"postgres", "postgresql"} and parts.path.strip("/"),
        "a database's address",
        "postgres://USER:PASSWORD@HOST:5432/NAME or sqlite:///db.sqlite3",
    )
    query = dict(parse_qsl(parts.query))
    if query.get("host", parts.hostname or "") not in LOCAL_HOSTS and not query.get("host", "").startswith("/"):
        query.setdefault("sslmode", "require")
    query.setdefault("connect_timeout", str(timeouts.CONNECT))
    return f"postgresql://{parts.netloc}{parts.path}?{urlencode(query, quote_via=quote)}"


def redis_url() -> str | None:
    """The cache's URL, or None: each process then caches in its own memory."""
    if not (url := env.text("REDIS_URL")):
        return None
    parts = parsed(
        "REDIS_URL",
        url,
        lambda parts: parts.scheme in {"redis", "rediss"} and parts.hostname,
        "a Redis server's address",
        "redis://HOST:6379/0 or, with TLS, rediss://:PASSWORD@HOST:6379/0",
    )
    query = dict(parse_qsl(parts.query))
    # Heroku's certificates are signed by themselves; anywhere else they are verified.
    if parts.scheme == "rediss" and env.text("DYNO"):
        query.setdefault("ssl_cert_reqs", "none")
    return urlunsplit(parts._replace(query=urlencode(query)))


def mail_sender() -> str:
    """The address that mail comes from."""
    if sender := env.text("EMAIL_FROM"):
        if not re.fullmatch(r"[^\r\n]*[^\s@]+@[^\s@]+", sender):
            env.refuse(f"EMAIL_FROM is {sender!r}, not an e-mail address.", "It looks like hello@example.com.")
        return sender
    if env.text("EMAIL_URL"):
        env.advise(
            "EMAIL_FROM is not set: mail comes from nobody@localhost, which few mail servers take.",
            "Set it: heroku config:set EMAIL_FROM=hello@example.com",
        )
    return "nobody@localhost"


class MailServer(TypedDict):
    """Where mail is handed over, in the words of Django's SMTP options."""

    host: str
    port: int
    username: str
    password: str
    use_tls: bool
    use_ssl: bool
    timeout: int


def mail_server() -> MailServer | None:
    """Where to hand mail over, or None: it goes to the log."""
    if not (url := env.text("EMAIL_URL")):
        env.advise(
            "EMAIL_URL is not set: mail goes to this log.",
            "Set it: heroku config:set EMAIL_URL=submission://USER:PASSWORD@HOST:587",
        )
        return None
    parts = parsed(
        "EMAIL_URL",
        url,
        lambda parts: parts.scheme in MAIL_PORTS and parts.hostname,
        "a mail server's address",
        "submission://USER:PASSWORD@HOST:587 (STARTTLS), smtps://… (TLS) or smtp://… (neither)",
    )
    return {
        "host": parts.hostname or "",
        "port": parts.port or MAIL_PORTS[parts.scheme],
        "username": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "use_tls": parts.scheme == "submission",
        "use_ssl": parts.scheme == "smtps",
        "timeout": timeouts.CONNECT,
    }
