"""Which hosts are ours, and where links and redirects lead."""

from collections.abc import Callable
from typing import Any

import pytest

from runtime import env, hosts
from runtime.hosts import NoHostError, is_allowed, site_host
from runtime.middleware import is_local, own_path
from tests.visitor import Visitor

VARIABLES = [
    "ALLOWED_HOSTS",
    "APP",
    "CANONICAL_HOST",
    "DYNO",
    "FLY_APP_NAME",
    "HEROKU_APP_DEFAULT_DOMAIN_NAME",
    "RAILWAY_PUBLIC_DOMAIN",
    "REGION_NAME",
    "RENDER_EXTERNAL_HOSTNAME",
]


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment in which no variable about hosts is set."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(env, "advice", [])


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({}, []),
        ({"DYNO": "web.1"}, [".herokuapp.com"]),
        ({"DYNO": "web.1", "HEROKU_APP_NAME": "shop"}, [".herokuapp.com"]),
        (
            {"DYNO": "web.1", "HEROKU_APP_DEFAULT_DOMAIN_NAME": "shop-1234567890ab.herokuapp.com"},
            ["shop-1234567890ab.herokuapp.com"],
        ),
        ({"FLY_APP_NAME": "shop"}, ["shop.fly.dev"]),
        ({"RAILWAY_PUBLIC_DOMAIN": "Shop.up.railway.app"}, ["shop.up.railway.app"]),
        ({"RENDER_EXTERNAL_HOSTNAME": "shop.onrender.com"}, ["shop.onrender.com"]),
        ({"APP": "shop", "REGION_NAME": "osc-fr1"}, ["shop.osc-fr1.scalingo.io"]),
        # Half of a name, or none at all.
        ({"APP": "shop"}, []),
        ({"REGION_NAME": "osc-fr1"}, []),
        ({"FLY_APP_NAME": "a b"}, []),
        ({"RENDER_EXTERNAL_HOSTNAME": "*"}, []),
        ({"RENDER_EXTERNAL_HOSTNAME": ".onrender.com"}, []),
    ],
)
def test_a_platform_names_the_host(
    variables: dict[str, str], named: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert hosts.platform_hosts() == named
    assert hosts.allowed_hosts() == [*named, *hosts.LOCAL_HOSTS]
    assert hosts.local_hosts(debug=False) == hosts.LOCAL_HOSTS
    monkeypatch.setenv("ALLOWED_HOSTS", "www.example.com")
    assert hosts.allowed_hosts() == ["www.example.com"]
    assert hosts.local_hosts(debug=False) == []


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        ("www.example.com", True),
        ("WWW.example.com.:8000", True),
        ("example.org", True),
        ("a.b.example.org", True),
        ("badexample.org", False),
        ("example.org.evil.example", False),
        ("[::1]:8000", True),
        ("example.com", False),
        ("www.example.com\n", False),
        ("www.example.com/x", False),
        ("www.example.com:80@evil.example", False),
        ("a_b.example.org", False),
        ("..example.org", False),
        ("www.example.com..", False),
        ("", False),
    ],
)
def test_a_host_is_ours_by_name_or_domain(host: str, ours: bool) -> None:
    assert is_allowed(host, ["www.example.com", ".example.org", "[::1]"]) is ours


