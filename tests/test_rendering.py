"""A generated project, read file by file …"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.languages import parse
from tests.projects import FRAMEWORKS, OPTIONS, PYTHONS, ROOT, TEMPLATE

# Page templates are copied as they lie; their tags are the framework's own.
FRAMEWORK_TEMPLATES = {".html", ".mako"}


def files(project: Path) -> list[Path]:
    return [path for path in project.rglob("*") if path.is_file()]


def test_leaves_no_trace_of_the_template(rendered: Path) -> None:
    for path in files(rendered):
        name = path.relative_to(rendered).as_posix()
        assert not re.search(r"[{}]|cookiecutter|layers", name), name
        text = path.read_text("utf-8")
        assert "cookiecutter" not in text.lower(), name
        if path.suffix not in FRAMEWORK_TEMPLATES:
            assert not re.search(r"{%|%}", text), name
    assert not (rendered / "layers").exists()


def test_names_no_other_framework(rendered: Path) -> None:
    lock = (rendered / "requirements.txt").read_text()
    others = [name for name in FRAMEWORKS if not re.search(rf"^{name}==", lock, re.MULTILINE)]
    assert len(others) == len(FRAMEWORKS) - 1
    for other in others:
        assert not re.search(rf"^{other}", lock, re.MULTILINE)
        for path in [*rendered.rglob("*.py"), rendered / "README.md", rendered / "GUIDE.md", rendered / "Makefile"]:
            assert not re.search(rf"\b(import|from) {other}", path.read_text()), path


def test_parses_in_every_language(rendered: Path) -> None:
    for path in files(rendered):
        parse(path)


def test_has_unix_line_ends_and_ends_every_file_with_one(rendered: Path) -> None:
    for path in files(rendered):
        content = path.read_bytes()
        assert b"\r" not in content, path
        assert content == b"" or content.endswith(b"\n"), path


def test_says_what_each_module_of_the_runtime_is(rendered: Path) -> None:
    first_column = re.findall(r"^\|(.*?)\|", (rendered / "runtime" / "README.md").read_text(), re.MULTILINE)
    named = re.findall(r"`(\w+)`", " ".join(first_column))
    assert sorted(named) == sorted(path.stem for path in (rendered / "runtime").glob("*.py") if path.stem != "__init__")


def test_leaves_its_owner_few_lines_of_tests(rendered: Path) -> None:
    """Beside those of what an option adds."""
    tests = [path for path in (rendered / "tests").rglob("*.py") if path.stem.removeprefix("test_") not in OPTIONS]
    assert sum(len(path.read_text().splitlines()) for path in tests) <= 700


def test_says_which_python_it_wants(rendered: Path) -> None:
    assert (rendered / ".python-version").read_text().strip() in PYTHONS


def test_names_the_web_process_first(rendered: Path) -> None:
    assert list(yaml.safe_load((rendered / "Procfile").read_text())) == ["web", "release", "worker"]


def test_describes_itself_by_the_platforms_schema(rendered: Path) -> None:
    """By the file that its doctor reads, which must itself be a schema, and by another library than the doctor's."""
    schema = "runtime/app-json.schema.json"
    command = ["-m", "check_jsonschema"]
    subprocess.run([sys.executable, *command, "--check-metaschema", schema], cwd=rendered, check=True)
    command += ["--schemafile", schema, "app.json"]
    subprocess.run([sys.executable, *command], cwd=rendered, check=True)


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]], ids=" ".join)
class TestRuff:
    """Ruff has nothing to say …"""

    def ruff(self, command: list[str], folder: Path) -> None:
        subprocess.run([sys.executable, "-m", "ruff", *command, "--no-cache"], cwd=folder, check=True)

    def test_about_this_repository(self, command: list[str]) -> None:
        self.ruff(command, ROOT)

    def test_about_the_template_before_rendering(self, command: list[str]) -> None:
        self.ruff(command, TEMPLATE)

    def test_about_a_generated_project(self, command: list[str], rendered: Path) -> None:
        self.ruff(command, rendered)


@pytest.mark.parametrize("path", list(TEMPLATE.rglob("*.toml")), ids=lambda path: path.parent.name)
def test_template_is_valid_before_rendering(path: Path) -> None:
    tomllib.loads(path.read_text())
