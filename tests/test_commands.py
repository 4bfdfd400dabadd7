"""A generated project's own commands, and its own tests."""

import html
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from tests.conftest import thorough
from tests.dyno import PATIENCE, Server
from tests.ports import free_port
from tests.privileges import hand_over
from tests.projects import FRAMEWORKS, PYTHON, RUNNABLE, Project, python_for_all, registry_settings, render

NAME = "<b>*'%s' & {x} #1: $HOME `id` é世界🙂 שלום"

# On PYTHON itself, `make lint test` in a fresh project does the same.
elsewhere = pytest.mark.parametrize(
    "project", [variant for variant in RUNNABLE if variant.python != PYTHON], indirect=True, ids=str
)


@elsewhere
def test_passes_its_own_tests(project: Project) -> None:
    result = project.run("python -m pytest", tools=True)
    assert result.returncode == 0, result.stdout


@thorough
def test_passes_its_own_tests_on_postgresql(project: Project, new_database: Callable[[], str]) -> None:
    result = project.run("python -m pytest", tools=True, DATABASE_URL=new_database())
    assert result.returncode == 0, result.stdout


@elsewhere
def test_is_fully_typed(project: Project) -> None:
    result = project.run("mypy --cache-dir /dev/null .", tools=True)
    assert result.returncode == 0, result.stdout


@pytest.fixture(scope="module", autouse=True)
def python_in_path(shared: Path) -> Iterator[None]:
    """The Python that a project finds first is one that a server without privileges can run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(Path(python_for_all(PYTHON, shared)).parent), prepend=os.pathsep)
        yield


@pytest.fixture(scope="module", params=FRAMEWORKS)
def fresh(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project as it is after generation, with nothing installed, and with a name that few would choose."""
    answers = {"framework": request.param, "project_name": NAME, "project_slug": "abc", "python_version": PYTHON}
    return render(tmp_path_factory.mktemp("fresh"), **answers)


def environment(home: Path, **variables: str) -> dict[str, str]:
    """A new user's environment, who can download packages."""
    return registry_settings() | {"HOME": str(home), "PATH": os.environ["PATH"], "TMPDIR": str(home)} | variables


def make(project: Path, *targets: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", *targets],
        cwd=project,
        env=environment(project.parent, **variables),
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def test_help_names_every_command(fresh: Path) -> None:
    listed = set(re.findall(r"^make (\w+) +\S", make(fresh).stdout, re.MULTILINE))
    assert listed == {"doctor", "help", "lint", "lock", "run", "serve", "test"}


@pytest.mark.parametrize("target", ["doctor", "lint", "lock", "run", "serve", "test"])
def test_each_command_would_set_up_first(target: str, fresh: Path) -> None:
    assert not (fresh / ".venv").exists()
    set_up, _, own = make(fresh, "--dry-run", target).stdout.partition("touch .venv/ready\n")
    assert "pip install" in set_up
    assert own


def test_one_command_sets_up_tests_and_lints(fresh: Path) -> None:
    result = make(fresh, "lint", "test")
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"Using Python {PYTHON}" in result.stderr
    assert " passed" in result.stdout


def test_is_installed_by_the_platforms_own_tool(fresh: Path) -> None:
    """Pip takes both locks at once, as a platform's test run does, adds nothing to them, and finds nothing missing."""
    make(fresh, ".venv/ready").check_returncode()
    pip = [fresh / ".venv" / "bin" / "python", "-m", "pip", "--disable-pip-version-check"]
    locks = ["--dry-run", "--require-hashes", "-r", "requirements.txt", "-r", "requirements-test.txt"]
    result = subprocess.run([*pip, "install", *locks], cwd=fresh, check=True, capture_output=True, text=True)
    assert "Would install" not in result.stdout
    subprocess.run([*pip, "check"], check=True)


@pytest.mark.parametrize("target", ["run", "serve"])
def test_serves_from_a_fresh_state(target: str, fresh: Path) -> None:
    make(fresh, ".venv/ready").check_returncode()
    for path in (fresh / ".env", fresh / "db.sqlite3"):
        path.unlink(missing_ok=True)
    # Its owner's own: the key, the database and the static files are written here.
    hand_over(fresh.parent)
    port = free_port()
    server = Server(["make", target], fresh, environment(fresh.parent, PORT=str(port)))
    try:
        # Django's and Flask's development servers and Gunicorn, each in its own words, once they accept requests.
        server.wait_for(r"Quit the server with|Press CTRL\+C|Serving with")
        response = requests.get(f"http://127.0.0.1:{port}/", timeout=PATIENCE)
        assert response.status_code == 200
        assert f"<h1>{NAME}</h1>" in html.unescape(response.text)
        ready = requests.get(f"http://127.0.0.1:{port}/readyz", timeout=PATIENCE)
        assert ready.json() == {"database": "ok"}
    finally:
        server.stop()


def test_a_developer_stays_logged_in_over_a_restart(fresh: Path) -> None:
    (fresh / ".env").unlink(missing_ok=True)
    make(fresh, ".env").check_returncode()
    assert re.search(r"^SECRET_KEY=[0-9a-f]{64}$", (fresh / ".env").read_text(), re.MULTILINE)


def test_lock_takes_no_release_that_is_too_young(fresh: Path) -> None:
    result = make(fresh, "lock", "UPGRADE=--upgrade", "MIN_AGE=9999 days")
    assert result.returncode != 0
    assert "No solution found" in result.stderr


def test_lock_says_what_it_changed(fresh: Path) -> None:
    """Last, since whatever comes after new locks installs anew."""
    locks = [fresh / "requirements.txt", fresh / "requirements-test.txt"]
    before = [lock.read_text() for lock in locks]
    locks[0].write_text(re.sub(r"brotli==.*\n(?: .*\n)+", "", before[0]))
    # Or the changed lock would be installed first.
    (fresh / ".venv" / "ready").touch()
    result = make(fresh, "lock")
    assert result.returncode == 0, result.stdout + result.stderr
    assert [lock.read_text() for lock in locks] == before
    assert re.fullmatch(r"requirements.txt:\n\+brotli==\S+\nrequirements-test.txt:\n  as before\n", result.stdout)


def test_says_in_one_line_that_no_python_was_found(fresh: Path) -> None:
    sh = Path(shutil.which("sh") or "/bin/sh")
    tools = fresh.parent / "tools"
    tools.mkdir()
    (tools / "sed").symlink_to(shutil.which("sed") or "sed")
    result = subprocess.run(
        [sh, "bin/find-python", "3.99"],
        cwd=fresh,
        env={"PATH": str(tools)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("No Python 3.99")