@pytest.mark.parametrize(
    ("requested", "allowed", "canonical", "dyno", "host"),
    [
        ("evil.example", ["*"], "www.example.com", "", "www.example.com"),
        ("b.example.com", ["a.example.com", "b.example.com"], "", "", "a.example.com"),
        ("evil.fly.dev", [".fly.dev", "localhost", "192.0.2.1", "[::1]", "a.fly.dev"], "", "", "a.fly.dev"),
        ("a.herokuapp.com.:80", [".herokuapp.com"], "", "web.1", "a.herokuapp.com"),
        ("localhost:8000", ["localhost"], "", "", "localhost:8000"),
        ("192.0.2.1:8000", ["192.0.2.1"], "", "", "192.0.2.1"),
        # Elsewhere Heroku's domain is a pattern as any other.
        ("a.herokuapp.com", [".herokuapp.com"], "", "", None),
        ("herokuapp.com", [".herokuapp.com"], "", "web.1", None),
        ("evil.fly.dev", [".fly.dev"], "", "web.1", None),
        ("fly.dev", [".fly.dev"], "", "", None),
        ("evil.example", ["*"], "", "web.1", None),
        ("a.herokuapp.com", ["*"], "", "web.1", None),
    ],
)
def test_a_link_leads_to_what_is_certain(
    requested: str, allowed: list[str], canonical: str, dyno: str, host: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DYNO", dyno)
    assert site_host(requested, allowed, canonical, debug=True) == requested
    if host:
        assert site_host(requested, allowed, canonical, debug=False) == host
    else:
        with pytest.raises(NoHostError, match="heroku config:set CANONICAL_HOST="):
            site_host(requested, allowed, canonical, debug=False)


@pytest.mark.parametrize(
    ("peer", "visitor", "local"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("::ffff:127.0.0.1", "127.0.0.1", True),
        ("::1", "::1", True),
        ("127.0.0.1", "203.0.113.9", False),
        ("172.17.0.1", "127.0.0.1", False),
        ("172.17.0.1", "172.17.0.1", False),
        ("", "203.0.113.9", False),
        ("", "", True),
    ],
)
def test_a_request_is_local_if_nobody_else_is_behind_it(peer: str, visitor: str, local: bool) -> None:
    assert is_local({"PEER_ADDR": peer, "REMOTE_ADDR": visitor}) is local


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/", "/"),
        ("/a?b=%2F", "/a?b=%2F"),
        ("/a//b", "/a//b"),
        ("/\xc3\xa4", "/%C3%A4"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("http://evil.example/a", "/"),
        ("@evil.example", "/"),
        ("*", "/"),
        ("", "/"),
    ],
)
def test_a_redirect_repeats_a_path_of_ours_only(target: str, path: str) -> None:
    assert own_path(target) == path


# The one name of the site

CANONICAL = {"CANONICAL_HOST": "www.shop.example", "ALLOWED_HOSTS": ["www.shop.example", ".shop.example", "localhost"]}


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("host", ["shop.example", "old.shop.example:8443", "SHOP.example.", "localhost"])
@pytest.mark.parametrize("path", ["/", "/accounts/login/?next=/a%2Fb", "/static/style.css", "/no-such-page"])
def test_every_other_host_leads_to_the_canonical_one(
    path: str, host: str, scheme: str, application_with: Callable[..., Any]
) -> None:
    web = Visitor(application_with(**CANONICAL))
    for method in "GET", "POST":
        response = web.open(path, method=method, base_url=f"{scheme}://localhost", headers={"Host": host})
        assert response.status_code == 308
        assert response.headers["Location"] == f"https://www.shop.example{path}"


@pytest.mark.parametrize("host", ["www.shop.example", "WWW.Shop.Example.:443"])
def test_the_canonical_host_is_answered(host: str, application_with: Callable[..., Any]) -> None:
    web = Visitor(application_with(**CANONICAL))
    assert web.get("/", headers={"Host": host}).status_code == 200
    plain = web.get("/x", headers={"Host": host}, base_url="http://localhost")
    assert (plain.status_code, plain.headers["Location"]) == (301, "https://www.shop.example/x")


def test_health_has_no_canonical_host(application_with: Callable[..., Any]) -> None:
    web = Visitor(application_with(**CANONICAL))
    for path in "/healthz", "/readyz":
        assert web.get(path, headers={"Host": "10.0.0.1:5000"}).status_code == 200
        assert web.get(path, headers={"Host": "old.shop.example"}).status_code == 200


def test_a_foreign_host_leads_nowhere(application_with: Callable[..., Any]) -> None:
    web = Visitor(application_with(**CANONICAL))
    assert web.get("/", headers={"Host": "evil.example"}).status_code == 400
    target = {"RAW_URI": "//evil.example/", "HTTP_HOST": "shop.example"}
    assert web.get("/", environ_overrides=target).headers["Location"] == "https://www.shop.example/"


def test_without_tls_the_port_stays(application_with: Callable[..., Any]) -> None:
    web = Visitor(application_with(**CANONICAL, HTTPS=False))
    response = web.get("/a", base_url="http://localhost", headers={"Host": "old.shop.example:8080"})
    assert (response.status_code, response.headers["Location"]) == (308, "http://www.shop.example:8080/a")


@pytest.mark.parametrize("changes", [{"CANONICAL_HOST": ""}, {"DEBUG": True}])
def test_nobody_is_led_away_without_one_or_in_development(
    changes: dict[str, Any], application_with: Callable[..., Any]
) -> None:
    web = Visitor(application_with(**CANONICAL | changes))
    assert web.get("/", headers={"Host": "old.shop.example"}).status_code == 200
