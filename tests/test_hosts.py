"""A generated project answers its own hosts only, and leads nobody elsewhere: by no link in a mail, by no redirect."""

import http.client
import uuid
from functools import partial
from urllib.parse import urlsplit

import pytest

from tests.conftest import thorough
from tests.dyno import PATIENCE, Dyno, running
from tests.projects import Project
from tests.visitor import REDIRECTS, Visitor

pytestmark = thorough

HEROKU = "my-project.herokuapp.com"
# As the router tells of a visitor.
STRANGER = {"X-Forwarded-For": "203.0.113.9"}
PLATFORMS = {
    "heroku": ({}, HEROKU, "my-project.onrender.com"),
    "heroku with metadata": ({"HEROKU_APP_DEFAULT_DOMAIN_NAME": HEROKU}, HEROKU, "evil.herokuapp.com"),
    "fly": ({"DYNO": "", "FLY_APP_NAME": "my-project"}, "my-project.fly.dev", "evil.fly.dev"),
    "railway": (
        {"DYNO": "", "RAILWAY_PUBLIC_DOMAIN": "my-project.up.railway.app"},
        "my-project.up.railway.app",
        "evil.up.railway.app",
    ),
    "render": (
        {"DYNO": "", "RENDER_EXTERNAL_HOSTNAME": "my-project.onrender.com"},
        "my-project.onrender.com",
        "evil.onrender.com",
    ),
    "scalingo": (
        {"DYNO": "", "APP": "my-project", "REGION_NAME": "osc-fr1"},
        "my-project.osc-fr1.scalingo.io",
        "evil.osc-fr1.scalingo.io",
    ),
}


# Boots the project with one worker.
serving = partial(running, WEB_CONCURRENCY="1")


def status(dyno: Dyno, host: str) -> int:
    return dyno.get("/", headers=STRANGER | {"Host": host}).status_code


def check_health(dyno: Dyno) -> None:
    """Assert that whoever looks after it may ask by any host."""
    for host in "10.0.0.1", "shop.example":
        assert dyno.get("/healthz", headers=STRANGER | {"Host": host}).status_code == 200
        assert dyno.get("/readyz", headers=STRANGER | {"Host": host}).json() == {"database": "missing"}


@pytest.mark.parametrize("platform", PLATFORMS)
def test_answers_the_host_that_the_platform_names(platform: str, project: Project) -> None:
    variables, own, foreign = PLATFORMS[platform]
    with serving(project, **variables) as dyno:
        assert [status(dyno, host) for host in (own, own.upper(), f"{own}.:443")] == [200] * 3
        others = foreign, f"{own}.evil.example", f"x{own}", "localhost", "127.0.0.1:8000", "evil.example", ""
        assert [host for host in others if status(dyno, host) != 400] == ([] if variables else [f"x{HEROKU}"])


def test_answers_localhost_to_its_own_machine_only(project: Project) -> None:
    """A visitor of a proxy on this machine is no part of it."""
    with serving(project, DYNO="") as dyno:
        for host in "localhost", "localhost:8000", "127.0.0.1", "[::1]:8000":
            assert dyno.get("/", headers={"Host": host}).status_code == 200
            assert status(dyno, host) == 400
        check_health(dyno)
    with serving(project, DYNO="", ALLOWED_HOSTS="localhost") as dyno:
        assert status(dyno, "localhost") == 200


def test_says_how_to_allow_a_host_in_words_that_it_takes_itself(project: Project) -> None:
    with serving(project) as dyno:
        assert status(dyno, "Shop.example.:8000") == 400
        cure = dyno.wait_for("was refused")[0].rpartition("ALLOWED_HOSTS=")[2].split('"')[0]
    assert cure == ".herokuapp.com,shop.example"
    with serving(project, ALLOWED_HOSTS=cure) as dyno:
        assert [status(dyno, host) for host in ("shop.example:8000", HEROKU, "localhost")] == [200, 200, 400]


@pytest.mark.parametrize("value", ["https://www.example.com/", "www.example.com:443", ".example.com", "*"])
def test_refuses_a_canonical_host_that_is_no_name(value: str, project: Project) -> None:
    result = project.run(project.processes["web"], PORT="5000", CANONICAL_HOST=value)
    assert result.returncode == 1
    assert result.stderr.startswith("CANONICAL_HOST is ")
    assert result.stderr.count("\n") == 1


def test_leads_every_other_host_to_the_canonical_one(project: Project) -> None:
    variables = {"CANONICAL_HOST": "www.shop.example", "ALLOWED_HOSTS": "shop.example,www.shop.example"}
    with serving(project, **variables) as dyno:
        assert status(dyno, "www.shop.example") == 200
        for method, https in ("GET", True), ("POST", True), ("GET", False):
            response = dyno.request(method, "/a?b=%2F", https, headers=STRANGER | {"Host": "shop.example"})
            assert (response.status_code, response.headers["Location"]) == (308, "https://www.shop.example/a?b=%2F")
        assert status(dyno, "evil.example") == 400
        check_health(dyno)


# Links in mails

