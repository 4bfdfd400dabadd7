"""The project's addresses and one more; a module of its own, since Django reads them when it wants to."""

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path

from config.urls import *  # noqa: F403
from config.urls import urlpatterns


def wait(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(0.05)")
    return HttpResponse("waited")


urlpatterns = [*urlpatterns, path("wait", wait)]
