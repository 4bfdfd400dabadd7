"""Accounts as whoever runs the project sees them."""

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import User
from tests.accounts import PASSWORD


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
    response = client.get(f"/admin/{path.format(pk=user.pk)}")
    assert response.status_code == 200
    assert b"root@example.com" in response.content


def test_the_admin_makes_a_user(client: Client) -> None:
    client.force_login(User.objects.create_superuser("root@example.com", PASSWORD))
    fields = {"email": "New@Example.com", "usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
    assert client.post("/admin/accounts/user/add/", fields).status_code == 302
    assert User.objects.get(email="new@example.com").check_password(PASSWORD)
    again = client.post("/admin/accounts/user/add/", fields)
    assert b"already exists" in again.content
