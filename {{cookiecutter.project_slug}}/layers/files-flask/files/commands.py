"""What a night should end with: ``flask files clean``."""

from collections.abc import Iterable
from datetime import UTC

import click
from flask.cli import AppGroup

from config.database import db
from files import orphans
from files.models import File
from runtime import storage
from runtime.services import UnavailableError

commands = AppGroup("files", help="Manage files.")


def clean(*, even_many: bool = False) -> orphans.Orphans:
    """Delete files without a row, and rows without a file."""

    def forget(names: Iterable[str]) -> None:
        db.session.execute(db.delete(File).where(File.name.in_([*names])))
        db.session.commit()

    rows = db.session.execute(db.select(File.name, File.created))
    # SQLite forgets the zone, which is always this one.
    recorded = {name: created.replace(tzinfo=created.tzinfo or UTC) for name, created in rows}
    return orphans.clean(storage.current(), recorded, forget, even_many=even_many)


@commands.command("clean")
@click.option("--even-many", is_flag=True, help="Even if it is more than half of all.")
def clean_command(even_many: bool) -> None:
    """Delete files without a row, and rows without a file."""
    try:
        click.echo(orphans.report(clean(even_many=even_many)))
    except (UnavailableError, orphans.TooManyError) as error:
        raise click.ClickException(str(error)) from error
