"""The project's addresses and some more; a module of its own, since Django reads them when it wants to."""

import itertools
import os
import time
from collections.abc import Iterator

from django.db import connection
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path

from config.urls import *  # noqa: F403
from config.urls import urlpatterns


def wait(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(0.05)")
    return HttpResponse("waited")


def large(request: HttpRequest) -> HttpResponse:
    return HttpResponse(b"0123456789" * 500_000, content_type="application/octet-stream")


def stream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(ticks(), content_type="text/event-stream")


def pid(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(os.getpid()))


def ticks() -> Iterator[bytes]:
    """A stream without an end."""
    for number in itertools.count():
        yield b"data: %d\n\n" % number
        time.sleep(0.1)


urlpatterns = [*urlpatterns, *(path(view.__name__, view) for view in (large, pid, stream, wait))]
