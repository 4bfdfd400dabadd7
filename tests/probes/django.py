"""Somebody's application on top of a generated Django project, with pages that misbehave."""

import hashlib
import os
from typing import NoReturn

from config.wsgi import application  # noqa: F401

# isort: split
from config import urls
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

print(f"probe imported by {os.getpid()}", flush=True)


def broken(request: HttpRequest) -> NoReturn:
    raise RuntimeError("a bug\nwith two lines")


def data(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 42")
        return HttpResponse(str(cursor.fetchone()[0]))


def process(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"pid": os.getpid(), "key": hashlib.sha256(settings.SECRET_KEY.encode()).hexdigest()})


urls.urlpatterns += [path("broken", broken), path("data", data), path("process", process)]
