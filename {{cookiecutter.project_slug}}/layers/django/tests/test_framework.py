"""What only Django has."""

import subprocess
import sys

from django.core.management import call_command


def test_models_and_migrations_agree() -> None:
    call_command("makemigrations", check=True, dry_run=True)


def test_deployment_checks_are_clean() -> None:
    # In a process of its own: this one has the test runner's settings.
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    subprocess.run(command, check=True)
