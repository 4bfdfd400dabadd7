"""The account pages."""

import logging
import re
import secrets
from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from itsdangerous import BadData, URLSafeTimedSerializer
from sqlalchemy.exc import IntegrityError
from werkzeug.wrappers import Response

from accounts import devices, letters, links, passwords, sessions, texts
from accounts.forms import AddressForm, ChangePasswordForm, DeleteForm, LogInForm, NewPasswordForm
from accounts.letters import Letter
from accounts.models import Session, User
from accounts.sessions import login_required
from config.database import db
from pages.forms import Form
from runtime.framework import setting
from runtime.hosts import NoHostError
from runtime.mail import send_mail

# What an error means for the response that shows the form again; any other is the visitor's typing.
STATUSES = {texts.TOO_MANY_ATTEMPTS: 429, texts.MAIL_NOT_SENT: 503}
# An address of this site: another site's begins with a scheme, with two slashes, or with what browsers take for them.
OWN_ADDRESS = re.compile(r"/(?![/\\])[!-\[\]-~]*")

accounts = Blueprint("accounts", __name__, url_prefix="/accounts", template_folder="templates")
logger = logging.getLogger(__name__)


def links_to(page: str) -> URLSafeTimedSerializer:
    """Signs what a mailed link says, by the newest key, which is the last."""
    return URLSafeTimedSerializer([*setting("SECRET_KEY_FALLBACKS"), setting("SECRET_KEY")], salt=f"accounts.{page}")


type Page = str | tuple[str, int] | Response


@accounts.app_context_processor
def sign_up() -> dict[str, bool]:
    """For every template: whether visitors may make accounts."""
    return {"sign_up": setting("SIGN_UP")}


@accounts.before_request
def need_a_database() -> None:
    db.session.connection()


@accounts.before_request
def close_sign_up() -> Page | None:
    if request.endpoint in {"accounts.signup", "accounts.finish_signup"} and not setting("SIGN_UP"):
        return render_template("accounts/closed.html"), 403
    return None


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
    wanted = request.args.get("next", "")
    return log_in(
        form.user, form.stored_password, wanted if OWN_ADDRESS.fullmatch(wanted) else url_for("accounts.account")
    )


def log_in(user: User, stored_password: str, address: str) -> Response:
    """Start a session, and lead on to an address; the browser is known from then on."""
    cookie = devices.remember(user.email, stored_password)
    sessions.log_in(user, stored_password)
    response = redirect(address)
    response.set_cookie(devices.cookie_name(), cookie, **devices.options())
    return response


@accounts.post("/logout/")
def logout() -> Page:
    sessions.log_out()
    flash(texts.LOGGED_OUT)
    return redirect(url_for("accounts.login"))


@accounts.route("/password/", methods=["GET", "POST"])
@login_required
def password(user: User) -> Page:
    form, address = ChangePasswordForm(user), user.email
    if not form.validate_on_submit():
        return show("change", form, address=address)
    if not (stored_password := replace_password(user, form)):  # somebody was faster with the same old one
        form.old_password.errors = [texts.WRONG_PASSWORD]
        return show("change", form, address=address)
    response = log_in(user, stored_password, url_for("accounts.account"))
    flash(texts.PASSWORD_CHANGED)
    return response


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
            return letters.has_account(link("login"))
        # Without the second, those of the same second would be one, and used together.
        token = links_to("signup").dumps([address, secrets.token_urlsafe(8)])
        return letters.finish_sign_up(link("finish_signup", token=token))

    return send_letter("signup", letter)


@accounts.route("/reset/", methods=["GET", "POST"])
def reset() -> Page:
    def letter(address: str, user: User | None) -> Letter:
        if not user:
            return letters.has_no_account(link("signup"))
        token = links_to("reset").dumps([user.id, user.fingerprint])
        return letters.reset_password(link("finish_reset", token=token))

    return send_letter("reset", letter)


def link(name: str, **query: Any) -> str:
    """The address of a page, for a mail."""
    return f"{letters.site_url(request.scheme, request.host)}{url_for(f'accounts.{name}', **query)}"


def send_letter(name: str, letter: Callable[[str, User | None], Letter]) -> Page:
    """Ask for an address, and send it a mail whether or not it has an account."""
    form = AddressForm()
    if not form.validate_on_submit():
        return show(name, form)
    address = (form.email.data or "").lower()
    user = User.find(address)
    try:
        send_mail(address, *letter(address, user if user and user.is_active else None))
    except (NoHostError, OSError) as error:
        logger.error(letters.failure(error))
        form.form_errors.append(texts.MAIL_NOT_SENT)
        return show(name, form)
    return redirect(url_for("accounts.sent"))


@accounts.get("/sent/")
def sent() -> Page:
    return render_template("accounts/sent.html")


@accounts.route("/signup/finish/", methods=["GET", "POST"])
def finish_signup() -> Page:
    """Makes the account that a link was mailed for, unless it has made one before."""

    def find(token: str) -> User | None:
        address, _ = links_to("signup").loads(token, max_age=letters.LINK_SECONDS)
        user = User(email=address)
        return None if links.is_used(token) or User.find(user.email) else user

    def save(user: User, form: NewPasswordForm, token: str) -> Page:
        stored_password = user.password = passwords.hasher.hash(form.new_password1.data or "")
        db.session.add(user)
        try:
            db.session.commit()
        except IntegrityError:  # somebody was faster with the same link
            db.session.rollback()
            return expired()
        links.use(token)
        response = log_in(user, stored_password, url_for("accounts.account"))
        flash(texts.SIGNED_UP)
        return response

    return finish(find, save)


@accounts.route("/reset/finish/", methods=["GET", "POST"])
def finish_reset() -> Page:
    def find(token: str) -> User | None:
        user_id, fingerprint = links_to("reset").loads(token, max_age=letters.LINK_SECONDS)
        user = db.session.get(User, user_id)
        return user if user and user.fingerprint == fingerprint else None

    def save(user: User, form: NewPasswordForm, token: str) -> Page:
        if not replace_password(user, form):  # somebody was faster with the same link
            return expired()
        session.pop("link")
        flash(texts.PASSWORD_RESET)
        return redirect(url_for("accounts.login"))

    return finish(find, save)


def finish(find: Callable[[str], User | None], save: Callable[[User, NewPasswordForm, str], Page]) -> Page:
    """Let whoever has opened the link of a mail choose a password.

    At once its token moves from the address to the session: addresses are logged, kept, and sent to other pages.
    """
    token = request.args.get("token") or session.get("link", "")
    try:
        user = find(token)
    except BadData:
        user = None
    if user is None:
        return expired()
    if "token" in request.args:
        session["link"] = token
        return redirect(request.path)
    form = NewPasswordForm(user)
    if not form.validate_on_submit():
        return show("password", form, address=user.email)
    return save(user, form, token)


def replace_password(user: User, form: NewPasswordForm) -> str | None:
    """Store a new password in place of the one that was read, and log the user out everywhere.

    Return what is stored, or None where the account has changed meanwhile: of several attempts at once one succeeds.
    """
    new = passwords.hasher.hash(form.new_password1.data or "")
    unchanged = User.id == user.id, User.email == user.email, User.password == user.password, User.is_active
    if db.session.scalar(db.update(User).where(*unchanged).values(password=new).returning(User.id)) is None:
        db.session.rollback()
        return None
    db.session.execute(db.delete(Session).where(Session.user_id == user.id))
    db.session.commit()
    return new


def expired() -> Page:
    return render_template("accounts/expired.html"), 410
