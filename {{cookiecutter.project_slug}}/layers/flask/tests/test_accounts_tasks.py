"""What the worker does for accounts."""

from datetime import timedelta

from flask import Flask

from accounts.models import Session, User, now
from accounts.tasks import forget_expired_sessions
from config.database import db
from tests.accounts import Person


def test_expired_sessions_are_forgotten(application: Flask, person: Person) -> None:
    with application.app_context():
        user = User.find(person.address)
        assert user
        for days in -1, 1:
            created = now() - application.permanent_session_lifetime + timedelta(days=days)
            db.session.add(Session(token_hash=f"{user.id} {days}", user=user, created=created))
        db.session.commit()
        forget_expired_sessions(timestamp=0)
        assert [session.token_hash for session in user.sessions] == [f"{user.id} 1"]
