"""What only Django has."""

import subprocess
import sys

from django.contrib.admin import AdminSite
from django.contrib.auth.admin import UserAdmin
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.utils.decorators import method_decorator
from django.views.generic import View

from config.bodies import takes_files
from runtime.env import BASE_DIR
from tests.visitor import Visitor


def test_models_and_migrations_agree() -> None:
    call_command("makemigrations", check=True, dry_run=True)


def test_deployment_checks_are_clean() -> None:
    # In a process of its own: this one has the test runner's settings.
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    subprocess.run(command, cwd=BASE_DIR, check=True)


def test_pages_need_no_collected_static_files() -> None:
    with override_settings(STATIC_ROOT="/nowhere"):
        assert b'href="/static/style.css"' in Client().get("/", secure=True, headers={"host": "localhost"}).content


def test_djangos_own_client_may_come_first(web: Visitor, client: Client) -> None:
    client.get("/", secure=True, headers={"host": "localhost"})
    for _ in range(2):
        assert web.get("/").status_code == 200
        assert not Session.objects.exists()


def test_mail_goes_to_the_log(log: list[str]) -> None:
    with override_settings(MAILERS={"default": {"BACKEND": "config.mail.LogBackend"}}):
        mail.send_mail("Hello", "Two\nlines", "us@example.com", ["you@example.com"])
    assert log[0].splitlines()[0].endswith('msg="Mail to you@example.com: Hello"')
    assert log[0].splitlines()[1:] == ["| Two", "| lines"]


@takes_files(7)
def function(request: HttpRequest) -> HttpResponse:
    raise NotImplementedError


@method_decorator(takes_files(7), name="dispatch")
class Page(View):
    """A view that is a class."""


@method_decorator(takes_files(7), name="add_view")
class Admin(UserAdmin):
    """A page of the admin."""


def test_every_kind_of_view_may_take_files() -> None:
    pages = {page.name: page.callback for page in Admin(Session, AdminSite()).get_urls()}
    for view in function, Page.as_view(), pages["sessions_session_add"]:
        assert getattr(view, "max_body", None) == 7_000_000
    assert not hasattr(pages["sessions_session_change"], "max_body")
