"""What the tests of the runtime need of Flask besides."""

from collections.abc import Callable

import pytest
from flask import Flask, request
from flask_wtf.csrf import generate_csrf

from accounts import devices
from runtime.framework import takes_files


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
