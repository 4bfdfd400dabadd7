"""`make doctor` of a generated project: what it finds, one broken project at a time."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests import repository
from tests.conftest import thorough
from tests.dyno import SECRET_KEY as KEY
from tests.projects import PYTHONS, Project

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
    command = " ".join(["python -m runtime.doctor", *arguments])
    result = project.run(command, tools=True, folder=patient, **variables)
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    titles = [match[1] for line in lines if (match := re.match(r"(?:ok  |FAIL)  ([^:]+)", line))]
    return result.returncode, [line for line in lines if line.startswith("FAIL")], titles


def test_finds_nothing_and_changes_nothing(project: Project, patient: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in patient.rglob("*") if ".git" not in path.parts}
    status, complaints, titles = examine(project, patient)
    assert (status, complaints) == (0, [])
    assert len(titles) == len(set(titles)) == 15
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


def append(name: str, text: str) -> Callable[[Path], None]:
    return lambda patient: write(name, (patient / name).read_text() + text)(patient)


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
        (remove(".python-version"), ".python-version", f"echo {PYTHONS[0]} > .python-version"),
        (write(".python-version", "python-3.13\n"), ".python-version", f"echo {PYTHONS[0]} > .python-version"),
        (write(".python-version", "3.13\n3.14\n"), ".python-version", f"echo {PYTHONS[0]} > .python-version"),
        (write(".python-version", "3.9\n"), ".python-version", f"echo {PYTHONS[0]} > .python-version"),
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
        (write("Procfile", "web: A=1 exec gunicorn config.gone\n"), "web process starts", "--check-config"),
        (write("Procfile", "web: gunicorn config.wsgi\nweb: true\n"), "Procfile", "delete one"),
        (replace("gunicorn.conf.py", "^timeout = ", "timeout = 1 / 0 * "), "web process starts", "--check-config"),
        (write("app.json", "{"), "app.json", "app-json-schema"),
        (write("app.json", "[]"), "app.json", "app-json-schema"),
        (write("app.json", '{"naem": "x"}'), "app.json", "app-json-schema"),
        (write("app.json", '{"addons": [{"as": "X"}]}'), "app.json", "app-json-schema"),
        (
            write("app.json", '{"env": {"A": {"required": "yes"}}}'),
            "app.json",
            "app.json.env.A.required must be boolean",
        ),
        (write("app.json", '{"env": {"A-B": "x"}}'), "app.json", "app-json-schema"),
        (write("app.json", '{"formation": {"web": {"quantity": "1"}}}'), "app.json", "app-json-schema"),
        (write("app.json", '{"environments": {"test": {"scripts": "x"}}}'), "app.json", "app-json-schema"),
        (replace("pages/templates/base.html", "style.css", "gone.css"), "static files", "Correct it"),
        (append("pages/static/style.css", "main { background: url(gone.png) }"), "static files", "gone.png"),
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


# A migration that only PostgreSQL can take, which is the last.
CITEXT = {
    "django": (
        "accounts/migrations/0002_citext.py",
        """
from django.db import migrations

class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [migrations.RunSQL("CREATE EXTENSION IF NOT EXISTS plpgsql; COMMENT ON COLUMN accounts_user.id IS ''")]
""",
    ),
    "flask": (
        "migrations/0002_citext.py",
        """
from alembic import op

revision, down_revision, branch_labels, depends_on = "0002", "0001", None, None

def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS plpgsql")
""",
    ),
}


@pytest.fixture
def for_postgresql(project: Project, patient: Path) -> Path:
    """The copy with a migration that is not for SQLite."""
    write(*CITEXT[project.variant.framework])(patient)
    repository.commit(patient)
    return patient


def tables(url: str) -> int:
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'")
        return found.fetchone()[0]


def test_finds_that_the_tables_of_jobs_are_older_than_their_engine(project: Project, patient: Path) -> None:
    """Django takes the engine's own migrations; Flask names the files of the engine that it applies."""
    if project.variant.framework == "flask":
        replace("migrations/0001_jobs.py", 'until="[^"]+"', 'until="03.04.00_01_pre_add_retry_failed_job_procedure"')(
            patient
        )
        repository.commit(patient)
    _, complaints, _ = examine(project, patient)
    found = [line for line in complaints if "The tables of jobs are older than procrastinate" in line]
    assert len(found) == (project.variant.framework == "flask")


