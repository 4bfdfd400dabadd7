"""The project as it is, with one more page, which waits for the database."""

from config.database import db
from config.wsgi import application
from sqlalchemy import text


@application.get("/wait")
def wait() -> str:
    db.session.execute(text("SELECT pg_sleep(0.05)"))
    return "waited"
