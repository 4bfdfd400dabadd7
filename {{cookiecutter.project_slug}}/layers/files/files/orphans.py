"""Rows without their file, and files without their row: a database and a store have no transaction in common.

A file is kept before its row and dropped after it, so that whatever stops in between leaves a file that nobody sees.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from files import rules
from runtime.store import Store

# Whatever is younger may be about to find its other half.
AGE = timedelta(days=1)
# More than this many and more than half of all are no accident: another project's bucket, or another database.
FEW = 10


class Orphans(NamedTuple):
    """The names that one of both has."""

    files: list[str]
    rows: list[str]


class TooManyError(Exception):
    """So many that something else is wrong."""


def find(store: Store, recorded: Mapping[str, datetime]) -> Orphans:
    """Compare the store's files with the rows, which are the names that were recorded, and when."""
    before = datetime.now(UTC) - AGE
    stored = {file.name: file.since for file in store.list(rules.FOLDER)}
    return Orphans(
        sorted(name for name, since in stored.items() if since < before and name not in recorded),
        sorted(name for name, since in recorded.items() if since < before and name not in stored),
    )


def clean(
    store: Store,
    recorded: Mapping[str, datetime],
    forget: Callable[[Iterable[str]], object],
    *,
    even_many: bool = False,
) -> Orphans:
    """Delete the files that have no row, and ``forget`` the rows that have no file; return what they were."""
    found = find(store, recorded)
    kept = sum(1 for _ in store.list(rules.FOLDER))
    for lost, of in (found.files, kept), (found.rows, len(recorded)):
        if not even_many and len(lost) > FEW and len(lost) * 2 > of:
            raise TooManyError(
                f"{len(found.files)} files have no row and {len(found.rows)} rows no file, which is more than half:"
                " is it this database's bucket? If it is, say --even-many."
            )
    for name in found.files:
        store.delete(name)
    forget(found.rows)
    return found


def report(found: Orphans) -> str:
    return f"{len(found.files)} files without a row and {len(found.rows)} rows without a file are gone."
