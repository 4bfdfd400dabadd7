"""A generated project, seen from outside: the same for every framework, whose name appears nowhere here."""

import re
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tinyhtml5.parser import HTMLParser

from tests.dyno import Dyno, running
from tests.ports import free_port
from tests.privileges import IS_ROOT, SETPRIV
from tests.projects import Project

ACCESS_LINE = re.compile(
    r"level=info logger=gunicorn\.access method=GET path=(?P<path>\S+) status=(?P<status>\d{3}) duration_ms=\d+ "
    r"request_id=(?P<request_id>\S+) client=127\.0\.0\.1 fwd=\S+"
)
SECURITY_HEADERS = {
    "Content-Security-Policy",
    "Cross-Origin-Opener-Policy",
    "Cross-Origin-Resource-Policy",
    "Permissions-Policy",
    "Referrer-Policy",
    "X-Content-Type-Options",
    "X-Frame-Options",
}


def stylesheet(dyno: Dyno) -> str:
    match = re.search(r'href="(/static/style[^"]*\.css)"', dyno.get("/").text)
    assert match
    return match[1]


# Pages


def test_serves_its_home_page(dyno: Dyno) -> None:
    response = dyno.get("/")
    assert response.status_code == 200
    assert "<h1>My Project</h1>" in response.text


@pytest.mark.parametrize("path", ["/", "/no-such-page"])
def test_serves_html_that_a_browser_need_not_mend(path: str, dyno: Dyno) -> None:
    parser = HTMLParser()
    parser.parse(dyno.get(path).text)
    assert parser.errors == []


def test_sends_plain_http_to_https(dyno: Dyno) -> None:
    response = dyno.get("/some/page?a=1", https=False, headers={"Host": "my-project.herokuapp.com"})
    assert response.status_code == 301
    assert response.headers["Location"] == "https://my-project.herokuapp.com/some/page?a=1"


def test_refuses_a_foreign_host_and_says_how_to_allow_it(dyno: Dyno) -> None:
    assert dyno.get("/", headers={"Host": "shop.example"}).status_code == 400
    dyno.wait_for(r"level=warning .*'shop\.example' was refused.* heroku config:set ALLOWED_HOSTS=\S*shop\.example")


# Health


@pytest.mark.parametrize("https", [True, False])
def test_is_alive_for_whoever_asks(https: bool, dyno: Dyno) -> None:
    response = dyno.get("/healthz", https=https, headers={"Host": "10.0.0.1:5000"})
    assert (response.status_code, response.text) == (200, "ok\n")


def test_is_ready_with_its_database(dyno: Dyno) -> None:
    response = dyno.get("/readyz", https=False, headers={"Host": "10.0.0.1:5000"})
    assert (response.status_code, response.json()) == (200, {"database": "ok", "jobs": "ok"})


def test_does_not_log_health_checks(dyno: Dyno) -> None:
    dyno.get("/healthz")
    dyno.get("/readyz")
    dyno.get("/after-the-health-checks")
    dyno.wait_for("after-the-health-checks")
    assert not [line for line in dyno.log if "healthz" in line or "readyz" in line]


# Headers and static files


@pytest.mark.parametrize(
    ("path", "host"),
    [
        ("/", "localhost"),
        ("/healthz", "localhost"),
        ("/readyz", "localhost"),
        ("/static/style.css", "localhost"),
        ("/no-such-page", "localhost"),
        ("/", "foreign.example"),
    ],
)
def test_sends_security_headers_with_everything(path: str, host: str, dyno: Dyno) -> None:
    headers = dyno.get(path, headers={"Host": host}).headers
    assert SECURITY_HEADERS - set(headers) == set()
    assert headers["Strict-Transport-Security"] == "max-age=31536000"
    assert "unsafe" not in headers["Content-Security-Policy"]


def test_names_static_files_by_their_content(dyno: Dyno) -> None:
    assert re.fullmatch(r"/static/style\.[0-9a-f]{12}\.css", stylesheet(dyno))


@pytest.mark.parametrize("encoding", ["br", "gzip", "identity"])
def test_serves_static_files_compressed_and_for_ever(encoding: str, dyno: Dyno) -> None:
    response = dyno.get(stylesheet(dyno), headers={"Accept-Encoding": encoding}, stream=True)
    assert response.status_code == 200
    assert "immutable" in response.headers["Cache-Control"]
    assert response.headers.get("Content-Encoding", "identity") == encoding
    assert "Access-Control-Allow-Origin" not in response.headers


# Log


def test_logs_a_request_in_one_line(dyno: Dyno) -> None:
    request_id = dyno.get("/logged%0d%0alevel=error?token=secret").headers["X-Request-Id"]
    line = dyno.wait_for(f"gunicorn.access .*request_id={request_id}")[0]
    match = ACCESS_LINE.fullmatch(line)
    assert match
    assert match["status"] == "404"
    assert not [line for line in dyno.log if "token" in line or line.startswith("level=error")]


