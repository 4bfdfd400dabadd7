"""Django's own content security policy, and the runtime's, which stands in where Django does not answer."""

from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.utils import csp as djangos
from django.views.decorators.csp import csp_override

from runtime import csp
from tests.visitor import Visitor

ENFORCED = "Content-Security-Policy"


def test_the_same_words_mean_the_same() -> None:
    assert {word.name: word.value for word in csp.CSP} == {
        word.name: word.value for word in djangos.CSP if not word.name.startswith("HEADER")
    }


@pytest.mark.parametrize("nonce", ["", "abc"])
@pytest.mark.parametrize("values", [[], True, False, None, "'self'", {"b", "a"}, ("a",), ["a", djangos.CSP.NONCE]])
def test_the_same_policy_is_written_the_same(values: Any, nonce: str) -> None:
    directives = {"default-src": values, "object-src": ["'none'"]}
    assert csp.build_policy(directives, nonce) == djangos.build_policy(directives, nonce)


@pytest.mark.parametrize("directives", [{}, {"default-src": ["https://own.example"]}])
def test_a_view_may_have_its_own(directives: dict[str, list[str]], web: Visitor, add_page: Callable[..., str]) -> None:
    view = csp_override(directives)(lambda request: HttpResponse())
    assert web.get(add_page("own", view)).headers.get(ENFORCED, "") == csp.build_policy(directives)


def test_a_view_may_write_its_own(web: Visitor, add_page: Callable[..., str]) -> None:
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(headers={ENFORCED: "default-src 'none'"})

    assert web.get(add_page("own", view)).headers.getlist(ENFORCED) == ["default-src 'none'"]


def test_djangos_own_middleware_may_be_there_too(
    application_with: Callable[..., Any], settings: Any, page_of: Callable[[str], str]
) -> None:
    middleware = [*settings.MIDDLEWARE, "django.middleware.csp.ContentSecurityPolicyMiddleware"]
    response = Visitor(application_with(MIDDLEWARE=middleware)).get(page_of("{{ csp_nonce }}"))
    assert f"'nonce-{response.text}'" in response.headers[ENFORCED]
    assert len(response.headers.getlist(ENFORCED)) == 1
