"""A project is kept up to date with the template that it came from."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests import repository
from tests.conftest import thorough
from tests.projects import Project, render
from tests.repository import snapshot

FOLDER = "{{cookiecutter.project_slug}}"
EDIT = "\n\ndef theirs() -> str:\n    return 'theirs'\n"


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """The template in two versions, tagged ``older`` and ``newest``; the newest is the one at hand."""
    template = repository.copy(tmp_path / "template")
    inside = template / FOLDER
    newest = {
        path: path.read_text() for path in [inside / "gunicorn.conf.py", *inside.glob("layers/*/config/settings.py")]
    }
    for path, text in newest.items():
        path.write_text(text.rpartition("\n\n")[0] + "\n")
    variables = template / "cookiecutter.json"
    newest[variables] = variables.read_text()
    variables.write_text(newest[variables].replace("createsuperuser", "create").replace("--staff", "--manager"))
    deploying = (inside / "DEPLOYING.md").read_text()
    (inside / "DEPLOYING.md").rename(inside / "HOSTING.md")
    repository.commit(template)
    repository.git(template, "tag", "older")
    for path, text in newest.items():
        path.write_text(text)
    (inside / "HOSTING.md").unlink()
    (inside / "DEPLOYING.md").write_text(deploying)
    repository.commit(template)
    repository.git(template, "tag", "newest")
    return template


def run(folder: Path, *command: str | Path) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-m", *map(str, command)]
    return subprocess.run(program, cwd=folder, check=False, capture_output=True, text=True)


def edit(project: Path) -> None:
    """Do what an owner does: change a file, delete one, add one, and commit."""
    with (project / "pages" / "views.py").open("a") as views:
        views.write(EDIT)
    (project / "LICENSE").write_text("theirs\n")
    (project / ".pre-commit-config.yaml").unlink()
    repository.commit(project)


def check(project: Project, updated: Path, tmp_path: Path) -> None:
    """Assert that a project holds the newest template and its owner's edit, and nothing else."""
    expected = snapshot(render(tmp_path / "fresh", framework=project.variant.framework))
    views, executable = expected["pages/views.py"]
    expected["pages/views.py"] = views + EDIT.encode(), executable
    expected["LICENSE"] = b"theirs\n", False
    del expected[".pre-commit-config.yaml"]
    assert snapshot(updated) == expected


@thorough
def test_with_cruft(project: Project, template: Path, tmp_path: Path) -> None:
    options = ["--no-input", "--default-config", "--output-dir", tmp_path, "--checkout", "older"]
    extra = f'{{"framework": "{project.variant.framework}"}}'
    created = run(tmp_path, "cruft", "create", template, *options, "--extra-context", extra)
    assert created.returncode == 0, created.stderr
    owned = tmp_path / "my-project"
    repository.commit(owned)
    edit(owned)
    assert run(owned, "cruft", "check").returncode == 1
    assert "def theirs() -> str:" in run(owned, "cruft", "diff").stdout
    updated = run(owned, "cruft", "update", "--skip-apply-ask", "--checkout", "newest")
    assert updated.returncode == 0, updated.stderr
    assert run(owned, "cruft", "check", "--checkout", "newest").returncode == 0
    check(project, owned, tmp_path)
    result = project.run("python -m pytest", tools=True, folder=owned)
    assert result.returncode == 0, result.stdout


@thorough
def test_without_cruft(project: Project, template: Path, tmp_path: Path) -> None:
    """On a branch that holds nothing but what the template makes, as the README says."""
    options = ["--overwrite-if-exists", "--no-input", "--default-config", "--output-dir", ".."]
    generate = ["cookiecutter", template, *options, f"framework={project.variant.framework}"]
    owned = tmp_path / "my-project"
    owned.mkdir()
    repository.git(template, "switch", "--quiet", "--detach", "older")
    run(owned, *generate).check_returncode()
    first = repository.commit(owned)
    edit(owned)
    repository.git(template, "switch", "--quiet", "--detach", "newest")
    repository.git(owned, "switch", "--quiet", "--create", "template", first)
    repository.git(owned, "rm", "--quiet", "-r", ".")
    run(owned, *generate).check_returncode()
    repository.commit(owned)
    repository.git(owned, "switch", "--quiet", "main")
    repository.git(owned, "merge", "--quiet", "--no-edit", "template")
    check(project, owned, tmp_path)
