"""Who is logged in.

The cookie holds a random token, and the database its hash, so that logging out or changing the password ends a session
wherever a copy of the cookie may be.
"""

import functools
import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Concatenate

from flask import current_app, g, redirect, request, session, url_for
from werkzeug.wrappers import Response

from accounts.models import Session, User, now
from config.database import db


def hash_token(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def oldest() -> datetime:
    """When a session began that ends now."""
    return now() - current_app.permanent_session_lifetime


def log_in(user: User) -> None:
    """Start a new session, whatever there was before, and forget those that are too old."""
    log_out()
    db.session.execute(db.delete(Session).where(Session.created < oldest()))
    token = secrets.token_urlsafe()
    user.last_login = now()
    db.session.add(Session(token_hash=hash_token(token), user=user))
    db.session.commit()
    session.permanent = True
    session["token"] = token


def log_out() -> None:
    db.session.execute(db.delete(Session).filter_by(token_hash=hash_token(session.get("token", ""))))
    db.session.commit()
    session.clear()
    g.pop("user", None)


def current_user() -> User | None:
    """Who has sent this request, or None; asks the database once a request."""
    if "user" not in g:
        g.user = load_user(session["token"]) if "token" in session else None
    user: User | None = g.user
    return user


def load_user(token: str) -> User | None:
    query = db.select(User).join(User.sessions).where(User.is_active, Session.created >= oldest())
    user: User | None = db.session.scalar(query.where(Session.token_hash == hash_token(token)))
    return user


def login_required[**P, R](view: Callable[Concatenate[User, P], R]) -> Callable[P, R | Response]:
    """Hands a view its user, and sends a visitor who is not logged in to the log-in page, and back afterwards."""

    @functools.wraps(view)
    def wrapper(*arguments: P.args, **options: P.kwargs) -> R | Response:
        if (user := current_user()) is None:
            return redirect(url_for("accounts.login", next=request.full_path.rstrip("?")))
        return view(user, *arguments, **options)

    return wrapper
