"""Somebody's application on top of a generated Django project, with a page that leaves work to a worker."""

from config.wsgi import application  # noqa: F401

# isort: split
from chores.tasks import record
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path

from config import urls


@transaction.atomic
def defer(request: HttpRequest) -> HttpResponse:
    record.defer(number=int(request.GET["number"]))
    if "fail" in request.GET:
        raise RuntimeError("rolled back")
    return HttpResponse("deferred")


urls.urlpatterns += [path("defer", defer)]
