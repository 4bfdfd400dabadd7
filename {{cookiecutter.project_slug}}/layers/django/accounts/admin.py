"""Users in the admin."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin

from accounts.models import User


@admin.register(User)
class Admin(UserAdmin):
    """Django's own, with an address for a name."""

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
