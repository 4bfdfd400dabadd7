"""The account pages, on Django's own views where there is one."""

import logging
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth import login, logout
from django.contrib.auth import views as auth
from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.auth.tokens import default_token_generator
from django.core import signing
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.db import IntegrityError, connection, transaction
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.views.decorators.cache import never_cache
from django.views.generic import FormView, TemplateView
from django.views.generic.base import ContextMixin, View

from accounts import forms, letters, texts
from accounts.models import User
from config import settings
from pages import errors

# What a form's own error means for the response that shows it again.
STATUSES = {"throttled": 429, "undelivered": 503}

logger = logging.getLogger(__name__)
sign_up_links = signing.TimestampSigner(salt="accounts.signup")


class Page(ContextMixin, View):
    """What all have in common: they need a database, and nobody keeps a copy of them."""

    # Whose password is asked for, which a password manager wants to know.
    address = ""

    @classmethod
    def as_view(cls, **options: Any) -> Callable[..., HttpResponseBase]:
        return never_cache(super().as_view(**options))

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        connection.ensure_connection()

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = super().http_method_not_allowed(request, *args, **kwargs)
        # Django leaves it empty.
        response.content = errors.page(405)
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        # Django's own view puts the host in its place.
        return super().get_context_data(**kwargs) | {"address": self.address, "site_name": settings.SITE_NAME}


class FormPage(Page, FormView):
    def form_invalid(self, form: Form) -> HttpResponse:
        response = super().form_invalid(form)
        codes = {error.code for errors in form.errors.as_data().values() for error in errors}
        response.status_code = next((STATUSES[code] for code in STATUSES if code in codes), 200)
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

    def form_valid(self, form: Form) -> HttpResponse:
        messages.success(self.request, texts.PASSWORD_CHANGED)
        return super().form_valid(form)


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
        letter = self.letter(address, User.objects.filter(email=address, is_active=True).first())
        try:
            send_mail(letter.subject, letter.text, None, [address])
        except OSError as error:
            logger.error(f"The mail server did not take a mail: {type(error).__name__}: {error}")
            form.add_error(None, ValidationError(texts.MAIL_NOT_SENT, code="undelivered"))
            return self.form_invalid(form)
        return super().form_valid(form)

    def letter(self, address: str, user: User | None) -> letters.Letter:
        raise NotImplementedError

    def link(self, name: str, *arguments: str) -> str:
        return self.request.build_absolute_uri(reverse(f"accounts:{name}", args=arguments))


class SignUp(MailForm):
    template_name = "accounts/signup.html"

    def letter(self, address: str, user: User | None) -> letters.Letter:
        if user:
            return letters.has_account(self.link("login"))
        return letters.finish_sign_up(self.link("finish_signup", sign_up_links.sign_object(address)))


class Reset(MailForm):
    template_name = "accounts/reset.html"

    def letter(self, address: str, user: User | None) -> letters.Letter:
        if not user:
            return letters.has_no_account(self.link("signup"))
        key = urlsafe_base64_encode(force_bytes(user.pk))
        return letters.reset_password(self.link("finish_reset", key, default_token_generator.make_token(user)))


class Sent(Page, TemplateView):
    template_name = "accounts/sent.html"


class LinkPage(FormPage):
    """Lets whoever has opened the link of a mail choose a password."""

    template_name = "accounts/password.html"

    def expired(self) -> HttpResponse:
        return render(self.request, "accounts/expired.html", status=410)


class FinishSignUp(LinkPage):
    form_class = forms.NewPasswordForm
    success_url = "/accounts/"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            self.address = sign_up_links.unsign_object(kwargs["token"], max_age=letters.LINK_SECONDS)
        except signing.BadSignature:
            return self.expired()
        if User.objects.filter(email=self.address).exists():
            return self.expired()
        return super().dispatch(request, *args, **kwargs)

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {"user": User(email=self.address)}

    def form_valid(self, form: forms.NewPasswordForm) -> HttpResponse:
        try:
            with transaction.atomic():
                login(self.request, form.save())
        except IntegrityError:  # somebody was faster with the same link
            return self.expired()
        messages.success(self.request, texts.SIGNED_UP)
        return super().form_valid(form)


class FinishReset(LinkPage, auth.PasswordResetConfirmView):
    form_class = forms.NewPasswordForm
    success_url = "/accounts/login/"

    def render_to_response(self, context: dict[str, Any], **response: Any) -> HttpResponse:
        if self.user is None or not self.validlink:
            return self.expired()
        return super().render_to_response(context | {"address": self.user.email}, **response)

    def form_valid(self, form: Form) -> HttpResponse:
        messages.success(self.request, texts.PASSWORD_RESET)
        return super().form_valid(form)
