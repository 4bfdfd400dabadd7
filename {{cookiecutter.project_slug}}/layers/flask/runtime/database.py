"""SQLAlchemy's connections: to SQLite with what it lacks by itself, and to nothing where no database is attached."""

import logging
import re
import sqlite3
from typing import Any, NoReturn

import sqlalchemy
from flask import Flask
from sqlalchemy import Engine, event

from runtime.services import SQLITE

# What needs no transaction in SQLite, or may be in none.
OUTSIDE = re.compile(r"\s*(ATTACH|BEGIN|DETACH|EXPLAIN|PRAGMA|SELECT|VACUUM|VALUES)\b", re.IGNORECASE)


class NoDatabaseError(Exception):
    """No database is attached."""


def lacks_database(error: BaseException | None) -> bool:
    """Whether an error was raised since no database is attached."""
    return isinstance(error, NoDatabaseError)


def tells_more(record: logging.LogRecord) -> bool:
    """Whether an event tells more than that no database is attached, which the page's own does with its cure."""
    return not (record.exc_info and lacks_database(record.exc_info[1]))


def init_app(app: Flask) -> None:
    """Before Flask-SQLAlchemy, which would refuse an application that has no database."""
    logging.getLogger(app.name).addFilter(tells_more)
    if app.config["SQLALCHEMY_DATABASE_URI"] is None:
        app.config["SQLALCHEMY_DATABASE_URI"] = "postgresql://"
        app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"creator": connect_to_nothing}


def connect_to_nothing() -> NoReturn:
    """Stands in for the driver's ``connect`` where there is nothing to connect to."""
    raise NoDatabaseError("no database attached")


def is_attached(app: Flask) -> bool:
    """Whether an application has a database."""
    return "creator" not in app.config["SQLALCHEMY_ENGINE_OPTIONS"]


def driver_connection(connection: sqlalchemy.Connection) -> Any:
    """The connection below to PostgreSQL, or None to SQLite, which has no jobs."""
    # Not its driver_connection, which one that no pool has any more does not tell.
    return connection.connection.dbapi_connection if connection.dialect.name == "postgresql" else None


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
