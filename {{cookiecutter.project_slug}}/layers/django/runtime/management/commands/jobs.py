"""``python manage.py jobs``: what waits, runs and has failed."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from runtime import backlog, framework


class Command(BaseCommand):
    help = "Shows the jobs, after one of them is tried again or deleted."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--retry", type=int, metavar="JOB", help="let a worker begin it again, or now")
        parser.add_argument("--delete", type=int, metavar="JOB")

    def handle(self, *arguments: Any, **options: Any) -> None:
        for line in backlog.command(framework.setting("DATABASE_URL"), options["retry"], options["delete"]):
            self.stdout.write(line)
