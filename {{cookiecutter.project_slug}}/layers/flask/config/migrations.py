"""The application with its migrations, for ``flask db`` and the release step; a process that serves needs none."""

import logging

from flask_alembic import Alembic

from config.database import Base
from config.wsgi import application

# Nobody asked for a plugin's name.
logging.getLogger("alembic.runtime.plugins").setLevel("WARNING")

alembic = Alembic(application, metadatas=Base.metadata, run_mkdir=False)


def apply() -> None:
    """Bring the database to this version."""
    with application.app_context():
        alembic.upgrade()
