"""Whoever visits the project."""

from typing import Any

from werkzeug.test import Client, TestResponse


class Visitor(Client):
    """An HTTP client for the whole application as Gunicorn calls it, over HTTPS where a request does not say."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        if isinstance(args[0], str):  # not the next request of a redirect, which has both already
            kwargs = {"base_url": "https://localhost", "buffered": True, **kwargs}
        return super().open(*args, **kwargs)
