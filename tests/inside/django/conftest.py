"""What the tests of the runtime need of Django besides."""

import importlib
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from django.core.files.uploadedfile import UploadedFile
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.template import engines
from django.test import override_settings

from accounts import devices
from runtime.bodies import takes_files

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


@pytest.fixture
def database_outside_a_transaction(transactional_db: None) -> None:
    """A database that a test uses as a running server does."""


@pytest.fixture
def sign_up_is_closed() -> Iterator[None]:
    """Only whoever runs the project makes accounts."""
    with override_settings(SIGN_UP=False):
        yield


@pytest.fixture
def recognize() -> Callable[..., str]:
    """Whose browser a cookie makes known, asked outside a request."""
    return devices.recognize


@pytest.fixture
def page_that_takes_files(add_page: Callable[..., str]) -> Callable[[int], str]:
    """Adds a page with a form for a file, which answers with the file's size, and returns its address."""

    def add(megabytes: int) -> str:
        @takes_files(megabytes)
        def view(request: HttpRequest) -> HttpResponse:
            if request.method == "GET":
                return HttpResponse(f'<input type="hidden" name="csrfmiddlewaretoken" value="{get_token(request)}">')
            file = request.FILES["file"]
            assert isinstance(file, UploadedFile)
            return HttpResponse(str(file.size))

        return add_page("files", view)

    return add


@pytest.fixture
def page_of(add_page: Callable[..., str]) -> Callable[[str], str]:
    """Adds a page with a template, and returns its address."""

    def add(template: str) -> str:
        def view(request: HttpRequest) -> HttpResponse:
            return HttpResponse(engines["django"].from_string(template).render({}, request))

        return add_page("page", view)

    return add


@pytest.fixture
def application_with(
    application: object, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., "WSGIApplication"]:
    """Makes the whole application with other settings."""

    def make(**changes: Any) -> "WSGIApplication":
        for name, value in changes.items():
            monkeypatch.setattr(f"config.settings.{name}", value)
            setattr(settings, name, value)
        request_started.disconnect(close_old_connections)
        request_finished.disconnect(close_old_connections)
        whole: WSGIApplication = importlib.reload(importlib.import_module("config.wsgi")).application
        return whole

    return make


@pytest.fixture
def page_that_warns(add_page: Callable[..., str]) -> Callable[[str], str]:
    """Adds a page that warns, and returns its address."""

    def add(text: str) -> str:
        def view(request: HttpRequest) -> HttpResponse:
            warnings.warn(text, stacklevel=1)
            return HttpResponse()

        return add_page("warns", view)

    return add


@pytest.fixture
def recognize_with(settings: Any) -> Callable[[dict[str, Any], Callable[[], str]], str]:
    """Asks something about devices with other settings."""

    def ask(changes: dict[str, Any], question: Callable[[], str]) -> str:
        for name, value in changes.items():
            setattr(settings, name, value)
        return question()

    return ask
