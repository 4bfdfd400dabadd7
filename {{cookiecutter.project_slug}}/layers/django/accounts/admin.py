"""Users in the admin, whose own log-in and change of password are no way around what holds for the account pages."""

import functools
from typing import Any

from django.contrib import admin
from django.contrib.admin import AdminSite
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm, AdminUserCreationForm
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse

from accounts import texts, views
from accounts.forms import LogInForm, password_field
from accounts.models import User


class AdminLogInForm(LogInForm, AdminAuthenticationForm):
    error_messages = AdminAuthenticationForm.error_messages


class NewUserForm(AdminUserCreationForm):
    password1 = password_field(texts.PASSWORD, "new-password", texts.PASSWORD_HELP)
    password2 = password_field(texts.PASSWORD_AGAIN, "new-password")


class NewPasswordForm(AdminPasswordChangeForm):
    password1 = password_field(texts.NEW_PASSWORD, "new-password", texts.PASSWORD_HELP)
    password2 = password_field(texts.NEW_PASSWORD_AGAIN, "new-password")


@functools.wraps(AdminSite.login)
def log_in(request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
    response = AdminSite.login(admin.site, request, extra_context)
    if form := (getattr(response, "context_data", None) or {}).get("form"):
        response.status_code = views.status_of(form)
    elif request.method == "POST" and isinstance(request.user, User):
        views.remember_device(response, request.user)
    return response


@functools.wraps(AdminSite.password_change)
def change_password(request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
    return views.ChangePassword.as_view(
        extra_context=admin.site.each_context(request) | (extra_context or {}),
        success_url=reverse("admin:password_change_done"),
        template_name="registration/password_change_form.html",
    )(request)


admin.site.login = log_in  # type: ignore[assignment, method-assign]
admin.site.login_form = AdminLogInForm
admin.site.password_change = change_password  # type: ignore[assignment, method-assign]


@admin.register(User)
class Admin(UserAdmin):
    """Django's own, with an address for a name."""

    add_form = NewUserForm
    change_password_form = NewPasswordForm
    add_fieldsets = ((None, {"fields": ("email", "usable_password", "password1", "password2")}),)
    fieldsets = (
        (None, {"fields": ("email", "password")}),
        ("Permissions", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    list_display = ("email", "date_joined", "last_login", "is_active", "is_staff")
    ordering = ("email",)
    readonly_fields = ("date_joined", "last_login")
    search_fields = ("email",)
