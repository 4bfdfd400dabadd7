"""The database as the server sees it: does it answer, and is nothing of it left open."""

from django.db import close_old_connections, connection, connections


def check() -> None:
    """Raise if the database does not answer."""
    # Outside a request nobody else drops a connection that the server has closed meanwhile.
    close_old_connections()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def disconnect() -> None:
    """Close every connection of this process."""
    for opened in connections.all(initialized_only=True):
        opened.close()
        if hasattr(opened, "close_pool"):
            opened.close_pool()
