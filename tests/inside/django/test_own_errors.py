"""What a Django view says of an error."""

from collections.abc import Callable
from typing import NoReturn

import pytest
from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_GET, require_POST

from pages import views
from tests.visitor import Visitor


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
@pytest.mark.parametrize("error", [Http404, PermissionDenied, BadRequest, SuspiciousOperation])
def test_the_words_of_an_exception_stay_inside(
    error: type[Exception], accept: str, web: Visitor, page_that_raises: Callable[[Exception], str]
) -> None:
    """Django's own are of models and patterns."""
    response = web.get(page_that_raises(error("No Secret matches the given query.")), headers={"Accept": accept})
    assert "Secret" not in response.text


def test_a_view_may_answer_in_its_own_words(web: Visitor, add_page: Callable[..., str]) -> None:
    def view(request: HttpRequest) -> HttpResponse:
        return views.error(request, 404, "No order <b>7</b>.")

    path = add_page("own", view)
    assert "<p>No order &lt;b&gt;7&lt;/b&gt;.</p>" in web.get(path).text
    response = web.get(path, headers={"Accept": "application/json"})
    assert response.json
    assert response.json["detail"] == "No order <b>7</b>."


@pytest.mark.parametrize("status", [404, 405, 415, 422, 429, 503])
def test_a_response_of_the_views_own_is_kept(status: int, web: Visitor, add_page: Callable[..., str]) -> None:
    path = add_page("own", lambda request: JsonResponse({"own": status}, status=status, headers={"Retry-After": "7"}))
    response = web.get(path)
    assert (response.status_code, response.json) == (status, {"own": status})
    assert (response.content_type, response.headers["Retry-After"]) == ("application/json", "7")


def test_a_wrong_method_of_any_view_is_explained(web: Visitor, add_page: Callable[..., str]) -> None:
    @require_POST
    def view(request: HttpRequest) -> NoReturn:
        raise NotImplementedError

    response = web.get(add_page("api/form", view))
    assert (response.status_code, response.allow) == (405, {"POST"})
    assert response.json
    assert response.json["title"] == "Method Not Allowed"
    assert response.content_length == len(response.data)


def test_a_head_request_has_no_body(web: Visitor, add_page: Callable[..., str]) -> None:
    response = web.head(add_page("api/form", require_GET(lambda request: HttpResponse("x"))))
    assert (response.status_code, response.data) == (405, b"")
