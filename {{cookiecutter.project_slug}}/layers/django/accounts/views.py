"""The account pages, on Django's own views where there is one."""

import logging
import secrets
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth import login, logout, update_session_auth_hash
from django.contrib.auth import views as auth
from django.contrib.auth.mixins import LoginRequiredMixin
from django.core import signing
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.db import IntegrityError, connection, transaction
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import FormView, TemplateView
from django.views.generic.base import ContextMixin, View

from accounts import devices, forms, letters, links, texts
from accounts.models import User
from config import settings
from runtime.framework import setting
from runtime.hosts import NoHostError

# What a form's own error means for the response that shows it again.
STATUSES = {"throttled": 429, "undelivered": 503}

logger = logging.getLogger(__name__)


def links_to(page: str) -> signing.TimestampSigner:
    """Signs what a mailed link says."""
    return signing.TimestampSigner(salt=f"accounts.{page}")


def status_of(form: Form) -> int:
    """Of the response that shows a form again."""
    codes = {error.code for errors in form.errors.as_data().values() for error in errors}
    return next((STATUSES[code] for code in STATUSES if code in codes), 200)


def remember_device(response: HttpResponseBase, user: User) -> None:
    """Have the browser known from now on, where somebody has just logged in."""
    response.set_cookie(devices.cookie_name(), devices.remember(user.email, user.password), **devices.options())


class Page(ContextMixin, View):
    """What all have in common: they need a database, and nobody keeps a copy of them."""

    # Whose password is asked for, which a password manager wants to know.
    address = ""

    @classmethod
    def as_view(cls, **options: Any) -> Callable[..., HttpResponseBase]:
        return never_cache(sensitive_post_parameters()(super().as_view(**options)))

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        connection.ensure_connection()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        # Django's own view puts the host in its place.
        return super().get_context_data(**kwargs) | {"address": self.address, "site_name": settings.SITE_NAME}


class FormPage(Page, FormView):
    def form_invalid(self, form: Form) -> HttpResponse:
        response = super().form_invalid(form)
        response.status_code = status_of(form)
        return response


class RequestFormPage(FormPage):
    """Shows a RequestForm."""

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {"request": self.request}


class UserPage(LoginRequiredMixin, Page):
    """A page for somebody who has logged in."""

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.address = request.user.get_username()


class Account(UserPage, TemplateView):
    template_name = "accounts/account.html"


class LogIn(FormPage, auth.LoginView):
    authentication_form = forms.LogInForm
    next_page = "/accounts/"
    template_name = "accounts/login.html"

    def form_valid(self, form: forms.LogInForm) -> HttpResponse:
        response = super().form_valid(form)
        remember_device(response, form.get_user())
        return response


class LogOut(Page, auth.LogoutView):
    next_page = "/accounts/login/"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = super().post(request, *args, **kwargs)
        messages.success(request, texts.LOGGED_OUT)
        return response


class ChangePassword(UserPage, RequestFormPage, auth.PasswordChangeView):
    form_class = forms.ChangePasswordForm
    success_url = "/accounts/"
    template_name = "accounts/change.html"

    def form_valid(self, form: forms.ChangePasswordForm) -> HttpResponse:
        user = form.user
        if not user.replace_password(form.cleaned_data["new_password1"]):  # somebody was faster with the same old one
            form.add_error("old_password", texts.WRONG_PASSWORD)
            return self.form_invalid(form)
        update_session_auth_hash(self.request, user)
        messages.success(self.request, texts.PASSWORD_CHANGED)
        response = redirect(self.get_success_url())
        remember_device(response, user)
        return response


class Delete(UserPage, RequestFormPage):
    form_class = forms.DeleteForm
    success_url = "/"
    template_name = "accounts/delete.html"

    def form_valid(self, form: Form) -> HttpResponse:
        user = self.request.user
        logout(self.request)
        user.delete()
        messages.success(self.request, texts.DELETED)
        return super().form_valid(form)


