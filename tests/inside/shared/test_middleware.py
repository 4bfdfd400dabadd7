"""What every request and every response goes through."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from runtime.hosts import is_allowed
from runtime.middleware import SECURITY_HEADERS, Middleware, visitor
from tests.visitor import Visitor

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", "/no-such-page", "/static/style.css", "/static/none.css"])
def test_every_response_has_the_security_headers(path: str, web: Visitor) -> None:
    headers = web.get(path).headers
    assert {name: headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert headers["Strict-Transport-Security"] == "max-age=31536000"


def test_an_error_has_the_security_headers(
    web: Visitor, errors: dict[int, Exception], page_that_raises: Callable[[Exception], str]
) -> None:
    headers = web.get(page_that_raises(errors[500])).headers
    assert {name: headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS


@pytest.mark.parametrize("path", ["/", "/static/style.css", "/no-such-page"])
def test_plain_http_is_sent_to_https(path: str, web: Visitor) -> None:
    response = web.get(f"{path}?a=1&b=%2F", base_url="http://localhost")
    assert response.status_code == 301
    assert response.headers["Location"] == f"https://localhost{path}?a=1&b=%2F"
    assert "Strict-Transport-Security" not in response.headers


@pytest.mark.parametrize(
    ("host", "hosts", "ours"),
    [
        ("shop.example", ["*"], True),
        ("shop.example/", ["*"], False),
        ("shop.example", [".shop.example"], True),
        ("www.shop.example:80", [".shop.example"], True),
        ("www.shop.example", ["shop.example"], False),
        ("shop.example", [], False),
    ],
)
def test_its_hosts_are_those_it_was_given(host: str, hosts: list[str], ours: bool) -> None:
    assert is_allowed(host, hosts) is ours


def test_a_refused_host_is_logged_with_the_cure(web: Visitor, log: list[str]) -> None:
    response = web.get("/", headers={"Host": "shop.example"})
    assert response.status_code == 400
    assert re.search(r"heroku config:set ALLOWED_HOSTS=\S*shop\.example", log[0])


def test_the_cure_repeats_no_shell_code(web: Visitor, log: list[str]) -> None:
    assert web.get("/", headers={"Host": "a;id"}).status_code == 400
    assert "config:set" not in log[0]


@pytest.mark.parametrize("sent", ["", "with space", "a\x1b[2Jb", "x" * 201, "ä"])
def test_a_request_id_that_could_forge_a_log_line_is_replaced(sent: str, web: Visitor) -> None:
    request_id = web.get("/", headers={"X-Request-Id": sent}).headers["X-Request-Id"]
    assert request_id != sent
    assert len(request_id) == 32
    assert request_id.isalnum()


def test_the_routers_request_id_is_kept(web: Visitor) -> None:
    sent = "3f6a1c52-a2b5-4f4c-a2c4-0d9d2a1a9f10"
    assert web.get("/", headers={"X-Request-Id": sent}).headers["X-Request-Id"] == sent


@pytest.mark.parametrize(
    ("peer", "forwarded", "trusted", "address"),
    [
        ("10.0.0.1", "203.0.113.9", "", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.7, 203.0.113.9", "", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.7,203.0.113.9", "", "203.0.113.9"),
        ("10.0.0.1", "", "", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.9,", "", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.9, nonsense", "", "10.0.0.1"),
        ("10.0.0.1", "::ffff:203.0.113.9", "", "203.0.113.9"),
        ("10.0.0.1", "2001:DB8::0:1", "", "2001:db8::1"),
        ("::ffff:10.0.0.1", "", "", "10.0.0.1"),
        ("::ffff:10.0.0.1", "198.51.100.7", "10.0.0.1", "198.51.100.7"),
        ("10.0.0.1", "198.51.100.7", "192.0.2.1,10.0.0.0/8", "198.51.100.7"),
        ("192.0.2.9", "198.51.100.7", "192.0.2.1,10.0.0.0/8", "192.0.2.9"),
        ("", "198.51.100.7", "10.0.0.1", "198.51.100.7"),
        ("", "", "", ""),
    ],
)
def test_a_visitor_is_whom_the_router_saw(
    peer: str, forwarded: str, trusted: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", trusted)
    environ = {"REMOTE_ADDR": peer, "HTTP_X_FORWARDED_FOR": forwarded}
    assert visitor(environ) == address
    # Asked again further inside, it is the same.
    assert visitor(environ | {"REMOTE_ADDR": address}) == address


def test_the_application_sees_the_visitors_address() -> None:
    seen = []

    def application(environ: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]:
        seen.append((environ["REMOTE_ADDR"], environ["PEER_ADDR"]))
        start_response("200 OK", [])
        return []

    router = {"REMOTE_ADDR": "10.0.0.1"}
    whole = Middleware(application, hosts=["localhost"], services={}, error=lambda status, environ: ("", {}))
    Visitor(whole).get("/", headers={"X-Forwarded-For": "203.0.113.9"}, environ_overrides=router)
    assert seen == [("203.0.113.9", "10.0.0.1")]


def test_a_response_keeps_the_headers_that_it_has() -> None:
    own = {name.lower(): "own" for name in [*SECURITY_HEADERS, "Content-Security-Policy", "Strict-Transport-Security"]}

    def application(environ: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]:
        start_response("200 OK", [*own.items(), ("X-Request-Id", "another")])
        return []

    whole = Middleware(
        application,
        hosts=["localhost"],
        services={},
        error=lambda status, environ: ("", {}),
        csp={"default-src": "'self'"},
        csp_report_only={"default-src": "'none'"},
    )
    headers = Visitor(whole).get("/", headers={"X-Request-Id": "this"}).headers
    assert {name: headers.getlist(name) for name in own} == {name: ["own"] for name in own}
    assert headers.getlist("X-Request-Id") == ["this"]
    assert headers.getlist("Content-Security-Policy-Report-Only") == ["default-src 'none'"]
