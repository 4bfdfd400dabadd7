"""The push that cannot fail: with nothing configured, with everything, and with what lies between."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import combinations
from pathlib import Path

import pytest

from tests.conftest import thorough
from tests.dyno import SECRET_KEY, running
from tests.ports import free_port
from tests.projects import Project
from tests.services import cache_server, mail_server
from tests.visitor import REDIRECTS, Visitor

pytestmark = thorough

HOST = "www.shop.example"
# What the log of a boot asks for, where it is not set.
ADVICE = {
    "DATABASE_URL": "heroku addons:create heroku-postgresql",
    "EMAIL_URL": "heroku config:set EMAIL_URL=",
    "SECRET_KEY": "heroku config:set SECRET_KEY=",
}
VARIABLES = ["ALLOWED_HOSTS", "DATABASE_URL", "EMAIL_URL", "REDIS_URL", "SECRET_KEY"]
# Nothing, each alone, all but each, and everything.
STEPS = [frozenset(step) for size in (0, 1, 4, 5) for step in combinations(VARIABLES, size)]


@pytest.fixture(scope="module")
def attached(
    project: Project, new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """Every variable, as a platform would set it when its service is attached."""
    with ExitStack() as services:
        mail = services.enter_context(mail_server("smtps", tmp_path_factory.mktemp("mail")))
        yield {
            "ALLOWED_HOSTS": HOST,
            "DATABASE_URL": new_database(),
            "EMAIL_FROM": "us@shop.example",
            "EMAIL_URL": mail.url,
            "REDIS_URL": services.enter_context(cache_server(tmp_path_factory.mktemp("cache"), tls=True)),
            "SECRET_KEY": SECRET_KEY,
            "SSL_CERT_FILE": str(mail.authority),
        }


@pytest.mark.parametrize("step", STEPS, ids=lambda step: "+".join(sorted(step)) or "nothing")
def test_serves_with_whatever_is_set_and_asks_for_the_rest(
    step: frozenset[str], project: Project, attached: dict[str, str]
) -> None:
    always = {name: attached[name] for name in ("EMAIL_FROM", "SSL_CERT_FILE")} if "EMAIL_URL" in step else {}
    variables = always | {name: attached[name] for name in step}
    release = project.run(project.processes["release"], DYNO="release.1", **variables)
    assert release.returncode == 0, release.stderr
    assert "plugin" not in release.stdout  # of Alembic, of which nobody asked for the names
    with running(project, **variables) as dyno:
        own, foreign = (HOST, "my-project.herokuapp.com")
        if "ALLOWED_HOSTS" not in step:
            own, foreign = foreign, own
        assert dyno.get("/", headers={"Host": own}).status_code == 200
        assert dyno.get("/", headers={"Host": own}, https=False).headers["Location"] == f"https://{own}/"
        assert dyno.get("/", headers={"Host": foreign}).status_code == 400
        assert [dyno.get("/healthz", https=https).status_code for https in (True, False)] == [200, 200]

        states = {"database": "ok" if "DATABASE_URL" in step else "missing"}
        states |= {"jobs": "ok"} if "DATABASE_URL" in step else {}
        states |= {"cache": "ok"} if "REDIS_URL" in step else {}
        ready = dyno.get("/readyz")
        assert ready.json() == states
        assert ready.status_code == (200 if "DATABASE_URL" in step else 503)

        sign_up = Visitor(dyno, own).get("/accounts/signup/")
        assert sign_up.status_code == (200 if "DATABASE_URL" in step else 503)
        if "DATABASE_URL" in step:
            sent = Visitor(dyno, own).submit("/accounts/signup/", email="you@example.com")
            assert sent.status_code in {*REDIRECTS, 429}

        asked = [line for line in dyno.log if "logger=config " in line]
        assert len(asked) == len(ADVICE.keys() - step)
        for name, command in ADVICE.items():
            assert [command in line for line in asked].count(True) == (0 if name in step else 1)
        assert dyno.stop() == 0


def test_boots_where_no_buildpack_prepares_anything(project: Project) -> None:
    """As on Dokku, whose containers have no cgroup v1 files and none of the buildpack's variables."""
    nothing = dict.fromkeys(["DYNO", "FORWARDED_ALLOW_IPS", "WEB_CONCURRENCY"], "")
    port = str(free_port())
    with running(project, PORT=port, GUNICORN_CMD_ARGS=f"--bind 127.0.0.1:{port}", **nothing) as dyno:
        assert dyno.wait_for(r"Serving with workers: \d+ \(\d+ MB of ")
        assert dyno.get("/").status_code == 200
        assert dyno.get("/", https=False).status_code == 301
        dyno.wait_for("gunicorn.access method=GET path=/ status=200")


def test_boots_where_the_platform_has_arguments_of_its_own(project: Project) -> None:
    """As on Render, which preloads, logs and binds by GUNICORN_CMD_ARGS."""
    port = str(free_port())
    arguments = f"--preload --access-logfile - --bind=127.0.0.1:{port}"
    with running(project, DYNO="", PORT=port, GUNICORN_CMD_ARGS=arguments, WEB_CONCURRENCY="1") as dyno:
        assert dyno.get("/").status_code == 200
        assert dyno.stop() == 0


def test_describes_itself_to_the_platform(project: Project) -> None:
    content = json.loads((project.path / "app.json").read_text())
    assert content["env"]["SECRET_KEY"]["generator"] == "secret"
    assert "heroku-postgresql:essential-0" in content["addons"]
    assert content["formation"].keys() == project.processes.keys() - {"release"}
    # A button makes nobody pay for a worker.
    assert {name: process["quantity"] for name, process in content["formation"].items()} == {"web": 1, "worker": 0}
    result = project.run(content["environments"]["test"]["scripts"]["test"], tools=True, DYNO="test.1", CI="true")
    assert result.returncode == 0, result.stdout


def test_every_command_of_its_readme_is_one_that_exists(project: Project) -> None:
    """Heroku's own are checked against its documentation by hand; ours here."""
    readme = "".join((project.path / name).read_text() for name in ("README.md", "GUIDE.md"))
    targets = set(re.findall(r"(?:^    |`)make ([a-z]+)", readme, re.MULTILINE))
    makefile = (project.path / "Makefile").read_text()
    assert targets
    assert {target for target in targets if not re.search(rf"^{target}:", makefile, re.MULTILINE)} == set()
    assert {
        path for path in re.findall(r"\| `([^`*]+)` \|", readme) if not (project.path / Path(path)).exists()
    } == set()
