"""Whoever visits the project."""

import re
from html import unescape
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from werkzeug.test import Client, TestResponse

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')
# What sends a visitor on; from 3.2 on, Flask says the latter.
REDIRECTS = {302, 303}


class Visitor(Client):
    """An HTTP client for the whole application as Gunicorn calls it, over HTTPS where a request does not say."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        if isinstance(args[0], str):  # not the next request of a redirect, which has both already
            kwargs = {"base_url": "https://localhost", "buffered": True, **kwargs}
        return super().open(*args, **kwargs)

    def run_wsgi_app(self, environ: "WSGIEnvironment", buffered: bool = False) -> Any:
        # Only whoever comes from this machine may call it localhost.
        environ.setdefault("REMOTE_ADDR", "127.0.0.1")
        return super().run_wsgi_app(environ, buffered)

    def submit(
        self,
        page: str,
        action: str | None = None,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        **fields: str,
    ) -> TestResponse:
        """Open a page, fill in its form and send it, as a browser does."""
        opened = self.get(urlsplit(page)._replace(scheme="", netloc="").geturl(), query_string=query)
        while opened.location:
            opened = self.get(opened.location)
        hidden = {name: unescape(value) for name, value in HIDDEN.findall(opened.text)}
        return self.post(
            action or opened.request.path,
            query_string=opened.request.query_string.decode(),
            data={**hidden, **fields},
            headers={"Referer": "https://localhost/", **(headers or {})},
        )