def test_keeps_the_routers_request_id_from_log_to_page(dyno: Dyno) -> None:
    response = dyno.get("/no-such-page", headers={"X-Request-Id": "from-the-router"})
    assert response.headers["X-Request-Id"] == "from-the-router"
    assert "from-the-router" in response.text
    dyno.wait_for("gunicorn.access .*request_id=from-the-router")


def test_writes_nothing_but_events(dyno: Dyno) -> None:
    assert dyno.strays() == []


# What happens when something is missing, wrong or broken


def test_serves_with_nothing_configured(project: Project, probe: str) -> None:
    release = project.run(project.processes["release"])
    assert release.returncode == 0
    assert "no database attached" in release.stdout
    assert "heroku addons:create heroku-postgresql" in release.stdout
    with running(project, probe) as dyno:
        assert dyno.get("/").status_code == 200
        assert dyno.get("/readyz").json() == {"database": "missing"}
        assert dyno.get("/readyz").status_code == 503
        response = dyno.get("/data")
        assert response.status_code == 503
        assert "Back soon" in response.text
        for variable in ("heroku config:set SECRET_KEY=", "heroku addons:create heroku-postgresql"):
            assert len([line for line in dyno.log if "logger=config " in line and variable in line]) == 1


def test_answers_503_while_its_database_is_down(project: Project, probe: str, refusing_port: int) -> None:
    url = f"postgres://postgres@127.0.0.1:{refusing_port}/name"
    with running(project, probe, DATABASE_URL=url) as dyno:
        assert dyno.get("/").status_code == 200
        assert dyno.get("/data").status_code == 503
        ready = dyno.get("/readyz")
        assert (ready.status_code, ready.json()) == (503, {"database": "failing"})
        dyno.wait_for("The database does not answer: .*heroku pg:info")
        assert dyno.stop() == 0


def test_answers_from_its_database(project: Project, probe: str, database_url: str) -> None:
    with running(project, probe, DATABASE_URL=database_url) as dyno:
        assert dyno.get("/data").text == "42"


def test_demands_tls_of_a_database_elsewhere(project: Project, database_url: str) -> None:
    elsewhere = database_url.replace("127.0.0.1", "127.0.0.2")
    result = project.run(project.processes["release"], DATABASE_URL=elsewhere)
    assert result.returncode == 1
    assert "SSL" in result.stderr
    assert project.run(project.processes["release"], DATABASE_URL=f"{elsewhere}?sslmode=disable").returncode == 0


def test_fails_the_release_in_one_line_while_its_database_is_down(project: Project, refusing_port: int) -> None:
    url = f"postgres://postgres:hidden@127.0.0.1:{refusing_port}/name"
    result = project.run(project.processes["release"], DATABASE_URL=url)
    assert result.returncode == 1
    assert result.stderr.startswith("release: ")
    assert result.stderr.count("\n") == 1
    assert "hidden" not in result.stdout + result.stderr


def test_shows_a_calm_page_and_logs_the_traceback_of_a_bug(project: Project, probe: str) -> None:
    with running(project, probe) as dyno:
        response = dyno.get("/broken", headers={"X-Request-Id": "the-bug"})
        assert response.status_code == 500
        assert "the-bug" in response.text
        assert "RuntimeError" not in response.text
        dyno.wait_for("request_id=the-bug .*gunicorn.access|gunicorn.access .*request_id=the-bug")
        traceback = [line for line in dyno.log if line.startswith("request_id=the-bug | ")]
        assert traceback[0].endswith("Traceback (most recent call last):")
        assert traceback[-2:] == ["request_id=the-bug | RuntimeError: a bug", "request_id=the-bug | with two lines"]


def test_tells_a_program_of_an_error_in_json(project: Project, probe: str) -> None:
    program = {"Accept": "application/json", "X-Request-Id": "the-request"}
    with running(project, probe) as dyno:
        for path, status, title in ("/broken", 500, "Internal Server Error"), ("/data", 503, "Service Unavailable"):
            response = dyno.get(path, headers=program)
            assert response.headers["Content-Type"] == "application/problem+json"
            problem = response.json()
            assert problem.pop("detail")
            assert problem == {"type": "about:blank", "title": title, "status": status, "request_id": "the-request"}
        large = dyno.request("POST", "/api/", headers={"Content-Length": str(2**40)})
        assert (large.status_code, large.json()["title"]) == (413, "Content Too Large")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", "short"),
        ("SECRET_KEY_FALLBACKS", "short"),
        ("LOG_LEVEL", "loud"),
        ("DATABASE_URL", "postgres://user:hidden@host:port/name"),
        ("REDIS_URL", "http://host"),
        ("EMAIL_URL", "host"),
        ("DEBUG", "perhaps"),
        ("WEB_CONCURRENCY", "0"),
        ("WEB_THREADS", "many"),
        ("WEB_TIMEOUT", "600"),
        ("WEB_PRELOAD", "sometimes"),
        ("WEB_MAX_REQUESTS", "-1"),
        ("PORT", "http"),
    ],
)
def test_refuses_a_bad_variable_in_one_line(name: str, value: str, project: Project) -> None:
    result = project.run(project.processes["web"], **{"PORT": "5000", name: value})
    assert result.returncode == 1
    assert result.stderr.startswith(f"{name} is ")
    assert result.stderr.count("\n") == 1
    assert "hidden" not in result.stderr


