"""What a visitor sees of a project that nobody has edited yet."""

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
    title = re.search(r"<title>(.*?)</title>", web.get("/").text)
    assert title
    assert html.unescape(title[1]) == settings.SITE_NAME


@pytest.mark.parametrize("status", TITLES)
def test_an_error_page_has_a_title(
    status: int, web: Visitor, errors: dict[int, Exception], page_that_raises: Callable[[Exception], str]
) -> None:
    response = web.get(page_that_raises(errors[status]))
    assert response.content_type == "text/html; charset=utf-8"
    assert f"<h1>{TITLES[status]}</h1>" in response.text
