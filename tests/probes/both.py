"""A generated project with a folder of pages that have faults and habits: ``/probe/…``, each of them in ``echo.py``."""

from collections.abc import Iterable
from typing import Any

import echo

from config.wsgi import application as project


def application(environ: dict[str, Any], start: echo.Start) -> Iterable[bytes]:
    if environ["PATH_INFO"].startswith("/probe/") and "worker.refusal" not in environ:
        return echo.application(environ | {"PATH_INFO": environ["PATH_INFO"].removeprefix("/probe")}, start)
    return project(environ, start)