@pytest.mark.parametrize("where", ["environment", ".env"])
def test_asks_the_database_that_is_configured(
    where: str, project: Project, for_postgresql: Path, new_database: Callable[[], str]
) -> None:
    url = new_database()
    variables = {"DATABASE_URL": url} if where == "environment" else {}
    if not variables:
        (for_postgresql / ".env").write_text(f"DATABASE_URL={url}\n")
    # Empty, it is not changed.
    assert examine(project, for_postgresql, **variables)[1] == []
    assert tables(url) == 0
    release = project.run(project.processes["release"], folder=for_postgresql, DATABASE_URL=url)
    assert release.returncode == 0, release.stderr
    assert examine(project, for_postgresql, **variables)[1] == []
    change_a_model(for_postgresql)
    repository.commit(for_postgresql)
    before = tables(url)
    _, complaints, _ = examine(project, for_postgresql, **variables)
    assert any(line.startswith("FAIL  migrations follow models: A model has changed") for line in complaints)
    assert tables(url) == before


@pytest.mark.parametrize("url", ["", "postgres://nobody:secret@127.0.0.1:{port}/nothing"])
def test_holds_nobody_to_a_database_that_is_not_there(
    url: str, project: Project, for_postgresql: Path, refusing_port: int
) -> None:
    variables = {"DATABASE_URL": url.format(port=refusing_port)} if url else {}
    result = project.run("python -m runtime.doctor", tools=True, folder=for_postgresql, **variables)
    assert result.returncode == 0, result.stdout
    line = next(line for line in result.stdout.splitlines() if "migrations follow models" in line)
    if project.variant.framework == "flask":
        assert line.startswith("ok    migrations follow models: not compared, since ")
        assert ("refused" if url else "DATABASE_URL is not set") in line
    assert "secret" not in result.stdout


def test_takes_every_python_that_a_project_may_choose(project: Project, patient: Path) -> None:
    for version in PYTHONS:
        (patient / ".python-version").write_text(f"{version}\n")
        command = "python -c 'from runtime import doctor; doctor.python_version()'"
        result = project.run(command, tools=True, folder=patient)
        assert result.returncode == 0, result.stderr


# What a line of a Procfile runs, and what of it cannot be found.
LOST = [
    ("uwsgi --ini x", "uwsgi, which is not installed"),
    ("true && uwsgi", "uwsgi, which is not installed"),
    ("A=1 B='2 3' uwsgi", "uwsgi, which is not installed"),
    ("exec uwsgi", "uwsgi, which is not installed"),
    ("env A=1 uwsgi 2>&1 | tee log", "uwsgi, which is not installed"),
    ("(uwsgi || true)", "uwsgi, which is not installed"),
    ("if true; then uwsgi; fi", "uwsgi, which is not installed"),
    ("echo $(date) && uwsgi", "uwsgi, which is not installed"),
    ("./gunicorn.conf.py", "chmod +x"),
    ("python -m nosuch", "nosuch, which does not exist"),
    ("python -m nosuch.module", "nosuch.module, which does not exist"),
    ("python -m config", "config, which does not exist"),
    ("python -m .config", ".config, which does not exist"),
    ("python -m runtime.doctor.gone", "runtime.doctor.gone, which does not exist"),
    ("python -X dev -um config.gone", "config.gone, which does not exist"),
    ("python gone.py", "gone.py, which does not exist"),
    ("echo 'unfinished", "A shell cannot read"),
]
LOST_TO = {
    "django": [
        ("python manage.py nosuch", "manage.py nosuch, and there is no such command"),
        ("python -u ./manage.py migrate && python3 manage.py nosuch 1", "no such command"),
        ("django-admin nosuch", "django-admin nosuch, and"),
        ("python -m django nosuch", "django nosuch, and"),
        ("./manage.py migrate", "chmod +x"),
    ],
    "flask": [
        ("flask nosuch", "flask nosuch, and there is no such command"),
        ("python -m flask nosuch", "flask nosuch, and there is no such command"),
        ("flask db upgrade && flask db nosuch", "flask nosuch, and there is no such command"),
    ],
}
FOUND = [
    "true",
    "FORMAT=x exec python -u -W error -m config.release --once",
    "python -m config.release && python -c 'import nosuch' || exit 1",
    "ls >/dev/null 2>&1 < /dev/null; echo done",
    "cd jobs && python daily.py",
    'while read line; do echo "$line && more"; done',
    "for name in a b; do echo $name; done",
    "$PROGRAM --flag",
    "python $SCRIPT.py",
    "python -m $MODULE",
    "python -m folder.within.module",
    "echo $(nproc) $((1 + 2)) `date` ${HOME:-x} uwsgi",
    "nice -n 5 echo x",
    "python",
]
FOUND_BY = {
    "django": ["python manage.py migrate --noinput", "python manage.py", "python -m django help", "django-admin $X"],
    "flask": ["flask db upgrade", "flask routes", "flask --debug run", "python -m flask accounts create --staff x@y.z"],
}


