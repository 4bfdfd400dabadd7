"""What a visitor sees."""

from collections.abc import Callable

import pytest

from pages.errors import TEXTS
from tests.visitor import Visitor


def test_the_home_page_is_shown(web: Visitor) -> None:
    response = web.get("/")
    assert response.status_code == 200
    assert response.content_type == "text/html; charset=utf-8"


def test_the_icon_is_where_browsers_look_for_it(web: Visitor) -> None:
    assert web.get("/favicon.ico", follow_redirects=True).content_type == "image/svg+xml"


def test_an_unknown_address_gets_a_page_of_its_own(web: Visitor) -> None:
    response = web.get("/no-such-page")
    assert response.status_code == 404
    assert TEXTS[404][0] in response.text


@pytest.mark.parametrize("status", [400, 403, 404, 500, 503])
def test_an_error_gets_a_calm_page(
    status: int, web: Visitor, errors: dict[int, Exception], page_that_raises: Callable[[Exception], str]
) -> None:
    response = web.get(page_that_raises(errors[status]), headers={"X-Request-Id": "of-this-request"})
    assert response.status_code == status
    assert TEXTS[status][0] in response.text
    # By which the log has the traceback.
    assert "of-this-request" in response.text
    assert "Traceback" not in response.text
