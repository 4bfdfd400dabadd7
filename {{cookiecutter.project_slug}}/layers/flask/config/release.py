"""What a release does before its version serves: ``python -m config.release``."""

from config import settings
from runtime import release


def steps() -> None:
    """Bring the database to this version."""
    from config.migrations import alembic
    from config.wsgi import application

    with application.app_context():
        alembic.upgrade()


def main() -> None:
    release.run(steps, settings.DATABASE_URL)


if __name__ == "__main__":
    main()
