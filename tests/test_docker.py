"""The Docker option. A builder is not always at hand, so its files are checked, and their commands run outside it."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import requests
import yaml

from tests.conftest import thorough
from tests.dyno import PATIENCE, Server
from tests.ports import free_port
from tests.projects import Project, registry_settings
from tests.services import cache_server

pytestmark = thorough


@pytest.fixture
def dockerized(project: Project, tmp_path: Path) -> Path:
    """The same project, generated with the option."""
    return replace(project.variant, options="docker").render(tmp_path)


def instructions(dockerfile: Path) -> list[tuple[str, str]]:
    """The instructions of a Dockerfile, in order."""
    lines = [line for line in dockerfile.read_text().splitlines() if line and not line.startswith("#")]
    return [(name, arguments) for name, _, arguments in (line.partition(" ") for line in lines)]


def last(dockerfile: Path, instruction: str) -> str:
    return [arguments for name, arguments in instructions(dockerfile) if name == instruction][-1]


def test_only_adds_files(project: Project, dockerized: Path, tmp_path: Path) -> None:
    plain = project.variant.render(tmp_path / "plain")
    names = {path.relative_to(dockerized).as_posix() for path in dockerized.rglob("*") if path.is_file()}
    others = {path.relative_to(plain).as_posix() for path in plain.rglob("*") if path.is_file()}
    assert names - others == {"Dockerfile", ".dockerignore", "compose.yaml"}
    assert others - names == set()
    assert all((plain / name).read_bytes() == (dockerized / name).read_bytes() for name in others)


def test_pleases_hadolint(dockerized: Path) -> None:
    subprocess.run(
        [shutil.which("hadolint", path=Path(sys.executable).parent), "Dockerfile"], cwd=dockerized, check=True
    )


def test_follows_the_compose_specification(dockerized: Path) -> None:
    command = ["-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yaml"]
    subprocess.run([sys.executable, *command], cwd=dockerized, check=True)


def test_is_based_on_the_python_that_was_asked_for(project: Project, dockerized: Path) -> None:
    bases = [arguments for name, arguments in instructions(dockerized / "Dockerfile") if name == "FROM"]
    assert {base.split()[0] for base in bases} == {f"python:{project.variant.python}-slim"}


def test_runs_as_nobody_in_particular(dockerized: Path) -> None:
    """A number, since an orchestrator that forbids root cannot look a name up."""
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", last(dockerized / "Dockerfile", "USER"))


def test_serves_by_the_dockerfiles_own_commands(project: Project, dockerized: Path) -> None:
    """Each is run, with its folders moved, in the order of the file."""
    dockerfile = dockerized / "Dockerfile"
    venv = dockerized.parent / "venv"
    environment = {"PATH": f"{venv}/bin:{os.defpath}", "PORT": str(free_port()), "PYTHONUNBUFFERED": "1"}
    commands = [command for name, command in instructions(dockerfile) if name == "RUN"]
    assert commands[0].startswith("python -m venv /venv && ")
    base = f"PATH={project.runtime}/bin:$PATH "  # the image's own Python
    for command in [base + commands[0], *commands[1:]]:
        moved = command.replace(" /venv", f" {venv}")
        subprocess.run(["sh", "-c", moved], cwd=dockerized, env=registry_settings() | environment, check=True)
    web = json.loads(last(dockerfile, "CMD"))
    assert web == shlex.split(project.processes["web"])
    bind = {"GUNICORN_CMD_ARGS": f"--bind 127.0.0.1:{environment['PORT']}"}
    server = Server(web, dockerized, environment | bind)
    healthy = json.loads(last(dockerfile, "HEALTHCHECK").removeprefix("CMD "))
    try:
        server.wait_for("Serving with")
        headers = {"X-Forwarded-Proto": "https"}
        page = requests.get(f"http://127.0.0.1:{environment['PORT']}/", headers=headers, timeout=PATIENCE)
        assert page.status_code == 200
        assert re.search(r"/static/style\.[0-9a-f]{12}\.css", page.text)
        subprocess.run(healthy, env=environment, check=True)
    finally:
        assert server.stop() == 0
    assert subprocess.run(healthy, env=environment, check=False, stderr=subprocess.DEVNULL).returncode != 0


def test_is_composed_for_development(project: Project, dockerized: Path, database_url: str, tmp_path: Path) -> None:
    """The services' own commands and variables, with the addresses of this machine's servers."""
    services = yaml.safe_load((dockerized / "compose.yaml").read_text())["services"]
    release, web = services["release"], services["web"]
    assert release["command"] == project.processes["release"]
    assert services["worker"]["command"] == project.processes["worker"]
    assert "sslmode=disable" in web["environment"]["DATABASE_URL"]
    port = str(free_port())
    with cache_server(tmp_path) as cache:
        variables = web["environment"] | {"DATABASE_URL": f"{database_url}?sslmode=disable", "REDIS_URL": cache}
        result = project.run(release["command"], folder=dockerized, **variables)
        assert result.returncode == 0, result.stderr
        bind = {"PORT": port, "GUNICORN_CMD_ARGS": f"--bind 127.0.0.1:{port}"}
        command = json.loads(last(dockerized / "Dockerfile", "CMD"))
        server = Server(command, dockerized, project.environment(variables | bind))
        try:
            server.wait_for("Serving with")
            ready = requests.get(f"http://127.0.0.1:{port}/readyz", timeout=PATIENCE)
            assert ready.json() == {"database": "ok", "cache": "ok", "jobs": "ok"}
            assert requests.get(f"http://127.0.0.1:{port}/", timeout=PATIENCE).status_code == 200
        finally:
            server.stop()


def test_keeps_what_is_private_out_of_the_image(dockerized: Path) -> None:
    patterns = [re.escape(line) for line in (dockerized / ".dockerignore").read_text().splitlines()]
    # Unlike Git, Docker looks for each from the root.
    rules = [pattern.replace(r"\*\*/", "(.*/)?").replace(r"\*", "[^/]*") for pattern in patterns]
    for name in ".env", ".git/HEAD", ".venv/bin/python", "db.sqlite3", "pages/__pycache__/x.pyc":
        parts = [part.as_posix() for part in [Path(name), *Path(name).parents]]
        assert any(re.fullmatch(rule, part) for rule in rules for part in parts), name