def test_refuses_a_port_in_use_in_one_line(project: Project) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = project.run(f"{project.processes['web']} --bind 127.0.0.1:{port}")
    assert result.returncode == 1
    assert result.stderr == f"Port {port} is in use. Choose another: PORT=8001 before the same command.\n"


# The server


def test_serves_and_logs_with_gunicorn_alone(project: Project) -> None:
    port = str(free_port())
    with running(project, "gunicorn", PORT=port, GUNICORN_CMD_ARGS=f"--bind 127.0.0.1:{port}") as dyno:
        assert dyno.get("/").status_code == 200
        dyno.wait_for(r"gunicorn\.access method=GET path=/ status=200")


@pytest.mark.parametrize("preload", ["on", "off"])
def test_is_imported_once_and_shares_its_key(preload: str, project: Project, probe: str) -> None:
    with running(project, probe, WEB_CONCURRENCY="3", WEB_PRELOAD=preload) as dyno:
        dyno.wait_for("Booting worker", times=3)
        dyno.wait_for("probe imported", times=1 if preload == "on" else 3)
        answers: dict[int, str] = {}
        with ThreadPoolExecutor(8) as pool:
            while len(answers) < 3:
                for response in pool.map(dyno.get, ["/process"] * 24):
                    answers[response.json()["pid"]] = response.json()["key"]
        assert len(set(answers.values())) == 1
        assert len([line for line in dyno.log if "probe imported" in line]) == (1 if preload == "on" else 3)
        assert dyno.stop() == 0


def has_ipv6() -> bool:
    try:
        socket.create_server(("::", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


def test_listens_where_the_platform_says(project: Project) -> None:
    with running(project, GUNICORN_CMD_ARGS="--access-logfile -") as dyno:
        everywhere = r"\[::\]" if has_ipv6() else r"0\.0\.0\.0"
        dyno.wait_for(f"Listening at: http://{everywhere}:{dyno.port} ")
        assert dyno.get("/healthz").status_code == 200


def test_runs_as_a_dyno_does(project: Project) -> None:
    """The server, its workers and a release have no privileges, cannot get any, and can write to their home only."""
    with running(project) as dyno:
        dyno.wait_for("Booting worker", times=2)
        own = Path("/proc") / str(dyno.process.pid)
        if own.exists():
            children = (own / "task" / own.name / "children").read_text().split()
            assert len(children) == 2
            for process in own, *(own.parent / child for child in children):
                status = dict(re.findall(r"^(\w+):\s*(.*)$", (process / "status").read_text(), re.MULTILINE))
                assert {int(status[name], 16) for name in ("CapEff", "CapPrm", "CapAmb")} == {0}
                assert int(status["NoNewPrivs"]) == bool(SETPRIV)
                assert "0" not in status["Uid"].split() + status["Gid"].split() + status["Groups"].split()
    if IS_ROOT:
        for folder in project.path, project.path / "config", project.runtime, project.tools:
            assert project.run(f"touch {folder}/written").returncode == 1
            assert not (folder / "written").exists()
    assert project.run("sh -c 'touch $HOME/written $TMPDIR/written && rm $HOME/written'").returncode == 0


def test_stops_cleanly_and_leaves_nothing_behind(project: Project) -> None:
    def everything() -> set[str]:
        return {str(path) for folder in (project.path, project.home) for path in folder.rglob("*")}

    before = everything()
    with running(project) as dyno:
        assert dyno.get("/").status_code == 200
        assert dyno.stop() == 0
    assert everything() == before


def test_lists_every_variable_it_reads(project: Project, new_database: Callable[[], str]) -> None:
    listed = re.findall(r"^#?([A-Z_]+)=", (project.path / ".env.example").read_text(), re.MULTILINE)
    code = (
        "import os, runpy; from runtime import env; read = set(); text = env.text; "
        "env.text = lambda name, default=str(): read.add(name) or text(name, default); "
        "runpy.run_path('gunicorn.conf.py'); "
        "from runtime import work; work.threads(); print(*sorted(read))"
    )
    result = project.run(f'python -c "{code}"', REDIS_URL="rediss://localhost")
    # Gunicorn itself reads its arguments.
    assert sorted({*listed} - {"GUNICORN_CMD_ARGS"}) == result.stdout.split(), result.stderr
