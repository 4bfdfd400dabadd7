"""The application with its migrations, for ``flask db`` and the release step; a process that serves needs none."""

import logging

from config.database import Base
from config.wsgi import application

# It would log the name of each of its plugins as it is imported.
logging.getLogger("alembic.runtime.plugins").setLevel("WARNING")

from flask_alembic import Alembic  # noqa: E402

alembic = Alembic(application, metadatas=Base.metadata, run_mkdir=False)


def apply() -> None:
    """Bring the database to this version."""
    with application.app_context():
        alembic.upgrade()
