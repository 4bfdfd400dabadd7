"""What the project shows."""

import logging

from flask import Blueprint, render_template, request
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import InterfaceError, OperationalError, TimeoutError
from werkzeug.exceptions import HTTPException, InternalServerError
from werkzeug.wrappers import Response

from pages import errors
from runtime import services
from runtime.checklist import checklist
from runtime.database import NoDatabaseError
from runtime.framework import setting

logger = logging.getLogger(__name__)

pages = Blueprint("pages", __name__)


@pages.get("/")
def home() -> str:
    # What is still to be attached, for its developer.
    return render_template("home.html", checklist=checklist() if setting("DEBUG") else [])


def http_error(error: HTTPException) -> Response:
    """The response to an error, in the form that its request prefers; 503 where a service is what failed.

    What a view has said itself is kept, be it a response or, as in ``abort(404, "No such order.")``, a description.
    """
    if error.response is not None or type(error).get_body is not HTTPException.get_body:
        return error.get_response()
    response, advice = error.get_response(), own_words(error)
    if isinstance(error, CSRFError):
        response.status_code, advice = 403, ""
    if isinstance(error, InternalServerError):
        if isinstance(error.original_exception, NoDatabaseError):
            logger.warning(" ".join(services.NO_DATABASE))
        database = InterfaceError | NoDatabaseError | OperationalError | TimeoutError
        if isinstance(error.original_exception, database | services.UnavailableError):
            response.status_code = 503
    response.data, headers = errors.answer(
        response.status_code, request.environ, api_paths=setting("API_PATHS"), advice=advice
    )
    response.headers.update(headers)
    return response


def own_words(error: HTTPException) -> str:
    """The description that a view has given, and not the one that Werkzeug has for every error of the kind."""
    kind = next(kind for kind in type(error).__mro__ if "description" in vars(kind))
    own = vars(error).get("description") or (not kind.__module__.startswith("werkzeug.") and error.description)
    return str(own or "")
