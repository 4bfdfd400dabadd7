"""What Flask itself leaves open of a request: the size of its body, the key of its session, the nonce of its page."""

import io
import secrets
from typing import IO, Any

import flask
from flask import Flask, current_app, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge
from werkzeug.formparser import FormDataParser
from werkzeug.local import LocalProxy

from runtime import csp


def init_app(app: Flask) -> None:
    """Before any extension, since one may read a request's body."""
    # Every request is held to MAX_CONTENT_LENGTH, MAX_FORM_PARTS and ``takes_files``.
    app.request_class = Request
    app.session_interface = Sessions()
    # Flask-WTF knows of one key only; of several the last signs.
    app.config.setdefault("WTF_CSRF_SECRET_KEY", [*app.config["SECRET_KEY_FALLBACKS"], app.config["SECRET_KEY"]])
    app.before_request(refuse_what_is_too_large)
    app.context_processor(lambda: {"csp_nonce": LocalProxy(csp_nonce)})


class Parser(FormDataParser):
    """Werkzeug's, which would read a form of any number of fields where it is not multipart.

    And where it is, a field without a name, which nobody who looks at the names expects.
    """

    def parse(
        self, stream: IO[bytes], mimetype: str, content_length: int | None, options: dict[str, str] | None = None
    ) -> tuple[IO[bytes], MultiDict[str, str], MultiDict[str, FileStorage]]:
        if mimetype == "application/x-www-form-urlencoded":
            body = stream.read()
            if self.max_form_parts is not None and body.count(b"&") >= self.max_form_parts:
                raise RequestEntityTooLarge
            stream = io.BytesIO(body)
        stream, form, files = super().parse(stream, mimetype, content_length, options)
        if None in form or None in files:
            raise BadRequest
        return stream, form, files


class Request(flask.Request):
    form_data_parser_class = Parser


def refuse_what_is_too_large() -> None:
    """Also where nobody reads it. What comes in chunks tells no size, and is measured while it is read."""
    view: Any = current_app.view_functions.get(request.endpoint or "")
    most: int | None = getattr(view, "max_body", current_app.config["MAX_CONTENT_LENGTH"])
    request.max_content_length = most
    if most is not None and (request.content_length or 0) > most:
        raise RequestEntityTooLarge


class Sessions(SecureCookieSessionInterface):
    """Flask's, which signs anew what an older key has signed: that one is needed no longer than a session lasts."""

    def open_session(self, app: Flask, request: flask.Request) -> SecureCookieSession | None:
        session = super().open_session(app, request)
        if session and app.config["SECRET_KEY_FALLBACKS"] and (serializer := self.get_signing_serializer(app)):
            serializer.secret_keys = serializer.secret_keys[-1:]
            if not serializer.make_signer(serializer.salt).validate(request.cookies[self.get_cookie_name(app)]):
                session.modified = True
        return session


def csp_nonce() -> str:
    """What a script or a style that is written into this page must name to run; a template has it as ``csp_nonce``.

    It has to be asked for before the response begins.
    """
    environ = request.environ
    if csp.NONCE not in environ:
        environ[csp.NONCE] = secrets.token_urlsafe(16)
    nonce: str = environ[csp.NONCE]
    return nonce
