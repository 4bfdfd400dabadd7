"""What the tests of the runtime need of Django besides."""

from collections.abc import Callable, Iterator

import pytest
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.test import override_settings

from accounts import devices
from runtime.framework import takes_files


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
