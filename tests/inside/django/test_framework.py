"""The runtime's one module for Django."""

from typing import Any

import pytest
from django.contrib.admin import AdminSite
from django.contrib.auth.admin import UserAdmin
from django.contrib.sessions.models import Session
from django.core import mail
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.utils.decorators import method_decorator
from django.views.generic import View

from runtime import framework
from runtime.bodies import takes_files
from tests.visitor import Visitor


def test_pages_need_no_collected_static_files() -> None:
    with override_settings(STATIC_ROOT="/nowhere"):
        assert b'href="/static/style.css"' in Client().get("/", secure=True, headers={"host": "localhost"}).content


def test_djangos_own_client_may_come_first(web: Visitor, client: Client) -> None:
    client.get("/", secure=True, headers={"host": "localhost"})
    for _ in range(2):
        assert web.get("/").status_code == 200
        assert not Session.objects.exists()


def test_mail_goes_to_the_log(log: list[str]) -> None:
    with override_settings(MAILERS={"default": {"BACKEND": "runtime.framework.LogBackend"}}):
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


def test_a_service_is_what_the_settings_name(settings: Any) -> None:
    assert {*framework.services(None)} == {"database"}
    settings.REDIS_URL = "redis://127.0.0.1:1"
    settings.DATABASE_URL = None
    services = framework.services(None)
    assert {*services} == {"cache", "database"}
    assert services["database"] is None


def test_a_service_that_answers_raises_nothing(database_outside_a_transaction: None) -> None:
    ask = framework.services(None)["database"]
    assert ask
    ask()


def test_a_cache_that_does_not_answer_raises(settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1"
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": settings.REDIS_URL}
    }
    ask = framework.services(None)["cache"]
    assert ask
    with pytest.raises(Exception, match="refused"):
        ask()
