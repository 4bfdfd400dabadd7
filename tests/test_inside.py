"""A generated project passes the tests in ``inside/``, too: of its runtime, and of all that nobody may get past.

They run where its own tests do, with its fixtures. Its owner, who is to edit neither, does not have to carry them.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.projects import RUNNABLE, THOROUGH, Project, Variant

INSIDE = Path(__file__).parent / "inside"


def modules_of(framework: str) -> list[str]:
    """The names of the modules for a framework, those for both included."""
    return sorted(path.stem for layer in ("shared", framework) for path in (INSIDE / layer).glob("test_*.py"))


def on(variants: list[Variant]) -> pytest.MarkDecorator:
    """Runs a test once for each of these variants and each of its modules."""
    pairs = [
        pytest.param(variant, module, id=f"{variant}-{module.removeprefix('test_')}")
        for variant in variants
        for module in modules_of(variant.framework)
    ]
    return pytest.mark.parametrize(("project", "module"), pairs, indirect=["project"])


@pytest.fixture(scope="module")
def inside(project: Project) -> Path:
    """The project, with the tests in a package beside its own."""
    package = project.path / "tests" / "inside"
    package.mkdir()
    (package / "__init__.py").touch()
    for layer in "shared", project.variant.framework:
        shutil.copytree(INSIDE / layer, package, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    return project.path


def run(project: Project, module: str, **variables: str) -> None:
    """Run a module inside, all of whose tests must run and pass."""
    report = project.home / f"{module}.xml"
    command = f"python -m pytest --junit-xml {report} tests/inside/{module}.py"
    result = project.run(command, tools=True, **variables)
    assert result.returncode == 0, result.stdout + result.stderr
    suite = next(ElementTree.parse(report).iter("testsuite"))
    assert int(suite.attrib["tests"]) > 0, result.stdout
    assert suite.attrib["skipped"] == "0", result.stdout


@on(RUNNABLE)
def test_passes(project: Project, module: str, inside: Path) -> None:
    run(project, module)


@on(THOROUGH)
def test_passes_on_postgresql(project: Project, module: str, inside: Path, new_database: Callable[[], str]) -> None:
    run(project, module, DATABASE_URL=new_database())
