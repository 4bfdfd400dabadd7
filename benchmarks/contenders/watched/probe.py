"""The project with a page that tells what it has imported, and what it has used of that."""

import json
import sys
from collections.abc import Callable, Iterable
from typing import Any

import __main__ as watched
from config.wsgi import application as project

imported: dict[str, str] = {}


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    if not imported:
        imported.update({name: getattr(module, "__file__", None) or "" for name, module in sys.modules.items()})
        watched.watch_requests()
    if environ["PATH_INFO"] != "/watched":
        return project(environ, start_response)
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps({"imported": imported, "called": [*watched.called], "ran": [*watched.ran]}).encode()]
