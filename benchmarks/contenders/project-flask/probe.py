"""The project as it is, with one more page, which waits for the database."""

from sqlalchemy import text

from config.database import db
from config.wsgi import application


@application.get("/wait")
def wait() -> str:
    db.session.execute(text("SELECT pg_sleep(0.05)"))
    return "waited"
