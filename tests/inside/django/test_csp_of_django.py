"""Django's own content security policy, and the runtime's, which stands in where Django does not answer."""

from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.utils import csp as djangos
from django.views.decorators.csp import csp_override, csp_report_only_override

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


def outermost(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    def answer(request: HttpRequest) -> HttpResponse:
        get_response(request)
        raise RuntimeError("broken")

    return answer


def test_a_response_that_takes_anothers_place_has_the_policy(
    application_with: Callable[..., Any], settings: Any
) -> None:
    web = Visitor(application_with(MIDDLEWARE=[f"{__name__}.outermost", *settings.MIDDLEWARE]))
    response = web.get("/")
    assert response.status_code == 500
    assert response.headers[ENFORCED] == csp.build_policy(settings.SECURE_CSP)


def test_a_view_may_have_its_own_report(web: Visitor, add_page: Callable[..., str]) -> None:
    """And the enforced policy stays."""
    view = csp_report_only_override({"default-src": ["'none'"]})(lambda request: HttpResponse())
    headers = web.get(add_page("own", view)).headers
    assert headers[f"{ENFORCED}-Report-Only"] == "default-src 'none'"
    assert headers[ENFORCED]


def test_a_view_may_have_no_report(
    application_with: Callable[..., Any], add_page: Callable[..., str], settings: Any
) -> None:
    web = Visitor(application_with(SECURE_CSP_REPORT_ONLY={"default-src": ["'none'"]}))
    view = csp_report_only_override({})(lambda request: HttpResponse())
    headers = web.get(add_page("own", view)).headers
    assert f"{ENFORCED}-Report-Only" not in headers
    assert headers[ENFORCED]
