"""What serves on a developer's machine in place of what a platform attaches, for a page that its owner sees there."""

from collections.abc import Callable
from typing import NamedTuple

from runtime import env, services


class Item(NamedTuple):
    """One thing that a site needs: its name, what stands in for it here, and the command that gives it to Heroku."""

    name: str
    here: str
    command: str


def database() -> Item:
    url = env.text("DATABASE_URL")
    here = "as DATABASE_URL says" if url else "SQLite, in a file that a platform would wipe at each restart"
    return Item("Database", here, services.NO_DATABASE[1].partition(": ")[2])


def key() -> Item:
    # Set by the settings where it is absent.
    return Item("Key", "one of this machine's own", "heroku config:set SECRET_KEY=$(openssl rand -hex 32)")


def mail() -> Item:
    here = "handed over as EMAIL_URL says" if env.text("EMAIL_URL") else "written to the log, links included"
    server = "EMAIL_URL=submission://USER:PASSWORD@HOST:587 EMAIL_FROM=hello@example.com"
    return Item("Mail", here, f"heroku config:set {server}")


def worker() -> Item:
    on_postgresql = env.text("DATABASE_URL").startswith("postgres")
    here = "run by the worker that make run has started" if on_postgresql else "run at once, by whoever defers them"
    return Item("Jobs", here, "heroku ps:scale worker=1")


# An option's module adds its own.
ITEMS: list[Callable[[], Item]] = [database, key, mail, worker]


def checklist() -> list[Item]:
    """Each thing that a site needs and a platform does not give by itself, as it is in this process."""
    return [item() for item in ITEMS]
