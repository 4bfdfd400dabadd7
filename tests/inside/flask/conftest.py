"""What the tests of the runtime need of Flask besides."""

import warnings
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, render_template_string, request
from flask_wtf.csrf import generate_csrf

from accounts import devices
from config.app import create_app
from runtime.bodies import takes_files


@pytest.fixture
def database_outside_a_transaction() -> None:
    """A database that a test uses as a running server does."""


@pytest.fixture
def sign_up_is_closed(application: Flask) -> None:
    """Only whoever runs the project makes accounts."""
    application.config["SIGN_UP"] = False


@pytest.fixture
def recognize(application: Flask) -> Callable[..., str]:
    """Whose browser a cookie makes known, asked outside a request."""

    def recognize(*arguments: str) -> str:
        with application.app_context():
            return devices.recognize(*arguments)

    return recognize


@pytest.fixture
def page_that_takes_files(application: Flask) -> Callable[[int], str]:
    """Adds a page with a form for a file, which answers with the file's size, and returns its address."""

    def add(megabytes: int) -> str:
        @application.route("/files", methods=["GET", "POST"])
        @takes_files(megabytes)
        def view() -> str:
            if request.method == "GET":
                return f'<input type="hidden" name="csrf_token" value="{generate_csrf()}">'
            return str(len(request.files["file"].read()))

        return "/files"

    return add


@pytest.fixture
def page_of(made: list[Flask]) -> Callable[[str], str]:
    """Adds a page with a template to every application of the test, and returns its address."""

    def add(template: str) -> str:
        for one in made:
            one.add_url_rule("/page", view_func=lambda: render_template_string(template))
        return "/page"

    return add


@pytest.fixture
def made(application: Flask) -> list[Flask]:
    """Every application of the test."""
    return [application]


@pytest.fixture
def application_with(made: list[Flask]) -> Callable[..., Flask]:
    """Makes the whole application with other settings."""

    def make(**changes: Any) -> Flask:
        made.append(create_app(changes))
        return made[-1]

    return make


@pytest.fixture
def page_that_warns(application: Flask) -> Callable[[str], str]:
    """Adds a page that warns, and returns its address."""

    def add(text: str) -> str:
        def view() -> str:
            warnings.warn(text, stacklevel=1)
            return ""

        application.add_url_rule("/warns", view_func=view)
        return "/warns"

    return add


@pytest.fixture
def recognize_with(application_with: Callable[..., Flask]) -> Callable[[dict[str, Any], Callable[[], str]], str]:
    """Asks something about devices with other settings."""

    def ask(changes: dict[str, Any], question: Callable[[], str]) -> str:
        with application_with(**changes).app_context():
            return question()

    return ask
