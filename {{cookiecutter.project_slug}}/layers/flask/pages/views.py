"""What the project shows."""

import logging

from flask import Blueprint, render_template
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import InterfaceError, OperationalError, TimeoutError
from werkzeug.exceptions import HTTPException, InternalServerError
from werkzeug.wrappers import Response

from pages import errors
from runtime import services
from runtime.framework import NoDatabaseError

logger = logging.getLogger(__name__)

pages = Blueprint("pages", __name__)


@pages.get("/")
def home() -> str:
    return render_template("home.html")


def http_error(error: HTTPException) -> Response:
    """The page for an error: 503 where a service is what failed, which passes by itself."""
    response = error.get_response()
    if isinstance(error, CSRFError):
        response.status_code = 403
    if isinstance(error, InternalServerError):
        if isinstance(error.original_exception, NoDatabaseError):
            logger.warning(" ".join(services.NO_DATABASE))
        database = InterfaceError | NoDatabaseError | OperationalError | TimeoutError
        if isinstance(error.original_exception, database | services.UnavailableError):
            response.status_code = 503
    response.data = errors.page(response.status_code)
    return response