def employ(command: str) -> Callable[[Path], None]:
    """Give the project a worker beside its other processes, in the Procfile and in app.json."""

    def change(patient: Path) -> None:
        write("Procfile", f"# Both.\nweb: gunicorn config.wsgi\n\nworker: {command}\n")(patient)
        formation = {"web": {"quantity": 1}, "worker": {"quantity": 1}}
        write("app.json", json.dumps({"formation": formation}))(patient)

    return change


# Looks at one Procfile after the other, and writes what is wrong with each.
LOOK = """
import json, sys
from runtime import doctor
for command in json.load(sys.stdin):
    (doctor.ROOT / "Procfile").write_text(f"web: true\\nworker: {command}\\n")
    try:
        doctor.procfile()
    except doctor.CheckError as error:
        print(error)
    else:
        print()
"""


def look(project: Project, patient: Path, commands: list[str]) -> list[str]:
    """What the doctor says of each command as the worker's."""
    (patient / "look.py").write_text(LOOK)
    result = subprocess.run(
        ["python", "look.py"],
        cwd=patient,
        env=project.environment({}, tools=True),
        input=json.dumps(commands),
        check=True,
        capture_output=True,
        text=True,
    )
    return result.stdout.splitlines()


def test_finds_a_process_that_could_not_start(project: Project, patient: Path) -> None:
    lost = LOST + LOST_TO[project.variant.framework]
    found = look(project, patient, [command for command, _ in lost])
    for (command, complaint), said in zip(lost, found, strict=True):
        assert "worker process" in said, command
        assert complaint in said, command


def test_passes_a_process_that_a_shell_understands(project: Project, patient: Path) -> None:
    commands = FOUND + FOUND_BY[project.variant.framework]
    # Packages without an `__init__.py`.
    (patient / "folder" / "within").mkdir(parents=True)
    (patient / "folder" / "within" / "module.py").touch()
    assert dict(zip(commands, look(project, patient, commands), strict=True)) == dict.fromkeys(commands, "")


def test_says_which_process_could_not_start(project: Project, patient: Path) -> None:
    for command, complaint in LOST_TO[project.variant.framework][0], ("echo x # y", "name: command"):
        employ(command)(patient)
        repository.commit(patient)
        status, complaints, _ = examine(project, patient)
        assert status == 1
        assert [line for line in complaints if line.startswith("FAIL  Procfile: ")] == complaints[:1]
        assert complaint in complaints[0]


@pytest.mark.parametrize(
    "command", ["A=1 exec gunicorn config.wsgi --bind 127.0.0.1:$PORT", "gunicorn ${MODULE:-config.wsgi}"]
)
def test_lets_gunicorn_look_at_what_a_shell_would_give_it(command: str, project: Project, patient: Path) -> None:
    replace("Procfile", "^web: .*", f"web: {command}")(patient)
    repository.commit(patient)
    assert examine(project, patient)[:2] == (0, [])


@pytest.mark.parametrize(
    ("procfile", "content", "complaint"),
    [
        (["web", "worker"], {"formation": {"web": 1}}, "lacks worker, which the Procfile names"),
        (["web"], {"formation": {"web": 1, "worker": 0}}, "has worker, which the Procfile does not name"),
        (["web"], {"formation": {"web": 1, "release": 1}}, "has release, which"),
        (["web"], {"environments": {"review": {"formation": {"wbe": 1}}}}, "has wbe, which"),
        (["web", "worker"], {"formation": {"worker": 1, "web": 1}}, ""),
        (["web", "release", "postdeploy"], {"formation": {"web": 1}}, ""),
        (["web", "worker"], {"environments": {"test": {"formation": {"test": 1}}}}, ""),
    ],
)
def test_compares_the_formation_with_the_procfile(
    procfile: list[str], content: dict[str, Any], complaint: str, project: Project, patient: Path
) -> None:
    def quantities(value: Any) -> Any:
        return (
            {name: quantities(inner) for name, inner in value.items()}
            if isinstance(value, dict)
            else {"quantity": value}
        )

    commands = {"web": "gunicorn config.wsgi"}
    write("Procfile", "".join(f"{name}: {commands.get(name, 'true')}\n" for name in procfile))(patient)
    write("app.json", json.dumps(quantities(content)))(patient)
    repository.commit(patient)
    status, complaints, _ = examine(project, patient)
    assert (status, len(complaints)) == ((1, 1) if complaint else (0, 0)), complaints
    assert not complaint or complaint in complaints[0]


