"""What the project shows."""

import logging
import sys

from django.core.exceptions import ImproperlyConfigured, RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from pages import errors
from runtime import services

logger = logging.getLogger(__name__)


def home(request: HttpRequest) -> HttpResponse:
    return render(request, "home.html")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    status = 413 if isinstance(exception, RequestDataTooBig | TooManyFieldsSent | TooManyFilesSent) else 400
    return HttpResponse(errors.page(status), status=status)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return HttpResponse(errors.page(403), status=403)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return HttpResponse(errors.page(403), status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return HttpResponse(errors.page(404), status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """503 where a service is what failed, which passes by itself; 500 for anything else."""
    error = sys.exception()
    unattached = isinstance(error, ImproperlyConfigured) and "settings.DATABASES" in str(error)
    if unattached:
        logger.warning(" ".join(services.NO_DATABASE))
    failed = isinstance(error, InterfaceError | OperationalError | services.UnavailableError)
    status = 503 if unattached or failed else 500
    return HttpResponse(errors.page(status), status=status)
