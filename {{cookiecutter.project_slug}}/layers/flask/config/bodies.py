"""How much a request may send: little, unless its view asks for more."""

import functools
import io
from collections.abc import Callable
from typing import IO, Any

import flask
from flask import Flask, current_app, request
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser


def takes_files[**P, R](megabytes: int) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Lets a view take a body of that size. It belongs below the route."""

    def mark(view: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(view)
        def marked(*arguments: P.args, **options: P.kwargs) -> R:
            return view(*arguments, **options)

        marked.max_body = megabytes * 1_000_000  # type: ignore[attr-defined]
        return marked

    return mark


class Parser(FormDataParser):
    """Werkzeug's, which would read a form of any number of fields where it is not multipart."""

    def parse(
        self, stream: IO[bytes], mimetype: str, content_length: int | None, options: dict[str, str] | None = None
    ) -> tuple[IO[bytes], MultiDict[str, str], MultiDict[str, FileStorage]]:
        if mimetype == "application/x-www-form-urlencoded":
            body = stream.read()
            if self.max_form_parts is not None and body.count(b"&") >= self.max_form_parts:
                raise RequestEntityTooLarge
            stream = io.BytesIO(body)
        return super().parse(stream, mimetype, content_length, options)


class Request(flask.Request):
    form_data_parser_class = Parser


def refuse_what_is_too_large() -> None:
    """Also where nobody reads it. What comes in chunks tells no size, and is measured while it is read."""
    view: Any = current_app.view_functions.get(request.endpoint or "")
    most: int | None = getattr(view, "max_body", current_app.config["MAX_CONTENT_LENGTH"])
    request.max_content_length = most
    if most is not None and (request.content_length or 0) > most:
        raise RequestEntityTooLarge


def init_app(app: Flask) -> None:
    app.request_class = Request
    app.before_request(refuse_what_is_too_large)
