"""A generated project's own commands, and its own tests."""

import html
import json
import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from tests.conftest import thorough
from tests.dyno import PATIENCE, Server
from tests.ports import free_port
from tests.privileges import hand_over
from tests.projects import (
    FRAMEWORKS,
    INTERPRETERS,
    PYTHON,
    RUNNABLE,
    Project,
    python_for_all,
    registry_settings,
    render,
)

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
    assert listed == {"doctor", "fix", "help", "jobs", "lint", "lock", "run", "serve", "test"}


@pytest.mark.parametrize("target", ["doctor", "fix", "jobs", "lint", "lock", "run", "serve", "test"])
def test_each_command_would_set_up_first(target: str, fresh: Path) -> None:
    assert not (fresh / ".venv").exists()
    set_up, _, own = make(fresh, "--dry-run", target).stdout.partition("touch .venv/ready\n")
    assert "bin/install" in set_up
    assert own
    assert "pip" not in own


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


def test_names_the_job_that_is_meant(fresh: Path) -> None:
    planned = make(fresh, "--dry-run", "jobs", "RETRY=7", "DELETE=8").stdout
    assert planned.split()[-5:] == ["jobs", "--retry", "7", "--delete", "8"]


@pytest.mark.parametrize("target", ["run", "serve"])
def test_runs_jobs_beside_what_it_serves(target: str, fresh: Path, new_database: Callable[[], str]) -> None:
    make(fresh, ".venv/ready").check_returncode()
    hand_over(fresh.parent)
    variables = {"DATABASE_URL": new_database(), "PORT": str(free_port())}
    server = Server(["make", target], fresh, environment(fresh.parent, **variables))
    try:
        server.wait_for(r"Quit the server with|Press CTRL\+C|Serving with")
        server.wait_for("Working with threads")
    finally:
        server.stop()
    server.wait_for("Stopped")


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
        # Its developer is told what Heroku has to be told, and nobody else.
        assert ("heroku ps:scale worker=1" in response.text) == (target == "run")
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


def test_lock_is_made_by_what_the_lock_pins(fresh: Path) -> None:
    make(fresh, ".venv/ready").check_returncode()
    version = subprocess.run([fresh / ".venv/bin/uv", "--version"], capture_output=True, text=True, check=True).stdout
    assert f"\nuv=={version.split()[1]} \\\n    --hash=sha256:" in (fresh / "requirements-test.txt").read_text()


def test_lock_touches_nothing_that_stays_the_same(fresh: Path) -> None:
    make(fresh, ".venv/ready").check_returncode()
    before = {path: path.stat().st_mtime_ns for path in [*fresh.glob("*"), fresh / ".venv" / "ready"]}
    result = make(fresh, "lock")
    assert result.returncode == 0, result.stderr
    assert result.stdout == "requirements.txt:\n  as before\nrequirements-test.txt:\n  as before\n"
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert make(fresh, "--question", ".venv/ready").returncode == 0


def test_lock_says_what_it_changed(fresh: Path) -> None:
    locks = [fresh / "requirements.txt", fresh / "requirements-test.txt"]
    before = [lock.read_text() for lock in locks]
    locks[0].write_text(re.sub(r"brotli==.*\n(?: .*\n)+", "", before[0]))
    result = make(fresh, "lock")
    assert result.returncode == 0, result.stdout + result.stderr
    assert [lock.read_text() for lock in locks] == before
    assert re.fullmatch(r"requirements.txt:\n\+brotli==\S+\nrequirements-test.txt:\n  as before\n", result.stdout)


@pytest.fixture
def small(fresh: Path, tmp_path: Path) -> Path:
    """The same project with a lock of two packages, installed."""
    copy = shutil.copytree(fresh, tmp_path / "abc", ignore=shutil.ignore_patterns(".venv"))
    lock = copy / "requirements-test.txt"
    kept = re.findall(r"^(?:fastjsonschema|packaging)==.*\n(?: .*\n)+", lock.read_text(), re.MULTILINE)
    assert len(kept) == 2
    lock.write_text("".join(kept))
    make(copy, ".venv/ready").check_returncode()
    assert installed(copy) == {"fastjsonschema", "packaging", "pip"}
    return copy


