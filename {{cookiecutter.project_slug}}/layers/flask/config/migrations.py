"""The application with its migrations, for the ``flask`` command and the release; a process that serves needs none."""

from config.wsgi import application
from runtime import framework, services

services.explain_in_a_line(framework.lacks_database)
alembic = framework.migrations(application)
