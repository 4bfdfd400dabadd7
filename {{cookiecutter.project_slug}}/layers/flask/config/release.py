"""The platform's release step, before a new version serves: ``python -m config.release`` applies the migrations."""

from sqlalchemy.exc import DBAPIError

from config import env, services, settings
from config.migrations import alembic
from config.wsgi import application


def main() -> None:
    if settings.DATABASE_URL is None:
        print("release: no database attached, nothing to migrate.", services.NO_DATABASE[1])
        return
    try:
        with application.app_context():
            alembic.upgrade()
    except DBAPIError as error:
        reason = str(error.orig).strip().replace("\n", " ")
        env.refuse(f"release: the migrations failed: {reason}", "The running version stays. See: heroku pg:info")


if __name__ == "__main__":
    main()