def installed(project: Path) -> set[str]:
    """The packages of a project's environment."""
    command = [project / ".venv" / "bin" / "python", "-m", "pip", "list", "--format", "json"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {package["name"] for package in json.loads(listed)}


def install_by_hand(project: Path) -> None:
    """Install a package that nobody has pinned, and that needs one which the lock has."""
    metadata = "Metadata-Version: 2.1\nName: byhand\nVersion: 1\nRequires-Dist: fastjsonschema\n"
    wheel = project / "byhand-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("byhand.py", "")
        archive.writestr("byhand-1.dist-info/METADATA", metadata)
        archive.writestr("byhand-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("byhand-1.dist-info/RECORD", "")
    pip = [project / ".venv" / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel]
    subprocess.run(pip, check=True)


def test_installs_a_changed_lock_into_the_environment_there_is(small: Path) -> None:
    install_by_hand(small)
    lock = small / "requirements-test.txt"
    before = lock.read_text()
    lock.write_text(re.sub(r"fastjsonschema==.*\n(?: .*\n)+", "", before))
    result = make(small, ".venv/ready")
    assert result.returncode == 0, result.stderr
    assert "byhand 1 requires fastjsonschema, which is not installed." in result.stdout
    assert installed(small) == {"byhand", "packaging", "pip"}
    lock.write_text(before)
    make(small, ".venv/ready").check_returncode()
    assert installed(small) == {"byhand", "fastjsonschema", "packaging", "pip"}


def test_installs_again_what_could_not_be_installed(small: Path) -> None:
    lock = small / "requirements-test.txt"
    before = lock.read_text()
    wrong = re.sub("=[0-9a-f]{64}", f"={'0' * 64}", before)
    lock.write_text(re.sub(r"fastjsonschema==.*\n(?: .*\n)+", "", wrong).replace("packaging==", "packaging==0.0.1+"))
    assert make(small, ".venv/ready").returncode != 0
    lock.write_text(before)
    make(small, ".venv/ready").check_returncode()
    assert installed(small) == {"fastjsonschema", "packaging", "pip"}


@pytest.mark.skipif(len(INTERPRETERS) < 2, reason="there is one Python only")
def test_makes_a_new_environment_for_another_python(small: Path) -> None:
    other = next(version for version in INTERPRETERS if version != PYTHON)
    install_by_hand(small)
    # As a checkout does.
    (small / ".python-version").touch()
    make(small, ".venv/ready").check_returncode()
    assert "byhand" in installed(small)
    (small / ".python-version").write_text(f"{other}\n")
    result = make(small, ".venv/ready")
    assert f"Using Python {other}" in result.stderr
    assert installed(small) == {"fastjsonschema", "packaging", "pip"}


def test_makes_a_new_environment_for_one_that_no_longer_runs(small: Path) -> None:
    for python in (small / ".venv" / "bin").glob("python*"):
        python.unlink()
    (small / "requirements-test.txt").touch()
    make(small, ".venv/ready").check_returncode()
    assert installed(small) == {"fastjsonschema", "packaging", "pip"}


@pytest.fixture
def owned(fresh: Path, tmp_path: Path) -> Path:
    """The same project in another folder, with everything installed."""
    make(fresh, ".venv/ready").check_returncode()
    return shutil.copytree(fresh, tmp_path / "abc", symlinks=True)


def test_needs_no_program_on_the_path(owned: Path) -> None:
    """The make of macOS looks its programs up in the PATH that it was started with; a command line fixes this one."""
    result = make(owned, "fix", "lint", "test", "doctor", f"PATH={os.defpath}")
    assert result.returncode == 0, result.stdout + result.stderr


def test_fix_mends_what_can_be_and_names_the_rest(owned: Path) -> None:
    (owned / "pages" / "new.py").write_text("import os\nx = [ 1 ]\nprint(undefined)\n")
    result = make(owned, "fix")
    assert result.returncode == 0, result.stdout
    assert "undefined" in result.stdout
    assert (owned / "pages" / "new.py").read_text() == "x = [1]\nprint(undefined)\n"
    assert make(owned, "lint").returncode != 0


def start_an_application(project: Path) -> None:
    """Do what a framework's tutorial begins with."""
    if (project / "manage.py").exists():
        subprocess.run([project / ".venv/bin/python", "manage.py", "startapp", "shop"], cwd=project, check=True)
        return
    (project / "shop").mkdir()
    (project / "shop" / "__init__.py").touch()
    (project / "shop" / "tests.py").write_text("import unittest\n# Create your tests here.\n")


def test_takes_a_new_application_as_the_framework_starts_it(owned: Path) -> None:
    start_an_application(owned)
    result = make(owned, "fix", "lint")
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(("tests", "name"), [("", "tests.py"), ("shop", "test_shop.py")])
def test_runs_the_tests_of_a_new_application(tests: str, name: str, owned: Path) -> None:
    """With the fixtures that those in tests/ have, beside them or alone."""
    start_an_application(owned)
    (owned / "shop" / name).write_text(
        "from tests.visitor import Visitor\n\n\n"
        "def test_shop(web: Visitor) -> None:\n"
        '    assert web.get("/healthz").text == "closed", "the shop was looked at"\n'
    )
    result = make(owned, "fix", "lint", "test", f"TESTS={tests}")
    assert result.returncode != 0
    assert "the shop was looked at" in result.stdout
    assert ("1 failed in" in result.stdout) is (tests == "shop")


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
