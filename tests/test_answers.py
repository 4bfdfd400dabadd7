"""What can be answered, and what is refused."""

import ast
import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.projects import FRAMEWORKS, PYTHONS, ROOT, render


def generate(output: Path, *answers: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cookiecutter", str(ROOT), "--no-input", "--default-config", "-o", str(output)]
    return subprocess.run([*command, *answers], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("slug", ["abc", "a-b", "a12", "my-project-2", "a" * 30])
def test_a_good_slug_is_taken(slug: str, tmp_path: Path) -> None:
    assert render(tmp_path, project_slug=slug).name == slug


@pytest.mark.parametrize(
    "slug",
    [
        "ab",
        "a" * 31,
        "1abc",
        "-abc",
        "abc-",
        "Abc",
        "a_c",
        "a.c",
        "a c",
        "äbc",
        "../abc",
        "a'b",
        'a"b',
        "abc\n",
    ],
)
def test_a_bad_slug_is_refused_in_one_line_and_leaves_nothing(slug: str, tmp_path: Path) -> None:
    output = tmp_path / "output"
    output.mkdir()
    result = generate(output, f"project_slug={slug}")
    assert result.returncode != 0
    lines = [line for line in (result.stdout + result.stderr).splitlines() if "will not do" in line]
    assert len(lines) == 1
    assert "A good one: my-project" in lines[0]
    assert list(tmp_path.rglob("*")) == [output]


@pytest.mark.parametrize("name", [" ", 'The "Best"', "back\\slash", "two\nlines", "\x1b[2J", "a" * 61])
def test_a_bad_name_is_refused_in_one_line_and_leaves_nothing(name: str, tmp_path: Path) -> None:
    result = generate(tmp_path, f"project_name={name}", "project_slug=my-project")
    assert result.returncode != 0
    assert len([line for line in (result.stdout + result.stderr).splitlines() if "A good one: My Project" in line]) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["Tea & Coffee", "Anna’s <Shop>", "Größe 世界 🙂", "a" * 60, "50 % #1: it's"])
def test_a_good_name_is_kept_as_typed(name: str, tmp_path: Path) -> None:
    for framework in FRAMEWORKS:
        project = render(tmp_path / framework, project_name=name, project_slug="my-project", framework=framework)
        settings = ast.parse((project / "config" / "settings.py").read_text())
        assert name in [node.value for node in ast.walk(settings) if isinstance(node, ast.Constant)]
        assert tomllib.loads((project / "pyproject.toml").read_text())["project"]["description"] == name
        assert json.loads((project / "app.json").read_text())["name"] == name
        ruff = [sys.executable, "-m", "ruff"]
        subprocess.run([*ruff, "check", "--no-cache"], cwd=project, check=True)
        subprocess.run([*ruff, "format", "--check", "--no-cache"], cwd=project, check=True)


def test_an_unknown_choice_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    for answer in ("framework=rails", "python_version=3.11"):
        result = generate(tmp_path, answer)
        assert result.returncode != 0
        assert answer.partition("=")[2] in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_defaults_make_a_project(tmp_path: Path) -> None:
    result = generate(tmp_path)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "my-project" / "manage.py").exists()
    assert (tmp_path / "my-project" / ".python-version").read_text() == f"{PYTHONS[0]}\n"


def test_the_slug_follows_from_the_name(tmp_path: Path) -> None:
    assert render(tmp_path, project_name="Café Größe & Söhne").name == "cafe-grosse-sohne"


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_an_existing_project_keeps_its_own_files(framework: str, tmp_path: Path) -> None:
    project = render(tmp_path, framework=framework)
    for own in (project / "notes.txt", project / ".git" / "HEAD", project / "pages" / "mine.py"):
        own.parent.mkdir(exist_ok=True)
        own.write_text("mine")
    result = generate(tmp_path, "--overwrite-if-exists", f"framework={framework}")
    assert result.returncode == 0, result.stderr
    assert {file.read_text() for file in (project / "notes.txt", project / ".git" / "HEAD")} == {"mine"}
    assert (project / "pages" / "mine.py").read_text() == "mine"
