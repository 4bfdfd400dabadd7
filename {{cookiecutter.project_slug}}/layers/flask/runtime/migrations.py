"""Migrations by Alembic, for ``flask db`` and a release, and the tables of jobs, which the engine's own files make.

A process that serves needs none of it, and does not import it.
"""

import logging
import sqlite3
from collections.abc import Iterable
from importlib import resources
from typing import Any, cast

# It would log the name of each of its plugins as it is imported.
logging.getLogger("alembic.runtime.plugins").setLevel("WARNING")

import sqlalchemy  # noqa: E402
from alembic.ddl.sqlite import SQLiteImpl  # noqa: E402
from alembic.operations.batch import ApplyBatchImpl  # noqa: E402
from alembic.runtime.migration import MigrationContext  # noqa: E402
from flask import Flask  # noqa: E402
from flask_alembic import Alembic  # noqa: E402

from runtime.database import driver_connection  # noqa: E402


def of(application: Flask) -> Alembic:
    """The application's migrations."""
    if known := application.extensions.get("alembic"):
        return cast("Alembic", known)
    context = {
        "on_version_apply": check_foreign_keys,
        "render_as_batch": True,
        # The tables of jobs are the engine's, and no model's.
        "include_name": lambda name, kind, parents: kind != "table" or not is_of_jobs(name),
    }
    application.config["ALEMBIC_CONTEXT"] = context | application.config.get("ALEMBIC_CONTEXT", {})
    return Alembic(application, metadatas=application.extensions["sqlalchemy"].metadata, run_mkdir=False)


def are_applied(alembic: Alembic) -> bool:
    """Whether the database has every migration.

    What another branch depends on is applied with it, and no row names it; ``needs_upgrade`` would miss it for ever.
    """
    named = [revision.revision for revision in alembic.current()]
    return alembic.script_directory.get_all_current(tuple(named)) == {*alembic.heads()}


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

    def prep_table_for_batch(self, batch_impl: ApplyBatchImpl, table: sqlalchemy.Table) -> None:
        """Keep an AUTOINCREMENT, which SQLAlchemy does not see, with the last number that it gave."""
        made = "SELECT 1 FROM sqlite_master WHERE name = ? AND sql LIKE '%AUTOINCREMENT%'"
        if batch_impl.new_table is not None and any(self.run(made, table.name)):
            batch_impl.new_table.dialect_options["sqlite"]["autoincrement"] = True
            kept = "INSERT INTO sqlite_sequence (name, seq) SELECT ?, seq FROM sqlite_sequence WHERE name = ?"
            self.run(kept, batch_impl.temp_table_name, table.name)


def check_foreign_keys(ctx: MigrationContext, **arguments: object) -> None:
    if isinstance(ctx.impl, SQLite):
        ctx.impl.check_foreign_keys()


# The tables of jobs


def is_of_jobs(table: str | None) -> bool:
    return (table or "").startswith("procrastinate_")


def jobs_schema() -> dict[str, str]:
    """The SQL files with which the engine of the jobs has made and changed its tables, in their order."""
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
