"""Users in the admin, whose own log-in and change of password are no way around what holds for the account pages."""

import functools
from typing import Any

from django.contrib import admin
from django.contrib.admin import AdminSite
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm, AdminUserCreationForm
from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse

from accounts import texts, views
from accounts.forms import LogInForm, password_field
from accounts.models import User

RIGHTS = ("is_staff", "is_superuser", "groups", "user_permissions")


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


admin.site.unregister(Group)
admin.site.login = log_in  # type: ignore[assignment, method-assign]
admin.site.login_form = AdminLogInForm
admin.site.password_change = change_password  # type: ignore[assignment, method-assign]


@admin.register(User)
class Admin(UserAdmin):
    """Django's own, with an address for a name.

    Only superusers give rights, and change or delete whoever may use the admin: by Django's own rules, staff who may
    change users could make themselves superusers, or take a superuser's account over.
    """

    add_form = NewUserForm
    change_password_form = NewPasswordForm
    add_fieldsets = ((None, {"fields": ("email", "usable_password", "password1", "password2")}),)
    fieldsets = (
        (None, {"fields": ("email", "password")}),
        ("Permissions", {"fields": ("is_active", *RIGHTS)}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    list_display = ("email", "date_joined", "last_login", "is_active", "is_staff")
    ordering = ("email",)
    readonly_fields = ("date_joined", "last_login")
    search_fields = ("email",)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        fields = tuple(super().get_readonly_fields(request, obj))
        return fields if is_superuser(request) else (*fields, *RIGHTS)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and is_within_reach(obj, request)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_delete_permission(request, obj) and is_within_reach(obj, request)


@admin.register(Group)
class Groups(GroupAdmin):
    """Django's own. Only superusers make and change groups, since whoever is in one has its rights."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return super().has_change_permission(request, obj) and is_superuser(request)


def is_superuser(request: HttpRequest) -> bool:
    return isinstance(request.user, User) and request.user.is_superuser


def is_within_reach(user: User | None, request: HttpRequest) -> bool:
    """Whether whoever sends a request may change a user, by the rule above; None stands for any."""
    return user is None or is_superuser(request) or not (user.is_staff or user.is_superuser)
