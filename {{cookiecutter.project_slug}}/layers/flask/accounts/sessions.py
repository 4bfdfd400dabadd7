"""Who is logged in.

The cookie holds a random token, and the database its hash, so that logging out or changing the password ends a session
wherever a copy of the cookie may be. A token also tells which password it was given for: one that is given while the
password changes ends with it too, whatever comes first.
"""

import functools
import hashlib
import hmac
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


def fingerprint(stored_password: str) -> str:
    """Stands for a password in a token; what is stored of it is as random as a key."""
    return hashlib.sha256(f"accounts.session {stored_password}".encode()).hexdigest()[:32]


def oldest() -> datetime:
    """When a session began that ends now."""
    return now() - current_app.permanent_session_lifetime


def log_in(user: User, stored_password: str) -> None:
    """Start a new session, whatever there was before, and forget those that are too old.

    ``stored_password`` is the one that was checked or set. The user may have another by now, as any commit would show.
    """
    log_out()
    db.session.execute(db.delete(Session).where(Session.created < oldest()))
    token = f"{secrets.token_urlsafe()}.{fingerprint(stored_password)}"
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
    if user and not hmac.compare_digest(token.rpartition(".")[2].encode(), fingerprint(user.password).encode()):
        return None
    return user


def login_required[**P, R](view: Callable[Concatenate[User, P], R]) -> Callable[P, R | Response]:
    """Hands a view its user, and sends a visitor who is not logged in to the log-in page, and back afterwards."""

    @functools.wraps(view)
    def wrapper(*arguments: P.args, **options: P.kwargs) -> R | Response:
        if (user := current_user()) is None:
            return redirect(url_for("accounts.login", next=request.full_path.rstrip("?")))
        return view(user, *arguments, **options)

    return wrapper
