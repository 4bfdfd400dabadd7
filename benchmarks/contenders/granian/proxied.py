"""The project as Granian serves it behind a router: its own wrapper believes a scheme only beside an address."""

from collections.abc import Callable, Iterable
from typing import Any

from probe import application as project


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    environ["wsgi.url_scheme"] = environ.get("HTTP_X_FORWARDED_PROTO", "http")
    return project(environ, start_response)
