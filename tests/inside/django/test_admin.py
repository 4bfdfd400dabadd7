"""What must hold of the admin, which is no way around what holds for the account pages."""

from typing import Any, NoReturn

import pytest
from django.contrib.auth.models import Group, Permission
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from werkzeug.test import TestResponse

from accounts import passwords, texts
from accounts.models import User
from runtime.counts import memory
from tests.accounts import PASSWORD
from tests.visitor import Visitor

LONG = "1" * (texts.PASSWORD_MAX_LENGTH + 1)


def test_the_database_knows_one_account_an_address_whatever_its_case() -> None:
    User.objects.create_user("Jane@Example.com", PASSWORD)
    assert User.objects.get(email="JANE@example.COM").email == "jane@example.com"
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user("jane@EXAMPLE.com", PASSWORD)
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_user SET email = 'Jane@Example.com'")


def test_the_admin_changes_a_user(client: Client) -> None:
    user = User.objects.create_superuser("root@example.com", PASSWORD)
    client.force_login(user)
    fields = {"email": "New@Example.com", "is_active": "on", "is_staff": "on"}
    assert client.post(f"/admin/accounts/user/{user.pk}/change/", fields, secure=True).status_code == 302
    user.refresh_from_db()
    assert (user.email, user.is_superuser) == ("new@example.com", False)
    assert user.check_password(PASSWORD)


@pytest.fixture
def superuser() -> User:
    return User.objects.create_superuser("root@example.com", PASSWORD)


def log_in(web: Visitor, password: str) -> TestResponse:
    return web.submit("/admin/login/", query={"next": "/admin/"}, username="root@example.com", password=password)


def test_the_admins_log_in_is_slowed_down_as_any(web: Visitor, superuser: User) -> None:
    statuses = [log_in(web, "a guess").status_code for _ in range(9)]
    # The same count, whichever of the two forms is guessed at.
    statuses.append(web.submit("/accounts/login/", username=superuser.email, password="a guess").status_code)
    refused = log_in(web, PASSWORD)
    assert [*statuses, refused.status_code] == [200] * 10 + [429]
    assert texts.TOO_MANY_ATTEMPTS in refused.text
    memory.reset()
    assert log_in(web, PASSWORD).location == "/admin/"
    assert superuser.email in web.get("/admin/").text
    assert web.get_cookie("__Host-device", "localhost")


def test_the_admins_log_in_is_for_staff_only(web: Visitor, superuser: User) -> None:
    User.objects.update(is_staff=False)
    assert "for a staff account" in log_in(web, PASSWORD).text


def test_the_admins_change_of_password_is_slowed_down_too(web: Visitor, superuser: User) -> None:
    log_in(web, PASSWORD)
    new = "another fine horse"
    path = "/admin/password_change/"
    for _ in range(10):
        web.submit(path, old_password="a guess", new_password1=new, new_password2=new)
    right: dict[str, Any] = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    assert web.submit(path, **right).status_code == 429
    memory.reset()
    assert web.submit(path, **right).location == "/admin/password_change/done/"
    assert web.get("/admin/password_change/done/").status_code == 200


@pytest.fixture
def helper(client: Client) -> User:
    """Somebody of the staff who is logged in, and may do with users all that Django has a permission for."""
    user = User.objects.create_user("helper@example.com", PASSWORD, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__model="user"))
    client.force_login(user)
    return user


RIGHTS: dict[str, Any] = {"is_active": "on", "is_staff": "on", "is_superuser": "on"}


