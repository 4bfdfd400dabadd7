"""What visitors fill in."""

from typing import Any

from flask import request
from wtforms import EmailField, Field, PasswordField
from wtforms.validators import EqualTo, InputRequired, Length, Regexp, StopValidation, ValidationError

from accounts import devices, passwords, texts, throttle
from accounts.models import User
from pages.forms import Form

# As HTML defines it for an e-mail input, with a dot in the domain.
ADDRESS = r"[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@([a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\.)+[a-zA-Z0-9-]{2,63}\Z"
REQUIRED = "This field is required."
NO_ADDRESS = "Enter a valid email address."


def address_field(autocomplete: str) -> EmailField:
    return EmailField(
        texts.EMAIL,
        [InputRequired(REQUIRED), Length(max=254, message=NO_ADDRESS), Regexp(ADDRESS, message=NO_ADDRESS)],
        filters=[lambda typed: typed and typed.strip()],
        render_kw={"autocomplete": autocomplete},
    )


def password_field(label: str, autocomplete: str, *validators: Any, description: str = "") -> PasswordField:
    return PasswordField(
        label,
        [InputRequired(REQUIRED), not_too_long, *validators],
        description=description,
        render_kw={"autocomplete": autocomplete, "maxlength": texts.PASSWORD_MAX_LENGTH},
    )


def not_too_long(form: Form, field: Field) -> None:
    """Stop before any rule or hash sees it."""
    if len(field.data) > texts.PASSWORD_MAX_LENGTH:
        raise StopValidation(texts.PASSWORD_TOO_LONG)


def known_device(address: str, user: User | None) -> str:
    """The name of the browser where it has logged in to this account before."""
    # Nothing is ever signed without a password. It is looked at all the same, which takes as long.
    return devices.recognize(request.cookies.get(devices.cookie_name(), ""), address, user.password if user else "")


def check_password(user: User, field: Field) -> None:
    if not throttle.attempt("log in", user.email, request.environ, known_device(user.email, user)):
        raise ValidationError(texts.TOO_MANY_ATTEMPTS)
    if not passwords.verify(user, field.data):
        raise ValidationError(texts.WRONG_PASSWORD)


class LogInForm(Form):
    """Finds the ``user`` of an address and a password, and what was stored of it when it was right."""

    username = address_field("username")
    password = password_field(texts.PASSWORD, "current-password")
    user: User
    stored_password: str

    def problem(self) -> str | None:
        address, password = self.username.data or "", self.password.data or ""
        user = User.find(address)
        device = known_device(address, user)
        if not throttle.attempt("log in", address, request.environ, device):
            return texts.TOO_MANY_ATTEMPTS
        if not passwords.verify(user, password) or user is None or not user.is_active:
            return texts.WRONG_LOGIN
        self.user, self.stored_password = user, user.password
        throttle.forget("log in", address, request.environ, device)
        return None


class AddressForm(Form):
    """Asks for the address that a mail goes to."""

    email = address_field("email")

    def problem(self) -> str | None:
        allowed = throttle.attempt("send mail", self.email.data or "", request.environ)
        return None if allowed else texts.TOO_MANY_ATTEMPTS


class UserForm(Form):
    """What a user of ours fills in."""

    def __init__(self, user: User) -> None:
        super().__init__()
        self.user = user


class DeleteForm(UserForm):
    """Asks for the password once more."""

    password = password_field(texts.PASSWORD, "current-password")

    def validate_password(self, field: Field) -> None:
        check_password(self.user, field)


class OldPasswordForm(UserForm):
    old_password = password_field(texts.OLD_PASSWORD, "current-password")

    def validate_old_password(self, field: Field) -> None:
        check_password(self.user, field)


class NewPasswordForm(UserForm):
    """Asks for a new password."""

    new_password1 = password_field(texts.NEW_PASSWORD, "new-password", description=texts.PASSWORD_HELP)
    new_password2 = password_field(
        texts.NEW_PASSWORD_AGAIN, "new-password", EqualTo("new_password1", texts.PASSWORDS_DIFFER)
    )

    def validate_new_password2(self, field: Field) -> None:
        if not field.errors and (problems := passwords.problems(field.data, self.user.email)):
            raise ValidationError(" ".join(problems))


class ChangePasswordForm(NewPasswordForm, OldPasswordForm):
    """Asks for the old password, and for a new one."""
