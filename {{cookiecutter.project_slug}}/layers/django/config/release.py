"""What a release does before its version serves: ``python -m config.release``."""

import os

import django
from django.core.management import call_command

from config import settings
from runtime import release


def steps() -> None:
    """Bring the database to this version."""
    call_command("migrate", interactive=False, verbosity=1)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    release.run(steps, settings.DATABASE_URL)


if __name__ == "__main__":
    main()
