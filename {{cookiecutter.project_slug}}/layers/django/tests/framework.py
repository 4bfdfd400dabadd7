"""What the tests need of Django."""

import importlib
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import django
import pytest
from django.conf import settings
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.db import OperationalError, close_old_connections
from django.http import Http404, HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import clear_url_caches, path

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# Not in pyproject.toml: pytest-django would read the settings before tests/__init__.py has tidied the environment.
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
# Whatever the visitors' language is, Django's own words are compared in English.
settings.LANGUAGE_CODE = "en-us"
django.setup()


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator["WSGIApplication"]:
    """The application with its static files collected, as a build does."""
    folder: Path = tmp_path_factory.mktemp("staticfiles")
    with override_settings(STATIC_ROOT=folder, WHITENOISE_USE_FINDERS=False):
        call_command("collectstatic", ignore_patterns=["admin"], interactive=False, verbosity=0)
        # Again, in case that a test has imported it before: its middleware looks at the static files once.
        whole = importlib.reload(importlib.import_module("config.wsgi")).application

        def in_the_tests_transaction(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
            # Either would close its connection; Django's own client connects them again after each request.
            request_started.disconnect(close_old_connections)
            request_finished.disconnect(close_old_connections)
            response: Iterable[bytes] = whole(environ, start_response)
            return response

        yield in_the_tests_transaction


@pytest.fixture
def application(built: "WSGIApplication") -> Iterator["WSGIApplication"]:
    """The whole application as Gunicorn calls it; its mail goes to the log, where Django's own client has an outbox."""
    with override_settings(MAILERS={"default": {"BACKEND": "runtime.framework.LogBackend"}}):
        yield built


@pytest.fixture(autouse=True)
def database(db: None) -> None:
    """A database with the project's tables, in a transaction that the test leaves behind."""


@pytest.fixture
def errors() -> dict[int, Exception]:
    """What a view raises for each status that has a page."""
    return {
        400: SuspiciousOperation("bad"),
        403: PermissionDenied("no"),
        404: Http404("gone"),
        500: RuntimeError("broken"),
        503: OperationalError("connection refused"),
    }


@pytest.fixture
def add_page(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, Callable[[HttpRequest], HttpResponse]], str]]:
    """Adds a view under a name, and returns its address."""
    from config import urls

    def add(name: str, view: Callable[[HttpRequest], HttpResponse]) -> str:
        monkeypatch.setattr(urls, "urlpatterns", [*urls.urlpatterns, path(name, view)])
        clear_url_caches()
        return f"/{name}"

    yield add
    monkeypatch.undo()
    clear_url_caches()


@pytest.fixture
def page_that_raises(add_page: Callable[..., str]) -> Callable[[Exception], str]:
    """Adds a page that raises an exception, and returns its address."""

    def add(error: Exception) -> str:
        def view(request: HttpRequest) -> NoReturn:
            raise error

        return add_page("raises", view)

    return add
