"""Accounts as whoever runs the project sees them."""

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client

from accounts import letters, texts
from accounts.models import User
from config import settings
from tests.accounts import PASSWORD


def test_the_database_knows_one_account_an_address_whatever_its_case() -> None:
    User.objects.create_user("Jane@Example.com", PASSWORD)
    assert User.objects.get(email="JANE@example.COM").email == "jane@example.com"
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user("jane@EXAMPLE.com", PASSWORD)
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_user SET email = 'Jane@Example.com'")


def test_a_superuser_is_made_by_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", email="Root@Example.com", interactive=False, verbosity=0)
    user = User.objects.get(email="root@example.com")
    assert user.is_staff
    assert user.is_superuser
    assert user.check_password(PASSWORD)
    with pytest.raises(CommandError):
        call_command("createsuperuser", email="no address", interactive=False, verbosity=0)


@pytest.mark.parametrize("path", ["", "accounts/user/?q=root", "accounts/user/add/", "accounts/user/{pk}/change/"])
def test_the_admin_manages_users(path: str, client: Client) -> None:
    user = User.objects.create_superuser("root@example.com", PASSWORD)
    client.force_login(user)
    response = client.get(f"/admin/{path.format(pk=user.pk)}", secure=True)
    assert response.status_code == 200
    assert b"root@example.com" in response.content


def test_the_admin_makes_a_user(client: Client) -> None:
    client.force_login(User.objects.create_superuser("root@example.com", PASSWORD))
    fields = {"email": "New@Example.com", "usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
    assert client.post("/admin/accounts/user/add/", fields, secure=True).status_code == 302
    assert User.objects.get(email="new@example.com").check_password(PASSWORD)
    again = client.post("/admin/accounts/user/add/", fields, secure=True)
    assert b"already exists" in again.content


def test_the_admin_changes_a_user(client: Client) -> None:
    user = User.objects.create_superuser("root@example.com", PASSWORD)
    client.force_login(user)
    fields = {"email": "New@Example.com", "is_active": "on", "is_staff": "on"}
    assert client.post(f"/admin/accounts/user/{user.pk}/change/", fields, secure=True).status_code == 302
    user.refresh_from_db()
    assert (user.email, user.is_superuser) == ("new@example.com", False)
    assert user.check_password(PASSWORD)


def test_a_reset_link_works_as_long_as_its_mail_says() -> None:
    assert settings.PASSWORD_RESET_TIMEOUT == letters.LINK_SECONDS


def test_the_form_says_the_length_that_is_asked_for() -> None:
    with pytest.raises(ValidationError, match=f"at least {texts.PASSWORD_LENGTH} characters"):
        validate_password("a1!" * 3)
