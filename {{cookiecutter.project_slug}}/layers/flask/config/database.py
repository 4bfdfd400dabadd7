"""The database: its session, and how the server sees it."""

from typing import NoReturn

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import MetaData, text
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    """What every model inherits. Constraints get names, since a migration can only drop what has one."""

    metadata = MetaData(
        naming_convention={
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "ix": "ix_%(column_0_label)s",
            "pk": "pk_%(table_name)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
        }
    )


db = SQLAlchemy(model_class=Base)


class NoDatabaseError(Exception):
    """No database is attached."""


def unattached() -> NoReturn:
    """Stands in for the driver's ``connect`` where there is nothing to connect to."""
    raise NoDatabaseError("no database attached")


def check() -> None:
    """Raise if the database does not answer."""
    from config.wsgi import application

    with application.app_context(), db.engine.connect() as connection:
        connection.execute(text("SELECT 1"))


def disconnect() -> None:
    """Close every connection of this process."""
    from config.wsgi import application

    with application.app_context():
        for engine in db.engines.values():
            engine.dispose()
