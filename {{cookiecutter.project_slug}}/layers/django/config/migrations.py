"""The migrations, as the release step applies them."""

import os

import django
from django.core.management import call_command


def apply() -> None:
    """Bring the database to this version, and drop what nobody can use any more."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    call_command("migrate", interactive=False, verbosity=1)
    call_command("clearsessions")
