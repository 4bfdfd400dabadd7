"""What a visitor sees."""

import html
import re
from collections.abc import Callable

import pytest

from config import settings
from tests.visitor import Visitor

TITLES = {
    400: "Bad request",
    403: "Forbidden",
    404: "Page not found",
    500: "Something went wrong",
    503: "Back soon",
}


def test_home_page_has_the_projects_name_as_its_title(web: Visitor) -> None:
    response = web.get("/")
    assert response.status_code == 200
    title = re.search(r"<title>(.*?)</title>", response.text)
    assert title
    assert html.unescape(title[1]) == settings.SITE_NAME


def test_the_icon_is_where_browsers_look_for_it(web: Visitor) -> None:
    assert web.get("/favicon.ico", follow_redirects=True).content_type == "image/svg+xml"


def test_unknown_address_gets_a_page_of_its_own(web: Visitor) -> None:
    response = web.get("/no-such-page")
    assert response.status_code == 404
    assert TITLES[404] in response.text


@pytest.mark.parametrize("status", TITLES)
def test_error_gets_a_calm_page(
    status: int, web: Visitor, errors: dict[int, Exception], page_that_raises: Callable[[Exception], str]
) -> None:
    response = web.get(page_that_raises(errors[status]), headers={"X-Request-Id": "of-this-request"})
    assert response.status_code == status
    assert response.content_type == "text/html; charset=utf-8"
    assert f"<h1>{TITLES[status]}</h1>" in response.text
    assert "of-this-request" in response.text
    assert "Traceback" not in response.text
