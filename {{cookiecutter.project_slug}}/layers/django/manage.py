"""Django's command line: ``python manage.py help`` lists the commands."""

import os
import sys

try:
    from django.core.management import execute_from_command_line
except ImportError as error:
    raise SystemExit(f"{error}: activate the project's environment first, by `. .venv/bin/activate`") from error

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import config  # noqa: F401  the .env, before what reads it
    from runtime import framework, services

    services.explain_in_a_line(framework.lacks_database)
    execute_from_command_line(sys.argv)
