"""What the worker does for accounts."""

from datetime import timedelta

from django.contrib.sessions.models import Session
from django.utils import timezone

from accounts.tasks import forget_expired_sessions


def test_expired_sessions_are_forgotten() -> None:
    for days in -1, 1:
        Session.objects.create(session_key=str(days), expire_date=timezone.now() + timedelta(days=days))
    forget_expired_sessions(timestamp=0)
    assert [session.session_key for session in Session.objects.all()] == ["1"]
