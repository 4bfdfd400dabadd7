"""The database as the server sees it: does it answer, and is nothing of it left open."""

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper


def check() -> None:
    """Raise if the database does not answer."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    finally:
        # A thread keeps its connection, and the one that asks this has no other use for it. SQLite's own ``close`` does
        # nothing where the database is in memory.
        BaseDatabaseWrapper.close(connections[DEFAULT_DB_ALIAS])


def disconnect() -> None:
    """Close every connection of this process."""
    for opened in connections.all(initialized_only=True):
        opened.close()
        if hasattr(opened, "close_pool"):
            opened.close_pool()
