"""What visitors fill in: the forms of Django's own accounts, with an address for a name, and with throttling."""

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm, SetPasswordForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from accounts import devices, texts, throttle
from accounts.models import User


def password_field(label: str, autocomplete: str, help_text: str = "") -> forms.CharField:
    return forms.CharField(
        label=label,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": autocomplete}),
        help_text=help_text,
        # A field is looked at before its form: no rule and no hash sees what is longer.
        max_length=texts.PASSWORD_MAX_LENGTH,
        error_messages={"max_length": texts.PASSWORD_TOO_LONG},
    )


def address_field(autocomplete: str) -> forms.EmailField:
    widget = forms.EmailInput(attrs={"autocomplete": autocomplete})
    return forms.EmailField(label=texts.EMAIL, max_length=254, widget=widget)


def limit(action: str, address: str, request: HttpRequest, device: str = "") -> None:
    if not throttle.attempt(action, address, request.META, device):
        raise ValidationError(texts.TOO_MANY_ATTEMPTS, code="throttled")


def known_device(request: HttpRequest, address: str) -> str:
    """The name of the browser where it has logged in to the account of an address before."""
    if not (cookie := request.COOKIES.get(devices.cookie_name())):
        return ""
    user = User.objects.filter(email=address).first()
    # Nothing is ever signed without a password. It is looked at all the same, which takes as long.
    return devices.recognize(cookie, address, user.password if user else "")


class LogInForm(AuthenticationForm):
    request: HttpRequest
    username = address_field("username")
    password = password_field(texts.PASSWORD, "current-password")
    error_messages = {"inactive": texts.WRONG_LOGIN, "invalid_login": texts.WRONG_LOGIN}

    def clean(self) -> dict[str, Any]:
        if not self.errors:
            address = self.cleaned_data["username"]
            device = known_device(self.request, address)
            limit("log in", address, self.request, device)
            super().clean()
            throttle.forget("log in", address, self.request.META, device)
        return self.cleaned_data


class RequestForm(forms.Form):
    """A form that counts its attempts, for which it knows its request."""

    def __init__(self, request: HttpRequest, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.request = request


class AddressForm(RequestForm):
    """Asks for the address that a mail goes to."""

    email = address_field("email")

    def clean(self) -> dict[str, Any]:
        if not self.errors:
            limit("send mail", self.cleaned_data["email"], self.request)
        return self.cleaned_data


class NewPasswordForm(SetPasswordForm):
    new_password1 = password_field(texts.NEW_PASSWORD, "new-password", texts.PASSWORD_HELP)
    new_password2 = password_field(texts.NEW_PASSWORD_AGAIN, "new-password")
    error_messages = {"password_mismatch": texts.PASSWORDS_DIFFER}


class ChangePasswordForm(RequestForm, NewPasswordForm, PasswordChangeForm):
    old_password = password_field(texts.OLD_PASSWORD, "current-password")
    error_messages = {"password_incorrect": texts.WRONG_PASSWORD, "password_mismatch": texts.PASSWORDS_DIFFER}

    def clean_old_password(self) -> str:
        limit("log in", self.user.email, self.request, known_device(self.request, self.user.email))
        return super().clean_old_password()


class DeleteForm(RequestForm):
    """Asks for the password once more."""

    password = password_field(texts.PASSWORD, "current-password")

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        user = self.request.user
        address = user.get_username()
        limit("log in", address, self.request, known_device(self.request, address))
        if not user.check_password(password):
            raise ValidationError(texts.WRONG_PASSWORD, code="password_incorrect")
        return password
