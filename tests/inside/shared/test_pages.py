"""What a visitor sees of a project that nobody has edited yet."""

import html
import re
from collections.abc import Callable
from typing import Any

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


def test_a_page_has_the_language_of_the_settings(application_with: Callable[..., Any]) -> None:
    for code in settings.LANGUAGE_CODE, "de-ch":
        web = Visitor(application_with(LANGUAGE_CODE=code))
        for path in "/", "/accounts/login/":
            assert f'<html lang="{code}">' in web.get(path).text


def test_a_page_may_fill_the_blocks_of_the_base(web: Visitor, page_of: Callable[[str], str]) -> None:
    own = {name: f"<!-- own {name} -->" for name in ("title", "head", "content", "scripts")}
    blocks = "".join(f"{{% block {name} %}}{text}{{% endblock %}}" for name, text in own.items())
    page = web.get(page_of('{% extends "base.html" %}' + blocks)).text
    assert re.search(
        rf"<title>{own['title']}</title>.*{own['head']}\s*</head>.*{own['content']}.*</main>\s*{own['scripts']}\s*</body>",
        page,
        re.DOTALL,
    )
    # What it leaves out is the site's.
    assert f"<title>{html.escape(settings.SITE_NAME)}</title>" in web.get("/").text


@pytest.mark.parametrize("status", TITLES)
def test_an_error_page_has_a_title(
    status: int, web: Visitor, errors: dict[int, Exception], page_that_raises: Callable[[Exception], str]
) -> None:
    response = web.get(page_that_raises(errors[status]))
    assert response.content_type == "text/html; charset=utf-8"
    assert f"<h1>{TITLES[status]}</h1>" in response.text
