"""The project's files: save, open, exists, delete and url, in the store that the environment names.

name = storage.save(request.files["photo"].stream, folder="photos")
storage.url(name)
"""

from collections.abc import Callable
from typing import IO, cast

from flask import Flask, Response, abort, send_file

from runtime import store
from runtime.framework import setting


def current() -> store.Store:
    """The store of the application that is answering."""
    return cast("store.Store", setting("STORE"))


def save(file: IO[bytes], folder: str) -> str:
    """Keep a file, and return its name: random, with the ending of what it holds. Its kind is seen, never believed."""
    return current().save(file, folder)


def open(name: str) -> IO[bytes]:
    """The file as a whole; raises ``FileNotFoundError`` where there is none."""
    return current().open(name)


def exists(name: str) -> bool:
    return current().exists(name)


def delete(name: str) -> None:
    """Drop a file; one that is not there is none the less gone."""
    current().delete(name)


def url(name: str, title: str = "") -> str:
    """Where a browser gets a file for an hour, or for ever where its folder is ``public/…``."""
    return current().url(name, title)


def init_app(app: Flask) -> dict[str, Callable[[], object] | None]:
    """Have the client made before the fork, and return what readiness asks.

    A developer's files are served; in production the bucket serves them itself.
    """
    where: store.Store = app.config["STORE"]
    store.prepare(where)
    if isinstance(where, store.Folder):
        app.add_url_rule("/media/<path:name>", view_func=serve)
    return store.needed(where)


def serve(name: str) -> Response:
    folder = current()
    if not isinstance(folder, store.Folder) or not folder.exists(name):
        abort(404)
    response = send_file(folder.at(name))
    response.headers.update(folder.headers(name))
    return response
