"""The platform's release step, before a new version serves: ``python -m config.release`` applies the migrations.

A migration that fails ends it with status 1 and leaves no trace in the database, and the running version stays.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from config import env, services, settings

# Any number, as long as every release of this project takes the same.
LOCK = 20_261_123


def main() -> None:
    if settings.DATABASE_URL is None:
        print("release: no database attached, nothing to migrate.", services.NO_DATABASE[1])
        return
    # Not needed, and not imported, without a database.
    from config import migrations

    try:
        with one_at_a_time(settings.DATABASE_URL):
            migrations.apply()
    except Exception as error:
        # What the database says fits in a line; a mistake in a migration needs its traceback.
        cause = error.__cause__ or error
        if not isinstance(cause, psycopg.Error | sqlite3.Error):
            raise
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


if __name__ == "__main__":
    main()