LINKS = {
    "the canonical host": ({"CANONICAL_HOST": "Shop.example", "ALLOWED_HOSTS": "*"}, "shop.example:81", "shop.example"),
    "the first name": (
        {"ALLOWED_HOSTS": ".onrender.com,203.0.113.1,localhost,www.shop.example,shop.example"},
        "evil.onrender.com",
        "www.shop.example",
    ),
    "the platform's name": (
        {"DYNO": "", "RENDER_EXTERNAL_HOSTNAME": "shop.onrender.com"},
        "shop.onrender.com.:8443",
        "shop.onrender.com",
    ),
    "the platform's name among any": (
        {"DYNO": "", "RENDER_EXTERNAL_HOSTNAME": "shop.onrender.com", "ALLOWED_HOSTS": "*"},
        "evil.example",
        "shop.onrender.com",
    ),
    "what Heroku's router has found": ({}, f"{HEROKU}.:8443", HEROKU),
    "the address that is allowed": ({"ALLOWED_HOSTS": "203.0.113.1"}, "203.0.113.1:81", "203.0.113.1"),
    "this machine": ({"DEBUG": "on", "HTTPS": "on", "CANONICAL_HOST": "shop.example"}, "localhost:81", "localhost:81"),
}


def mailed(dyno: Dyno, path: str, host: str) -> str:
    """The link, as it is, that somebody who came to a host has mailed to an address."""
    response = Visitor(dyno, host).submit(path, email=f"{uuid.uuid4().hex}@example.com")
    assert response.status_code in REDIRECTS, response.text
    request_id = response.headers["X-Request-Id"]
    return dyno.wait_for(rf"request_id={request_id} \| https?://")[-1].partition(" | ")[2]


@pytest.mark.parametrize("case", LINKS)
def test_mails_links_to(case: str, project: Project, database_url: str) -> None:
    variables, requested, host = LINKS[case]
    with serving(project, DATABASE_URL=database_url, **variables) as dyno:
        for path in "/accounts/signup/", "/accounts/reset/":
            assert urlsplit(mailed(dyno, path, requested))[:2] == ("https", host)


@pytest.mark.parametrize("allowed", ["*", ".shop.example", ".onrender.com"])
def test_mails_no_link_where_no_host_is_certain(allowed: str, project: Project, database_url: str) -> None:
    cure = "heroku config:set CANONICAL_HOST="
    with serving(project, DATABASE_URL=database_url, ALLOWED_HOSTS=allowed) as dyno:
        assert [line for line in dyno.log if "logger=config " in line and cure in line]
        visitor = Visitor(dyno, f"evil{allowed}".replace("*", ".example"))
        for path in "/accounts/signup/", "/accounts/reset/":
            response = visitor.submit(path, email="you@example.com")
            assert response.status_code == 503
            assert "The mail could not be sent just now." in response.text
        dyno.wait_for(f"level=error logger=accounts.views .*{cure}", times=2)
        assert not [line for line in dyno.log if "Traceback" in line]


# Redirects

TARGETS = [
    "http://evil.example/",
    "https://evil.example/accounts/login",
    "@evil.example/",
    ".evil.example/",
    ":80@evil.example/",
    "//evil.example/",
    "///evil.example/accounts/login",
    "/\\evil.example/",
    "\\\\evil.example/",
    "/%5Cevil.example/",
    "/%2F/evil.example/..",
    "//evil.example/accounts/login",
    "//evil.example/accounts/",
    "//accounts/login",
    "/accounts//evil.example",
    "/accounts/login?next=//evil.example/",
    "/accounts/?next=//evil.example/",
    "/favicon.ico",
    "/static//evil.example/",
    "*",
    "",
]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_redirects_nobody_to_another_site(scheme: str, dyno: Dyno) -> None:
    redirects = {}
    for target in TARGETS:
        connection = http.client.HTTPConnection("127.0.0.1", dyno.port, timeout=PATIENCE)
        connection._validate_path = lambda url: None  # type: ignore[attr-defined]
        connection.putrequest("GET", "/", skip_host=True)
        connection._buffer[0] = f"GET {target} HTTP/1.1".encode()  # type: ignore[attr-defined]
        for name, value in {"Host": f"{HEROKU}.:80", "X-Forwarded-Proto": scheme}.items():
            connection.putheader(name, value)
        connection.endheaders()
        response = connection.getresponse()
        if location := response.headers["Location"]:
            redirects[target] = location
        connection.close()
    assert redirects.pop("/favicon.ico") == "/static/icon.svg"
    own = f"https://{HEROKU}/" if scheme == "http" else ("/", f"https://{HEROKU}/", f"https://{HEROKU}.:80/")
    assert {target: where for target, where in redirects.items() if not where.startswith(own)} == {}
    assert [where for where in redirects.values() if where.startswith(("//", "/\\"))] == []
    if scheme == "http":
        taken_over = [target for target, where in redirects.items() if urlsplit(where).path != "/"]
        assert [target for target in taken_over if target[:2] in {"//", "/\\"} or target[:1] != "/"] == []
        assert redirects["/accounts/login?next=//evil.example/"].endswith("/accounts/login?next=//evil.example/")


# Static files


def test_publishes_assets_only(project: Project) -> None:
    hidden = [".env", ".git/config", "pages.css~"]
    published = project.path / "staticfiles"
    for folder in project.path / "pages" / "static", published, published / "static":
        for name in hidden if folder.is_dir() else []:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text("secret")
    with serving(project) as dyno:
        for name in [*hidden, "staticfiles.json", "staticfiles.json.gz", "manifest.json"]:
            assert dyno.get(f"/static/{name}").status_code == 404, name
        assert dyno.get("/static/style.css").status_code == 200