class MailForm(RequestFormPage):
    """Asks for an address, and sends it a mail whether or not it has an account."""

    form_class = forms.AddressForm
    success_url = "/accounts/sent/"

    def form_valid(self, form: Form) -> HttpResponse:
        address = form.cleaned_data["email"].lower()
        user = User.objects.filter(email=address, is_active=True).first()
        try:
            letter = self.letter(address, user)
            send_mail(letter.subject, letter.text, None, [address])
        except (NoHostError, OSError) as error:
            logger.error(letters.failure(error))
            form.add_error(None, ValidationError(texts.MAIL_NOT_SENT, code="undelivered"))
            return self.form_invalid(form)
        return super().form_valid(form)

    def letter(self, address: str, user: User | None) -> letters.Letter:
        raise NotImplementedError

    def link(self, name: str, **query: str) -> str:
        site = letters.site_url(self.request.scheme or "https", self.request.get_host())
        return f"{site}{reverse(f'accounts:{name}', query=query)}"


class SignUpPage(Page):
    """One of the two pages that SIGN_UP closes."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not setting("SIGN_UP"):
            return render(request, "accounts/closed.html", status=403)
        return super().dispatch(request, *args, **kwargs)


class SignUp(SignUpPage, MailForm):
    template_name = "accounts/signup.html"

    def letter(self, address: str, user: User | None) -> letters.Letter:
        if user:
            return letters.has_account(self.link("login"))
        # Without the second, those of the same second would be one, and used together.
        token = links_to("signup").sign_object([address, secrets.token_urlsafe(8)])
        return letters.finish_sign_up(self.link("finish_signup", token=token))


class Reset(MailForm):
    template_name = "accounts/reset.html"

    def letter(self, address: str, user: User | None) -> letters.Letter:
        if not user:
            return letters.has_no_account(self.link("signup"))
        token = links_to("reset").sign_object([user.pk, user.fingerprint])
        return letters.reset_password(self.link("finish_reset", token=token))


class Sent(Page, TemplateView):
    template_name = "accounts/sent.html"


class LinkPage(FormPage):
    """Lets whoever has opened the link of a mail choose a password.

    At once its token moves from the address to the session: addresses are logged, kept, and sent to other pages.
    """

    form_class = forms.NewPasswordForm
    template_name = "accounts/password.html"
    token: str
    user: User

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.token = request.GET.get("token") or request.session.get("link", "")
        try:
            user = self.find()
        except signing.BadSignature:
            user = None
        if user is None:
            return self.expired()
        if "token" in request.GET:
            request.session["link"] = self.token
            return redirect(request.path)
        self.user, self.address = user, user.email
        return super().dispatch(request, *args, **kwargs)

    def find(self) -> User | None:
        """Whom the link was made for, if it still works."""
        raise NotImplementedError

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {"user": self.user}

    def expired(self) -> HttpResponse:
        return render(self.request, "accounts/expired.html", status=410)


class FinishSignUp(SignUpPage, LinkPage):
    success_url = "/accounts/"

    def find(self) -> User | None:
        address, _ = links_to("signup").unsign_object(self.token, max_age=letters.LINK_SECONDS)
        user = User(email=address)
        return None if links.is_used(self.token) or User.objects.filter(email=user.email).exists() else user

    def form_valid(self, form: forms.NewPasswordForm) -> HttpResponse:
        try:
            with transaction.atomic():
                login(self.request, form.save())
        except IntegrityError:  # somebody was faster with the same link
            return self.expired()
        links.use(self.token)
        self.request.session.pop("link", None)
        messages.success(self.request, texts.SIGNED_UP)
        response = super().form_valid(form)
        remember_device(response, self.user)
        return response


class FinishReset(LinkPage):
    success_url = "/accounts/login/"

    def find(self) -> User | None:
        key, fingerprint = links_to("reset").unsign_object(self.token, max_age=letters.LINK_SECONDS)
        user = User.objects.filter(pk=key).first()
        return user if user and user.fingerprint == fingerprint else None

    def form_valid(self, form: forms.NewPasswordForm) -> HttpResponse:
        if not self.user.replace_password(form.cleaned_data["new_password1"]):  # somebody was faster with the same link
            return self.expired()
        self.request.session.pop("link", None)
        messages.success(self.request, texts.PASSWORD_RESET)
        return super().form_valid(form)
