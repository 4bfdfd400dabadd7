"""The content security policy: a setting, which everything follows."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from config import settings
from runtime.csp import CSP, build_policy
from tests.visitor import Visitor

ENFORCED, REPORTED = "Content-Security-Policy", "Content-Security-Policy-Report-Only"
EVERYWHERE = [
    "/",
    "/healthz",
    "/readyz",
    "/favicon.ico",
    "/no-such-page",
    "/api/none",
    "/static/style.css",
    "/static/no",
]
OWN = {"default-src": [CSP.NONE], "img-src": [CSP.SELF, "https://images.example"]}
PAGE = '<script nonce="{{ csp_nonce }}">1</script><style nonce="{{ csp_nonce }}"></style>'


@pytest.mark.parametrize(
    ("directives", "nonce", "policy"),
    [
        ({}, "", ""),
        ({"default-src": [CSP.SELF], "img-src": ["'self'", "data:"]}, "", "default-src 'self'; img-src 'self' data:"),
        ({"default-src": CSP.SELF, "img-src": ("data:",)}, "", "default-src 'self'; img-src data:"),
        ({"img-src": {*"hgfedcba"}}, "", "img-src a b c d e f g h"),
        ({"upgrade-insecure-requests": True, "img-src": None, "font-src": False}, "", "upgrade-insecure-requests"),
        ({"script-src": [CSP.SELF, CSP.NONCE]}, "abc", "script-src 'self' 'nonce-abc'"),
        ({"script-src": [CSP.SELF, CSP.NONCE]}, "", "script-src 'self'"),
        ({"script-src": [CSP.NONCE], "img-src": CSP.NONCE}, "abc", "script-src 'nonce-abc'; img-src 'nonce-abc'"),
        ({"script-src": [CSP.NONCE], "img-src": CSP.NONE}, "", "img-src 'none'"),
    ],
)
def test_a_policy_is_written_as_django_writes_it(directives: dict[str, Any], nonce: str, policy: str) -> None:
    assert build_policy(directives, nonce) == policy


@pytest.mark.parametrize("path", EVERYWHERE)
def test_everything_follows_the_policy(path: str, web: Visitor) -> None:
    headers = web.get(path).headers
    assert headers[ENFORCED] == build_policy(settings.SECURE_CSP)
    assert REPORTED not in headers


def test_no_page_may_run_a_script_written_into_it() -> None:
    policy = build_policy(settings.SECURE_CSP)
    assert "unsafe" not in policy
    assert "script-src 'self';" in policy


def test_everything_follows_a_policy_of_the_owners_own(application_with: Callable[..., Any]) -> None:
    web = Visitor(application_with(SECURE_CSP=OWN, SECURE_CSP_REPORT_ONLY={"default-src": [CSP.SELF]}))
    for headers in *(web.get(path).headers for path in EVERYWHERE), web.get("/", headers={"Host": "other"}).headers:
        assert headers[ENFORCED] == "default-src 'none'; img-src 'self' https://images.example"
        assert headers[REPORTED] == "default-src 'self'"


def test_there_may_be_no_policy(application_with: Callable[..., Any]) -> None:
    web = Visitor(application_with(SECURE_CSP={}))
    for path in EVERYWHERE:
        assert not {ENFORCED, REPORTED} & {*web.get(path).headers.keys()}


def test_a_page_may_write_a_script_that_names_its_nonce(web: Visitor, page_of: Callable[[str], str]) -> None:
    path = page_of(PAGE)
    seen = set()
    for _ in range(2):
        response = web.get(path)
        script, style = re.findall(r'nonce="([\w-]+)"', response.text)
        assert script == style
        assert len(script) >= 22
        assert response.headers[ENFORCED] == build_policy(settings.SECURE_CSP, script)
        assert f"script-src 'self' 'nonce-{script}'" in response.headers[ENFORCED]
        seen.add(script)
    assert len(seen) == 2
    # A page without one is the same for everybody.
    assert "nonce" not in web.get("/").headers[ENFORCED]


def test_what_is_only_reported_knows_the_nonce_too(application_with: Callable[..., Any], page_of: Any) -> None:
    web = Visitor(application_with(SECURE_CSP={}, SECURE_CSP_REPORT_ONLY={"script-src": [CSP.NONCE]}))
    response = web.get(page_of(PAGE))
    nonce = re.findall(r'nonce="([\w-]+)"', response.text)[0]
    assert ENFORCED not in response.headers
    assert response.headers[REPORTED] == f"script-src 'nonce-{nonce}'"


@pytest.mark.parametrize(("debug", "written"), [("on", "({}, True)"), ("off", "(True, {})")])
def test_in_development_it_is_only_reported(debug: str, written: str) -> None:
    """A debug toolbar writes scripts into pages."""
    code = "from config import settings as s; print((s.SECURE_CSP and True, s.SECURE_CSP_REPORT_ONLY and True))"
    environment = os.environ | {"DEBUG": debug}
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert result.stdout == f"{written}\n"
