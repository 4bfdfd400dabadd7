"""What a build does before its version is released: ``python -m config.build``."""

import os

import django
from django.core.management import call_command


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    call_command("collectstatic", interactive=False)


if __name__ == "__main__":
    main()
