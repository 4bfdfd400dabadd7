"""What a Flask view says of an error."""

from collections.abc import Callable

import pytest
from flask import Flask, Response, abort, jsonify, make_response, request
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Conflict, TooManyRequests, Unauthorized

from pages.errors import TEXTS
from tests.visitor import Visitor

JSON = {"Accept": "application/json"}


@pytest.fixture
def view(application: Flask) -> Callable[[Callable[[], Response]], str]:
    """Adds a view, and returns its address."""

    def add(view: Callable[[], Response]) -> str:
        application.add_url_rule("/own", view_func=view, methods=["GET", "POST"])
        return "/own"

    return add


@pytest.mark.parametrize("status", [400, 403, 404, 409, 410, 415, 422, 429, 503])
def test_a_description_of_the_views_own_is_told(
    status: int, web: Visitor, view: Callable[[Callable[[], Response]], str]
) -> None:
    path = view(lambda: abort(status, "No order <b>7</b>."))
    page = web.get(path)
    assert page.status_code == status
    assert "<p>No order &lt;b&gt;7&lt;/b&gt;.</p>" in page.text
    response = web.get(path, headers=JSON)
    assert (response.status_code, response.content_type) == (status, "application/problem+json")
    assert response.json
    assert response.json["detail"] == "No order <b>7</b>."


@pytest.mark.parametrize("status", [400, 404, 415, 429, 500])
def test_without_one_ours_is_told(status: int, web: Visitor, view: Callable[[Callable[[], Response]], str]) -> None:
    path = view(lambda: abort(status))
    assert TEXTS[status][1] in web.get(path).text
    response = web.get(path, headers=JSON)
    assert response.json
    assert response.json["detail"] == TEXTS[status][1]


def test_a_missing_field_is_told_in_our_words(web: Visitor, view: Callable[[Callable[[], Response]], str]) -> None:
    response = web.get(view(lambda: make_response(request.args["secret"])))
    assert response.status_code == 400
    assert TEXTS[400][1] in response.text
    assert "secret" not in response.text


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_a_response_of_the_views_own_is_kept(
    accept: str, web: Visitor, view: Callable[[Callable[[], Response]], str]
) -> None:
    def refuse() -> Response:
        raise Unauthorized(response=make_response(jsonify(own=True), 401, {"X-Own": "1"}))

    response = web.get(view(refuse), headers={"Accept": accept})
    assert (response.status_code, response.json, response.headers["X-Own"]) == (401, {"own": True}, "1")


class OutOfStock(Conflict):
    """An error of the owner's own."""

    description = "None <left>."


class Told(Conflict):
    """An error that says itself how it is told."""

    def get_body(self, environ: object = None, scope: object = None) -> str:
        return "own"

    def get_headers(self, environ: object = None, scope: object = None) -> list[tuple[str, str]]:
        return [("Content-Type", "text/plain")]


def test_an_error_may_have_words_for_all_of_its_kind(
    web: Visitor, view: Callable[[Callable[[], Response]], str]
) -> None:
    def refuse() -> Response:
        raise OutOfStock

    path = view(refuse)
    assert "<p>None &lt;left&gt;.</p>" in web.get(path).text
    response = web.get(path, headers=JSON)
    assert response.json
    assert (response.status_code, response.json["detail"]) == (409, "None <left>.")


@pytest.mark.parametrize("headers", [{}, JSON])
def test_an_error_may_have_a_form_of_its_own(
    headers: dict[str, str], web: Visitor, view: Callable[[Callable[[], Response]], str]
) -> None:
    def refuse() -> Response:
        raise Told

    response = web.get(view(refuse), headers=headers)
    assert (response.status_code, response.text, response.content_type) == (409, "own", "text/plain")


def test_a_response_that_is_raised_is_kept(web: Visitor, view: Callable[[Callable[[], Response]], str]) -> None:
    response = web.get(view(lambda: abort(make_response("own", 418))))
    assert (response.status_code, response.text) == (418, "own")


@pytest.mark.parametrize("headers", [{}, JSON])
def test_the_headers_of_an_error_are_kept(
    headers: dict[str, str], web: Visitor, application: Flask, view: Callable[[Callable[[], Response]], str]
) -> None:
    def refuse() -> Response:
        raise Unauthorized(www_authenticate=WWWAuthenticate("basic", {"realm": "ours"}))

    def wait() -> Response:
        raise TooManyRequests(retry_after=7)

    application.add_url_rule("/wait", view_func=wait)
    assert web.get(view(refuse), headers=headers).www_authenticate.realm == "ours"
    assert web.get("/wait", headers=headers).headers["Retry-After"] == "7"
