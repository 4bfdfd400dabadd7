"""The platform's release step, before a new version serves: ``python -m config.release`` applies the migrations."""

import os

import django
from django.core.management import call_command
from django.db import DatabaseError

from config import env, services, settings


def main() -> None:
    if settings.DATABASE_URL is None:
        print("release: no database attached, nothing to migrate.", services.NO_DATABASE[1])
        return
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    try:
        call_command("migrate", interactive=False, verbosity=1)
    except DatabaseError as error:
        reason = str(error).strip().replace("\n", " ")
        env.refuse(f"release: the migrations failed: {reason}", "The running version stays. See: heroku pg:info")


if __name__ == "__main__":
    main()
