"""What the project shows."""

import logging
import sys

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from pages import errors
from runtime import framework, services
from runtime.checklist import checklist

logger = logging.getLogger(__name__)


def home(request: HttpRequest) -> HttpResponse:
    # What is still to be attached, for its developer.
    return render(request, "home.html", {"checklist": checklist() if settings.DEBUG else []})


def error(request: HttpRequest, status: int, advice: str = "") -> HttpResponse:
    """A response for an error, in the form that its request prefers, with ``advice`` or the words for the status.

    What an exception says (``Http404("…")``) is shown to nobody: Django's own name models and patterns there. A view
    that has something to say returns this, or any other response.
    """
    body, headers = errors.answer(status, request.META, api_paths=settings.API_PATHS, advice=advice)
    return HttpResponse(body, status=status, headers=headers)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    too_large = isinstance(exception, RequestDataTooBig | TooManyFieldsSent | TooManyFilesSent)
    return error(request, 413 if too_large else 400)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return error(request, 403)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error(request, 403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """503 where a service is what failed, which passes by itself; 500 for anything else."""
    reason = sys.exception()
    unattached = framework.lacks_database(reason)
    if unattached:
        logger.warning(" ".join(services.NO_DATABASE))
    failed = unattached or isinstance(reason, InterfaceError | OperationalError | services.UnavailableError)
    return error(request, 503 if failed else 500)
