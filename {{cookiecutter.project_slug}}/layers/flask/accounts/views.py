"""The account pages."""

import logging
import re
from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from itsdangerous import BadData, URLSafeTimedSerializer
from sqlalchemy.exc import IntegrityError
from werkzeug.wrappers import Response

from accounts import letters, passwords, sessions, texts
from accounts.forms import AddressForm, ChangePasswordForm, DeleteForm, LogInForm, NewPasswordForm
from accounts.letters import Letter
from accounts.models import User
from accounts.sessions import login_required
from config import mail, settings
from config.database import db
from config.forms import Form

# What an error means for the response that shows the form again; any other is the visitor's typing.
STATUSES = {texts.TOO_MANY_ATTEMPTS: 429, texts.MAIL_NOT_SENT: 503}
# An address of this site: another site's begins with a scheme, with two slashes, or with what browsers take for them.
OWN_ADDRESS = re.compile(r"/(?![/\\])[!-\[\]-~]*")

accounts = Blueprint("accounts", __name__, url_prefix="/accounts", template_folder="templates")
logger = logging.getLogger(__name__)
sign_up_links = URLSafeTimedSerializer(settings.SECRET_KEY, salt="accounts.signup")
reset_links = URLSafeTimedSerializer(settings.SECRET_KEY, salt="accounts.reset")

type Page = str | tuple[str, int] | Response


@accounts.before_request
def need_a_database() -> None:
    db.session.connection()


@accounts.after_request
def keep_no_copy(response: Response) -> Response:
    response.headers["Cache-Control"] = "max-age=0, no-cache, no-store, must-revalidate, private"
    return response


def show(name: str, form: Form, **context: Any) -> Page:
    """A page with a form, for the first time or again with its errors."""
    errors = [error for errors in form.errors.values() for error in errors]
    status = next((STATUSES[error] for error in errors if error in STATUSES), 200)
    return render_template(f"accounts/{name}.html", form=form, **context), status


@accounts.get("/")
@login_required
def account(user: User) -> Page:
    return render_template("accounts/account.html", address=user.email)


@accounts.route("/login/", methods=["GET", "POST"])
def login() -> Page:
    form = LogInForm()
    if not form.validate_on_submit():
        return show("login", form)
    sessions.log_in(form.user)
    wanted = request.args.get("next", "")
    return redirect(wanted if OWN_ADDRESS.fullmatch(wanted) else url_for("accounts.account"))


@accounts.post("/logout/")
def logout() -> Page:
    sessions.log_out()
    flash(texts.LOGGED_OUT)
    return redirect(url_for("accounts.login"))


@accounts.route("/password/", methods=["GET", "POST"])
@login_required
def password(user: User) -> Page:
    form = ChangePasswordForm(user)
    if not form.validate_on_submit():
        return show("change", form, address=user.email)
    save_password(user, form)
    sessions.log_in(user)
    flash(texts.PASSWORD_CHANGED)
    return redirect(url_for("accounts.account"))


@accounts.route("/delete/", methods=["GET", "POST"])
@login_required
def delete(user: User) -> Page:
    form = DeleteForm(user)
    if not form.validate_on_submit():
        return show("delete", form, address=user.email)
    sessions.log_out()
    db.session.delete(user)
    db.session.commit()
    flash(texts.DELETED)
    return redirect("/")


@accounts.route("/signup/", methods=["GET", "POST"])
def signup() -> Page:
    def letter(address: str, user: User | None) -> Letter:
        if user:
            return letters.has_account(url_for("accounts.login", _external=True))
        token = sign_up_links.dumps(address)
        return letters.finish_sign_up(url_for("accounts.finish_signup", token=token, _external=True))

    return send_letter("signup", letter)


@accounts.route("/reset/", methods=["GET", "POST"])
def reset() -> Page:
    def letter(address: str, user: User | None) -> Letter:
        if not user:
            return letters.has_no_account(url_for("accounts.signup", _external=True))
        token = reset_links.dumps(user.fingerprint)
        return letters.reset_password(url_for("accounts.finish_reset", user_id=user.id, token=token, _external=True))

    return send_letter("reset", letter)


def send_letter(name: str, letter: Callable[[str, User | None], Letter]) -> Page:
    """Ask for an address, and send it a mail whether or not it has an account."""
    form = AddressForm()
    if not form.validate_on_submit():
        return show(name, form)
    address = (form.email.data or "").lower()
    user = User.find(address)
    try:
        mail.send(address, *letter(address, user if user and user.is_active else None))
    except OSError as error:
        logger.error(f"The mail server did not take a mail: {type(error).__name__}: {error}")
        form.form_errors.append(texts.MAIL_NOT_SENT)
        return show(name, form)
    return redirect(url_for("accounts.sent"))


@accounts.get("/sent/")
def sent() -> Page:
    return render_template("accounts/sent.html")


@accounts.route("/signup/<token>/", methods=["GET", "POST"])
def finish_signup(token: str) -> Page:
    """Makes the account that a link was mailed for, unless there is one by now."""
    try:
        user = User(email=sign_up_links.loads(token, max_age=letters.LINK_SECONDS))
    except BadData:
        return expired()
    if User.find(user.email):
        return expired()
    form = NewPasswordForm(user)
    if not form.validate_on_submit():
        return show("password", form, address=user.email)
    db.session.add(user)
    try:
        save_password(user, form)
    except IntegrityError:  # somebody was faster with the same link
        db.session.rollback()
        return expired()
    sessions.log_in(user)
    flash(texts.SIGNED_UP)
    return redirect(url_for("accounts.account"))


@accounts.route("/reset/<int:user_id>/<token>/", methods=["GET", "POST"])
def finish_reset(user_id: int, token: str) -> Page:
    user = db.session.get(User, user_id)
    try:
        fingerprint = reset_links.loads(token, max_age=letters.LINK_SECONDS)
    except BadData:
        return expired()
    if user is None or fingerprint != user.fingerprint:
        return expired()
    form = NewPasswordForm(user)
    if not form.validate_on_submit():
        return show("password", form, address=user.email)
    save_password(user, form)
    flash(texts.PASSWORD_RESET)
    return redirect(url_for("accounts.login"))


def save_password(user: User, form: NewPasswordForm) -> None:
    """Change the password, and log the user out everywhere."""
    user.password = passwords.hasher.hash(form.new_password1.data or "")
    user.sessions.clear()
    db.session.commit()


def expired() -> Page:
    return render_template("accounts/expired.html"), 410
