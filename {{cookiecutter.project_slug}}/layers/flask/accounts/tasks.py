"""What is done for accounts without anybody waiting for it, by the worker process. A model for tasks of your own."""

from accounts import sessions
from accounts.models import Session
from config.database import db
from runtime.jobs import jobs


@jobs.periodic(cron="17 4 * * *")
@jobs.task(retry=3)
def forget_expired_sessions(timestamp: int) -> None:
    """Drop what nobody can use any more; every night, at the time that ``timestamp`` is."""
    db.session.execute(db.delete(Session).where(Session.created < sessions.oldest()))
    db.session.commit()
