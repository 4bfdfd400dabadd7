"""``python manage.py clean_files``: what a night should end with."""

from collections.abc import Iterable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from files import orphans
from files.models import File
from runtime import storage
from runtime.services import UnavailableError


def clean(*, even_many: bool = False) -> orphans.Orphans:
    """Delete files without a row, and rows without a file."""

    def forget(names: Iterable[str]) -> None:
        File.objects.filter(file__in=names).delete()

    recorded = dict(File.objects.values_list("file", "created"))
    return orphans.clean(storage.current(), recorded, forget, even_many=even_many)


class Command(BaseCommand):
    help = clean.__doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--even-many", action="store_true", help="even if it is more than half of all")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.stdout.write(orphans.report(clean(even_many=options["even_many"])))
        except (UnavailableError, orphans.TooManyError) as error:
            raise CommandError(str(error)) from error