def test_takes_an_app_json_with_all_that_is_documented(project: Project, patient: Path) -> None:
    content = {
        "name": "Tea House",
        "keywords": ["tea"],
        "website": "https://tea.example",
        "success_url": "/",
        "stack": "heroku-24",
        "addons": ["heroku-postgresql", {"plan": "heroku-redis:mini", "as": "CACHE", "options": {"version": "8"}}],
        "env": {"S3_BUCKET": "tea", "KEY": {"generator": "secret", "required": True, "value": "x"}},
        "healthchecks": {"web": [{"type": "startup", "path": "/healthz"}]},
        "scripts": {"postdeploy": "true", "dokku": {"predeploy": "true"}},
        "environments": {"review": {"env": {"A": "b"}, "scripts": {"pr-predestroy": "true"}}},
    }
    write("app.json", json.dumps(content))(patient)
    repository.commit(patient)
    assert examine(project, patient)[:2] == (0, [])


def test_goes_on_where_only_the_platforms_packages_are_installed(project: Project, patient: Path) -> None:
    result = project.run("python -m runtime.doctor", folder=patient)
    assert result.returncode == 0, result.stdout
    assert "ok    app.json: only its formation was looked at, since fastjsonschema is not installed" in result.stdout


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
        ({"SECRET_KEY_FALLBACKS": "short"}, "FAIL  SECRET_KEY: SECRET_KEY_FALLBACKS is too weak"),
        (
            {"SECRET_KEY": KEY, "SECRET_KEY_FALLBACKS": KEY},
            "FAIL  SECRET_KEY: SECRET_KEY is one of SECRET_KEY_FALLBACKS",
        ),
        (
            {"CANONICAL_HOST": "www.exmaple.com", "ALLOWED_HOSTS": "www.example.com,.example.org"},
            "ALLOWED_HOSTS=www.exmaple.com,www.example.com,.example.org",
        ),
        ({"CANONICAL_HOST": "localhost"}, "FAIL  CANONICAL_HOST: CANONICAL_HOST is localhost"),
        ({"CANONICAL_HOST": "www.example.com:443"}, "FAIL  CANONICAL_HOST: CANONICAL_HOST is 'www.example.com:443'"),
        ({"LOG_LEVEL": "loud"}, "LOG_LEVEL is 'loud'"),
        ({"DATABASE_URL": "mysql://localhost/x"}, "DATABASE_URL is"),
        ({"SIGN_UP": "closed"}, "SIGN_UP is 'closed'"),
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


@pytest.mark.parametrize("allowed", ["", "*", ".example.com", "example.com,WWW.example.com"])
def test_passes_a_canonical_host_that_is_allowed(allowed: str, project: Project, patient: Path) -> None:
    status, complaints, _ = examine(project, patient, CANONICAL_HOST="www.example.com", ALLOWED_HOSTS=allowed)
    assert (status, complaints) == (0, [])


@pytest.mark.parametrize(("connections", "fits"), [("25", True), ("24", False)])
def test_counts_database_connections(connections: str, fits: bool, project: Project, patient: Path) -> None:
    variables = {"WEB_CONCURRENCY": "4", "WEB_THREADS": "5", "WORKER_THREADS": "3"}
    status, complaints, _ = examine(project, patient, "--connections", connections, **variables)
    assert (status == 0) is fits
    assert fits or "WEB_THREADS=4" in complaints[0]


@pytest.fixture
def trap(patient: Path, tmp_path: Path) -> Iterator[Path]:
    """A program that a stranger's repository would like to have run; it must not have been."""
    program, sprung = tmp_path / "trap", tmp_path / "sprung"
    program.write_text(f"#!/bin/sh\ntouch {sprung}\n")
    program.chmod(0o755)
    yield program
    assert not sprung.exists()


def touch_all(patient: Path) -> None:
    """Let Git look at each file's content once more."""
    for path in patient.rglob("*.py"):
        os.utime(path, (0, 0))