def test_staff_give_nobody_rights(client: Client, helper: User) -> None:
    user = User.objects.create_user("user@example.com", PASSWORD)
    permission = Permission.objects.exclude(content_type__model="user")[0]
    group = Group.objects.create(name="everything")
    path = f"/admin/accounts/user/{user.pk}/change/"
    fields = {"email": "changed@example.com", "groups": [group.pk], "user_permissions": [permission.pk]} | RIGHTS
    assert client.post(path, fields, secure=True).status_code == 302
    user.refresh_from_db()
    assert (user.email, user.is_staff, user.is_superuser) == ("changed@example.com", False, False)
    assert not user.groups.exists()
    assert not user.user_permissions.exists()
    new = {"email": "new@example.com", "usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
    assert client.post("/admin/accounts/user/add/", new | RIGHTS, secure=True).status_code == 302
    assert not User.objects.filter(email="new@example.com", is_staff=True).exists()


def test_staff_give_no_group_rights(client: Client, helper: User, superuser: User) -> None:
    group = Group.objects.create(name="helpers")
    helper.groups.add(group)
    helper.user_permissions.add(*Permission.objects.filter(content_type__model="group"))
    fields = {"name": "owners", "permissions": [Permission.objects.get(codename="change_user").pk]}
    changed = f"/admin/auth/group/{group.pk}/change/"
    for path in changed, "/admin/auth/group/add/":
        assert client.post(path, fields, secure=True).status_code == 403
    assert client.get("/admin/auth/group/", secure=True).status_code == 200
    assert not Permission.objects.filter(group__isnull=False).exists()
    client.force_login(superuser)
    assert client.post(changed, fields, secure=True).status_code == 302
    assert group.permissions.count() == 1


def test_staff_take_nobodys_place_who_may_use_the_admin(client: Client, helper: User, superuser: User) -> None:
    colleague = User.objects.create_user("colleague@example.com", PASSWORD, is_staff=True)
    for other in helper, colleague, superuser:
        path = f"/admin/accounts/user/{other.pk}"
        fields = {"email": "changed@example.com"} | RIGHTS
        assert client.post(f"{path}/change/", fields, secure=True).status_code == 403
        new = {"usable_password": "true", "password1": "another fine horse", "password2": "another fine horse"}
        assert client.post(f"{path}/password/", new, secure=True).status_code == 403
        assert client.post(f"{path}/delete/", {"post": "yes"}, secure=True).status_code == 403
        fields = {"action": "delete_selected", "_selected_action": [other.pk], "post": "yes"}
        client.post("/admin/accounts/user/", fields, secure=True)
        before = other.email, other.password, other.is_superuser
        other.refresh_from_db()
        assert (other.email, other.password, other.is_superuser) == before


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("accounts/user/add/", ["password1", "password2"]),
        ("accounts/user/{pk}/password/", ["password1", "password2"]),
        ("password_change/", ["old_password", "new_password1", "new_password2"]),
    ],
)
def test_the_admin_looks_at_no_password_that_would_take_long(
    path: str, names: list[str], client: Client, superuser: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.force_login(superuser)

    def hash_password(*_: object) -> NoReturn:
        raise AssertionError("A password was hashed.")

    monkeypatch.setattr(passwords.Hasher, "encode", hash_password)
    monkeypatch.setattr(passwords.Hasher, "verify", hash_password)
    fields = dict.fromkeys(names, LONG) | {"email": "new@example.com", "usable_password": "true"}
    page = client.post(f"/admin/{path.format(pk=superuser.pk)}", fields, secure=True).content.decode()
    assert texts.PASSWORD_TOO_LONG in page
    assert page.count(f'maxlength="{texts.PASSWORD_MAX_LENGTH}"') == len(names)


def test_the_admins_log_in_looks_at_no_password_that_would_take_long(web: Visitor, superuser: User) -> None:
    assert texts.PASSWORD_TOO_LONG in log_in(web, LONG).text


def test_no_command_makes_a_password_that_no_form_would_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", LONG)
    with pytest.raises(CommandError, match=texts.PASSWORD_TOO_LONG):
        call_command("createsuperuser", email="root@example.com", interactive=False, verbosity=0)
    with pytest.raises(ValidationError, match=texts.PASSWORD_TOO_LONG):
        validate_password(LONG)


def test_the_form_says_the_length_that_is_asked_for() -> None:
    with pytest.raises(ValidationError, match=f"at least {texts.PASSWORD_LENGTH} characters"):
        validate_password("a1!" * 3)
