"""The form of an error: a page for whoever looks at one, and for a program JSON as in RFC 9457."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import pytest
from werkzeug.test import TestResponse

from pages.errors import TEXTS
from runtime.problems import prefers_json
from tests.visitor import Visitor

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
FORM = {"Accept": "application/json", "X-Request-Id": "of-this-request"}


def is_page(response: TestResponse) -> bool:
    return response.content_type == "text/html; charset=utf-8" and response.text.startswith("<!doctype html>")


def problem(response: TestResponse) -> Any:
    assert response.content_type == "application/problem+json"
    return response.json


@pytest.mark.parametrize(
    ("accept", "json"),
    [
        ("", False),
        ("*/*", False),
        ("text/*", False),
        ("nonsense", False),
        (BROWSER, False),
        ("text/html, application/json", False),
        ("application/json;q=0.5, text/html", False),
        ("application/json;q=0, */*", False),
        ("application/json;q=0", False),
        ("image/png", False),
        ("application/json;q=much, */*", False),
        ("application/json", True),
        ("APPLICATION/JSON; charset=utf-8", True),
        ("application/problem+json", True),
        ("application/vnd.api+json", True),
        ("application/*", True),
        ("application/json, text/plain, */*", True),
        ("application/json, text/javascript, */*; q=0.01", True),
        ("text/html;q=0.5, application/json;q=0.6", True),
    ],
)
def test_a_request_gets_the_form_that_it_prefers(accept: str, json: bool, web: Visitor) -> None:
    assert prefers_json(accept) is json
    response = web.get("/no-such-page", headers={"Accept": accept} if accept else {})
    assert response.status_code == 404
    assert response.vary.as_set() >= {"accept"}
    assert (response.content_type == "application/problem+json", is_page(response)) == (json, not json)


@pytest.mark.parametrize("accept", ["text/html", "*/*", BROWSER])
def test_the_api_answers_in_json(accept: str, web: Visitor) -> None:
    response = web.get("/api/none", headers={"Accept": accept})
    assert problem(response)["status"] == response.status_code == 404
    # A cache need not keep it once for each kind of visitor.
    assert "accept" not in response.vary.as_set()
    assert is_page(web.get("/apiary", headers={"Accept": accept}))


@pytest.mark.parametrize(("paths", "api"), [(["/v1/", "/v2/"], True), (["/api/"], False), ([], False)])
def test_the_owner_says_what_is_the_api(paths: list[str], api: bool, application_with: Callable[..., Any]) -> None:
    web = Visitor(application_with(API_PATHS=paths))
    for headers in {}, {"Host": "shop.example"}:
        assert is_page(web.get("/v2/none", headers=headers)) is not api
        assert (web.get("/v2/none", headers=headers).content_type == "application/problem+json") is api


@pytest.mark.parametrize("status", [400, 403, 404, 500, 503])
def test_a_problem_has_its_request_id_and_no_reason(
    status: int, web: Visitor, errors: dict[int, Exception], page_that_raises: Callable[[Exception], str]
) -> None:
    response = web.get(page_that_raises(errors[status]), headers=FORM)
    assert response.status_code == status
    assert {**problem(response), "detail": ""} == {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": "",
        "request_id": "of-this-request",
    }
    if status >= 500:
        assert problem(response)["detail"] == TEXTS[status][1]


def test_a_wrong_method_is_told_in_words_of_its_own(web: Visitor) -> None:
    page = web.get("/accounts/logout/")
    assert (page.status_code, page.allow) == (405, {"POST", "OPTIONS"})
    assert is_page(page)
    assert TEXTS[405][1] in page.text
    response = web.get("/accounts/logout/", headers=FORM)
    assert (problem(response)["detail"], response.allow) == (TEXTS[405][1], {"POST", "OPTIONS"})


def test_a_form_without_its_token_is_told_in_the_form_that_was_asked_for(web: Visitor) -> None:
    for headers, of_type in ({}, is_page), (FORM, problem):
        response = web.post("/accounts/login/", headers=headers)
        assert response.status_code == 403
        assert of_type(response)
        assert TEXTS[403][1] in response.text


def test_what_is_too_large_is_told_in_the_form_that_was_asked_for(web: Visitor) -> None:
    response = web.post("/accounts/login/", headers=FORM, data={"email": "x" * 2_000_000})
    assert (response.status_code, problem(response)["detail"]) == (413, TEXTS[413][1])


def test_what_the_server_refuses_is_told_in_the_form_that_was_asked_for(web: Visitor) -> None:
    refused = {"worker.refusal": "413 Content Too Large"}
    assert problem(web.post("/", headers=FORM, environ_overrides=refused))["status"] == 413
    assert problem(web.post("/api/", environ_overrides=refused))["title"] == "Content Too Large"
    assert is_page(web.post("/", environ_overrides=refused))


def test_a_foreign_host_is_refused_in_the_form_that_was_asked_for(web: Visitor) -> None:
    response = web.get("/", headers=FORM | {"Host": "shop.example"})
    assert (problem(response)["status"], response.vary.as_set()) == (400, {"accept"})
    assert is_page(web.get("/", headers={"Host": "shop.example"}))