def test_runs_nothing_that_the_repositorys_own_settings_name(project: Project, patient: Path, trap: Path) -> None:
    write(".gitattributes", "*.py filter=trap\n*.html filter=a=b\n")(patient)
    inner = patient / "inner"
    inner.mkdir()
    (inner / "file").touch()
    repository.commit(inner)
    repository.git(inner, "config", "core.fsmonitor", str(trap))
    repository.commit(patient)
    for name in "core.fsmonitor", "filter.trap.clean", "filter.a=b.process", "diff.external", "core.pager":
        repository.git(patient, "config", name, str(trap))
    repository.git(patient, "config", "filter.trap.required", "true")
    for hook in "post-index-change", "reference-transaction":
        shutil.copy(trap, patient / ".git" / "hooks" / hook)
    touch_all(patient)
    assert examine(project, patient)[:2] == (0, [])


def test_asks_no_server_for_what_a_repository_lacks(project: Project, patient: Path, trap: Path) -> None:
    for name, value in {
        "core.repositoryFormatVersion": "1",
        "extensions.partialClone": "origin",
        "remote.origin.promisor": "true",
        "remote.origin.uploadpack": str(trap),
        "remote.origin.url": str(patient.parent),
    }.items():
        repository.git(patient, "config", name, value)
    tree = repository.git(patient, "rev-parse", "HEAD^{tree}").strip()
    (patient / ".git" / "objects" / tree[:2] / tree[2:]).unlink()
    examine(project, patient)


def test_runs_nothing_that_only_the_procfile_names(project: Project, patient: Path, trap: Path) -> None:
    code = f"import subprocess\nsubprocess.run([{str(trap)!r}])\n"
    for name in "__init__.py", "__main__.py", "sub.py":
        write(f"stranger/{name}", code)(patient)
    assert (
        look(project, patient, ["python -m stranger", "python -m stranger.sub", "python stranger/sub.py"]) == [""] * 3
    )


# What a terminal would obey, what ends a line, and what nothing can print.
UNRULY = "\x1b[2J\x9b31m\r\nok    everything"


def test_lets_no_file_speak_for_it(project: Project, patient: Path) -> None:
    names = [UNRULY.encode(), b"\xff\xfe"]
    for name in names:
        Path(os.fsdecode(os.fsencode(patient) + b"/pages/templates/" + name + b".html")).write_text(
            "{% static 'gone' %}{{ url_for('static', filename='gone') }}"
        )
    repository.git(patient, "config", "core.quotePath", "false")
    app_json = {"formation": {"web": {"quantity": 1}, f"{UNRULY}\ud800": {"quantity": 1}}}
    write("app.json", json.dumps(app_json))(patient)
    write("Procfile", f"web: gunicorn config.wsgi\nworker: {UNRULY.split()[0]}\n")(patient)
    result = project.run("python -m runtime.doctor", tools=True, folder=patient)
    assert result.stderr == ""
    lines = result.stdout.split("\n")
    assert not [sign for line in lines for sign in line if not sign.isprintable()]
    assert not [line for line in lines if line and not re.match(r"(ok  |FAIL|note)  [A-Za-z.]|      ", line)]
    assert "ok    everything" not in lines
    failed = {line.partition(":")[0][6:] for line in lines if line.startswith("FAIL")}
    assert failed >= {"what is committed", "app.json", "Procfile", "static files"}


@pytest.mark.parametrize("name", ["app.json", "Procfile", "pyproject.toml", ".python-version", "requirements.txt"])
def test_waits_for_no_file_that_is_none(name: str, project: Project, patient: Path) -> None:
    (patient / name).unlink()
    os.mkfifo(patient / name)
    examine(project, patient)


def test_reads_no_template_outside_of_the_project(project: Project, patient: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside" / "page.html"
    outside.parent.mkdir()
    outside.write_text("{% static 'gone' %}{{ url_for('static', filename='gone') }}")
    (patient / "pages" / "templates" / "one.html").symlink_to(outside)
    (patient / "pages" / "templates" / "endless.html").symlink_to("/dev/zero")
    (patient / "elsewhere").mkdir()
    (patient / "elsewhere" / "templates").symlink_to(outside.parent)
    os.mkfifo(patient / "pages" / "templates" / "waiting.html")
    repository.commit(patient)
    assert examine(project, patient)[:2] == (0, [])


def test_passes_a_project_that_is_no_repository_yet(project: Project, patient: Path) -> None:
    shutil.rmtree(patient / ".git")
    assert examine(project, patient)[:2] == (0, [])
    # Nor is it one that lies in another, which ignores it.
    repository.git(patient.parent, "init", "--quiet")
    (patient.parent / ".gitignore").write_text(f"{patient.name}\n")
    assert examine(project, patient)[:2] == (0, [])
