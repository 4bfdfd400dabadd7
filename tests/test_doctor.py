"""`make doctor` of a generated project: what it finds, one broken project at a time."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import repository
from tests.conftest import thorough
from tests.projects import Project

pytestmark = thorough


@pytest.fixture
def patient(project: Project, tmp_path: Path) -> Path:
    """A copy of the project, committed as if it were to be pushed."""
    kept_out = shutil.ignore_patterns("staticfiles", "db.sqlite3")
    copy = shutil.copytree(project.path, tmp_path / "copy", ignore=kept_out)
    repository.commit(copy)
    return copy


def examine(project: Project, patient: Path, *arguments: str, **variables: str) -> tuple[int, list[str], list[str]]:
    """The exit status, the complaints, and the titles of all checks."""
    command = " ".join(["python -m config.doctor", *arguments])
    result = project.run(command, tools=True, folder=patient, **variables)
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    titles = [match[1] for line in lines if (match := re.match(r"(?:ok  |FAIL)  ([^:]+)", line))]
    return result.returncode, [line for line in lines if line.startswith("FAIL")], titles


def test_finds_nothing_and_changes_nothing(project: Project, patient: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in patient.rglob("*") if ".git" not in path.parts}
    status, complaints, titles = examine(project, patient)
    assert (status, complaints) == (0, [])
    assert len(titles) == len(set(titles)) == 12
    assert {path: path.stat().st_mtime_ns for path in patient.rglob("*") if ".git" not in path.parts} == before


def write(name: str, content: str) -> Callable[[Path], None]:
    def change(patient: Path) -> None:
        (patient / name).parent.mkdir(exist_ok=True)
        (patient / name).write_text(content)

    return change


def replace(name: str, old: str, new: str) -> Callable[[Path], None]:
    def change(patient: Path) -> None:
        text = (patient / name).read_text()
        assert re.search(old, text, re.MULTILINE)
        (patient / name).write_text(re.sub(old, new, text, count=1, flags=re.MULTILINE))

    return change


def remove(name: str) -> Callable[[Path], None]:
    return lambda patient: (patient / name).unlink()


def ignore_python_version(patient: Path) -> None:
    replace(".gitignore", "^", ".python-version\n")(patient)
    repository.git(patient, "rm", "--quiet", "--cached", ".python-version")


def change_a_model(patient: Path) -> None:
    replace("accounts/models.py", r"^    is_staff.*\n", "")(patient)


def switch_a_protection_off(patient: Path) -> None:
    replace("config/settings.py", r"^SESSION_COOKIE_SECURE = HTTPS", "SESSION_COOKIE_SECURE = False")(patient)


@pytest.mark.parametrize(
    ("change", "complaint", "cure"),
    [
        (write("uv.lock", ""), "one lock file", "git rm uv.lock"),
        (write("Pipfile.lock", "{}"), "one lock file", "git rm Pipfile.lock"),
        (remove("requirements.txt"), "one lock file", "make lock"),
        (remove(".python-version"), ".python-version", "echo 3.13 > .python-version"),
        (write(".python-version", "python-3.13\n"), ".python-version", "echo 3.13 > .python-version"),
        (write(".python-version", "3.13\n3.14\n"), ".python-version", "echo 3.13 > .python-version"),
        (write(".python-version", "3.9\n"), ".python-version", "echo 3.13 > .python-version"),
        (write("runtime.txt", "python-3.13.1"), ".python-version", "git rm runtime.txt"),
        (ignore_python_version, ".python-version", "Delete it from there"),
        (write(".env", "SECRET_KEY=x"), "what is committed", "git rm -r --cached .env"),
        (write("venv/pyvenv.cfg", ""), "what is committed", "git rm -r --cached venv"),
        (write(".venv/pyvenv.cfg", ""), "what is committed", "git rm -r --cached .venv"),
        (
            replace("pyproject.toml", r'^    "gunicorn>=', '    "celery>=5.6",\n    "gunicorn>='),
            "locks follow",
            "make lock",
        ),
        (replace("pyproject.toml", r'"gunicorn>=27.0.1,<28"', '"gunicorn>=99"'), "locks follow", "make lock"),
        (replace("requirements.txt", r"^packaging==.*\n(    .*\n)+", ""), "locks follow", "make lock"),
        (replace("requirements.txt", r"^(gunicorn==\S+) \\\n(    .*\n)+", r"\1\n"), "locks follow", "make lock"),
        (remove("requirements-test.txt"), "locks follow", "make lock"),
        (remove("Procfile"), "Procfile", "web: gunicorn config.wsgi"),
        (write("Procfile", "release: true\nweb: gunicorn config.wsgi\n"), "Procfile", "web: gunicorn config.wsgi"),
        (write("Procfile", "web gunicorn config.wsgi\n"), "Procfile", "name: command"),
        (write("Procfile", "web: gunicorn config.wsgi --name a: b\n"), "Procfile", "name: command"),
        (write("Procfile", "web: uwsgi\n"), "Procfile", "pyproject.toml"),
        (write("Procfile", "web: gunicorn config.wsgi\nrelease: python -m config.gone\n"), "Procfile", "Correct the"),
        (write("Procfile", "web: gunicorn config.gone\n"), "web process starts", "--check-config"),
        (replace("gunicorn.conf.py", "^timeout = ", "timeout = 1 / 0 * "), "web process starts", "--check-config"),
        (write("app.json", "{"), "app.json", "app-json-schema"),
        (write("app.json", "[]"), "app.json", "app-json-schema"),
        (write("app.json", '{"naem": "x"}'), "app.json", "app-json-schema"),
        (write("app.json", '{"env": {"A": {"required": "yes"}}}'), "app.json", "app-json-schema"),
        (write("app.json", '{"environments": {"test": {"scripts": "x"}}}'), "app.json", "app-json-schema"),
        (replace("pages/templates/base.html", "style.css", "gone.css"), "static files", "Correct it"),
        (change_a_model, "migrations follow models", ""),
        (switch_a_protection_off, "deployment checks", ""),
    ],
)
def test_finds_what_would_fail(
    change: Callable[[Path], None], complaint: str, cure: str, project: Project, patient: Path
) -> None:
    change(patient)
    if change is not ignore_python_version:
        # Whatever .gitignore says, as somebody in a hurry does.
        repository.commit(patient, "--force")
    status, complaints, _ = examine(project, patient)
    assert status == 1
    found = [line for line in complaints if line.startswith(f"FAIL  {complaint}")]
    assert len(found) == 1, complaints
    assert cure in found[0]


def test_finds_what_a_push_would_leave_behind(project: Project, patient: Path) -> None:
    replace("Procfile", "^web:", "web: ")(patient)
    remove("app.json")(patient)
    write("notes/models.py", "")(patient)
    _, complaints, _ = examine(project, patient)
    assert "FAIL  what is committed: Not committed as it is: Procfile, app.json, notes/. Commit: " in complaints[0]
    remove("ruff.toml")(patient)
    _, complaints, _ = examine(project, patient)
    assert "Procfile, app.json, ruff.toml, …. Commit: " in complaints[0]


@pytest.mark.parametrize(
    ("variables", "complaint"),
    [
        ({"SECRET_KEY": "short"}, "SECRET_KEY is too weak"),
        ({"DYNO": "run.1"}, "SECRET_KEY is not set"),
        ({"DATABASE_URL": "mysql://localhost/x"}, "DATABASE_URL is"),
        ({"WEB_CONCURRENCY": "auto"}, "WEB_CONCURRENCY is 'auto'"),
        ({"WEB_TIMEOUT": "600"}, "WEB_TIMEOUT is"),
        ({"EMAIL_FROM": "nobody", "EMAIL_URL": "smtp://localhost"}, "EMAIL_FROM is"),
    ],
    ids=str,
)
def test_finds_a_variable_that_cannot_be_used(
    variables: dict[str, str], complaint: str, project: Project, patient: Path
) -> None:
    status, complaints, _ = examine(project, patient, **variables)
    assert status == 1
    assert any(complaint in line for line in complaints), complaints


@pytest.mark.parametrize(("connections", "fits"), [("20", True), ("19", False)])
def test_counts_database_connections(connections: str, fits: bool, project: Project, patient: Path) -> None:
    variables = {"WEB_CONCURRENCY": "4", "WEB_THREADS": "5"}
    status, complaints, _ = examine(project, patient, "--connections", connections, **variables)
    assert (status == 0) is fits
    assert fits or "WEB_THREADS=4" in complaints[0]


def test_passes_a_project_that_is_no_repository_yet(project: Project, patient: Path) -> None:
    shutil.rmtree(patient / ".git")
    assert examine(project, patient)[:2] == (0, [])
    # Nor is it one that lies in another, which ignores it.
    repository.git(patient.parent, "init", "--quiet")
    (patient.parent / ".gitignore").write_text(f"{patient.name}\n")
    assert examine(project, patient)[:2] == (0, [])
