"""Django's files in the project's store: what ``FileField`` and ``default_storage`` use."""

from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import IO, Any, cast

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import Storage as Base
from django.http import FileResponse, Http404, HttpRequest, HttpResponseBase
from django.urls import URLPattern, path
from django.utils.deconstruct import deconstructible

from runtime import store


def current() -> store.Store:
    """The store of the settings."""
    return settings.STORE


@deconstructible
class Storage(Base):
    """Hands everything to the store, which chooses the names itself: of a file's own only the folder is left."""

    def save(self, name: str | None, content: IO[Any], max_length: int | None = None) -> str:
        folder = PurePosixPath(name or getattr(content, "name", None) or "").parent.as_posix()
        return current().save(cast("Any", content), folder)

    def _open(self, name: str, mode: str = "rb") -> File:
        return File(current().open(name), name)

    def delete(self, name: str) -> None:
        current().delete(name)

    def exists(self, name: str) -> bool:
        return current().exists(name)

    def size(self, name: str) -> int:
        return current().size(name)

    def url(self, name: str | None) -> str:
        return current().url(name or "")

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        names = [PurePosixPath(stored.name).relative_to(path).parts for stored in self.names(path)]
        return sorted({parts[0] for parts in names if len(parts) > 1}), [parts[0] for parts in names if len(parts) == 1]

    def names(self, folder: str) -> Iterator[store.Stored]:
        return current().list(folder)


def attach(where: store.Store) -> dict[str, Callable[[], object] | None]:
    """Have the client made before the fork, and return what readiness asks."""
    store.prepare(where)
    return store.needed(where)


def media() -> list[URLPattern]:
    """The addresses of a developer's files; in production the bucket serves them itself."""
    return [path("media/<path:name>", serve)] if isinstance(settings.STORE, store.Folder) else []


def serve(request: HttpRequest, name: str) -> HttpResponseBase:
    folder = current()
    if not isinstance(folder, store.Folder) or not folder.exists(name):
        raise Http404
    response = FileResponse(folder.open(name))
    # In place of what its name makes Django think.
    for field, value in folder.headers(name).items():
        response[field] = value
    return response
