"""What ``make doctor`` asks of Django; without a database, since it is asked on any machine."""

import io
import os
import re
import tempfile

import django
from django.apps import apps
from django.contrib.staticfiles import finders
from django.core.management import call_command, get_commands
from django.db.migrations.loader import MigrationLoader
from django.test import override_settings

from config import settings
from config.doctor import ROOT, CheckError, templates

settings.DATABASES.clear()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

STORAGE = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"


def static_files() -> None:
    """Every file that a template or a stylesheet names must exist, or the build and the page fail."""
    for template in templates():
        for name in re.findall(r"[{]% static [\"']([^\"']+)", template.read_text("utf-8")):
            if finders.find(name) is None:
                raise CheckError(f"{template.relative_to(ROOT)} names {name}, which is no static file.", "Correct it.")
    storages = settings.STORAGES | {"staticfiles": {"BACKEND": STORAGE}}
    with tempfile.TemporaryDirectory() as folder, override_settings(STATIC_ROOT=folder, STORAGES=storages):
        # The admin's own files are Django's to check.
        call_command("collectstatic", ignore_patterns=["admin"], interactive=False, verbosity=0)


def migrations() -> None:
    # Without a migrations folder, a new application's models are nothing that Django looks at.
    for label in sorted(MigrationLoader(None).unmigrated_apps):
        if [*apps.get_app_config(label).get_models()]:
            raise CheckError(f"{label} has models and no migrations.", f"python manage.py makemigrations {label}")
    try:
        call_command("makemigrations", check=True, dry_run=True, verbosity=0)
    except SystemExit as error:
        raise CheckError("A model has changed since the last migration.", "python manage.py makemigrations") from error


def deployment() -> None:
    call_command("check", deploy=True, fail_level="WARNING", stdout=io.StringIO())


def unknown_command(program: str, arguments: list[str]) -> str | None:
    """The argument of manage.py that names no command."""
    name = arguments[0]
    return None if name.startswith("-") or "$" in name or name in {"help", *get_commands()} else name
