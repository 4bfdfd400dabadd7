"""The application with its migrations, for the ``flask`` command and the release; a process that serves needs none."""

from config.wsgi import application
from runtime import database, migrations, services

services.explain_in_a_line(database.lacks_database)
alembic = migrations.of(application)
