"""Somebody's application on top of a generated Django project, with pages that misbehave."""

import hashlib
import os
import time
from typing import NoReturn

import probe_worker

from config.wsgi import application  # noqa: F401

# isort: split
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from config import urls

leaked: list[bytes] = []
print(f"probe imported by {os.getpid()}\n", end="", flush=True)

# What everybody is told not to do.
if "PROBE_QUERIES" in os.environ:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        print(f"probe connected to backend {cursor.fetchone()[0]}\n", end="", flush=True)


def broken(request: HttpRequest) -> NoReturn:
    raise RuntimeError("a bug\nwith two lines")


@csrf_exempt
def mistake(request: HttpRequest) -> NoReturn:
    password = request.POST["password"]
    assert password
    raise RuntimeError(request.POST["words"])


def data(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 42")
        return HttpResponse(str(cursor.fetchone()[0]))


def row(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::text, pg_sleep(0.01)", [request.GET["n"]])
        return HttpResponse(cursor.fetchone()[0])


def setting(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting(%s)", [request.GET["name"]])
        return HttpResponse(cursor.fetchone()[0])


def sleep(request: HttpRequest) -> HttpResponse:
    print("probe sleeps\n", end="", flush=True)
    time.sleep(float(request.GET["seconds"]))
    return HttpResponse("slept")


def hold(request: HttpRequest) -> HttpResponse:
    print("probe holds\n", end="", flush=True)
    while not os.path.exists(request.GET["until"]):
        time.sleep(0.01)
    return HttpResponse("held")


def leak(request: HttpRequest) -> HttpResponse:
    leaked.append(bytes(range(256)) * 4096 * int(request.GET["mb"]))
    return HttpResponse("leaked")


def large(request: HttpRequest) -> HttpResponse:
    return HttpResponse(bytes(12_000_000))


def process(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"pid": os.getpid(), "key": hashlib.sha256(settings.SECRET_KEY.encode()).hexdigest()})


def scripts(request: HttpRequest) -> HttpResponse:
    return render(request, "scripts.html")


def worker(request: HttpRequest) -> JsonResponse:
    return JsonResponse(probe_worker.state())


urls.urlpatterns += [
    path(view.__name__, view)
    for view in (broken, data, hold, large, leak, mistake, process, row, scripts, setting, sleep, worker)
]
