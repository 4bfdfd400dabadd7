"""The least that Gunicorn can call: three bytes, and WhiteNoise around them."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from whitenoise import WhiteNoise


def trivial(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "3")])
    return [b"ok\n"]


application = WhiteNoise(trivial, root=Path("pages/static").absolute(), prefix="static/")
