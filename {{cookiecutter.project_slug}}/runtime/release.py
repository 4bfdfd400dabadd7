"""The platform's release step, before a new version serves: migrations, by one release at a time."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg

from runtime import env, errors, services

# Any number, as long as every release of a project takes the same.
LOCK = 20_261_123


def run(steps: Callable[[], object], database_url: str | None) -> None:
    """Take the steps of a release, unless no database is attached.

    A database that refuses one ends the process with status 1 and one line, so that the running version stays; any
    other mistake in a step has its traceback.
    """
    if database_url is None:
        print("release: no database attached, nothing to migrate.", services.NO_DATABASE[1])
        return
    try:
        with one_at_a_time(database_url):
            steps()
    except Exception as error:
        # What the database says fits in a line; a mistake in a migration needs its traceback.
        cause = error.__cause__ or error
        if not isinstance(cause, psycopg.Error | sqlite3.Error):
            raise
        errors.send(error)
        reason = " ".join(str(cause).split())
        env.refuse(f"release: the migrations failed: {reason}", "The running version stays. See: heroku pg:info")


@contextmanager
def one_at_a_time(database_url: str) -> Iterator[None]:
    """Wait until no other release migrates the same database. SQLite, a file, locks itself."""
    if database_url.startswith("sqlite"):
        yield
        return
    # A connection of its own: the lock is gone when it is, however the process ends.
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        yield
