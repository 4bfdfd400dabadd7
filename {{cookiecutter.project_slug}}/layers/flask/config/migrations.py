"""The application with its migrations, for ``flask db`` and the release; a process that serves needs none."""

from config.wsgi import application
from runtime import framework

alembic = framework.migrations(application)
