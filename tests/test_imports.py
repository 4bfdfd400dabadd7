"""A generated project imports in one direction: its owner's house the runtime, and each module those below it."""

import json
import shutil
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.projects import OPTIONS, THOROUGH

plain = pytest.mark.parametrize("rendered", THOROUGH, indirect=True, ids=str)

CONTRACTS = Path(__file__).parent / "contracts.ini"
PACKAGES = "accounts", "config", "pages", "runtime", "tests"
# In a process of its own, since it looks for the packages where it would import them from. Imports in functions count.
READ = """
import grimp, json, sys
graph = grimp.build_graph(*sys.argv[1:], cache_dir=None)
print(json.dumps({module: sorted(graph.find_modules_directly_imported_by(module)) for module in graph.modules}))
"""


def packages(project: Path) -> list[str]:
    """Those that every project has, and those of its options."""
    return sorted([*PACKAGES, *(option for option in OPTIONS if (project / option / "__init__.py").exists())])


def lint(project: Path) -> subprocess.CompletedProcess[str]:
    """What import-linter has to say, of an option's package what it has to say of pages."""
    contracts = CONTRACTS.read_text()
    for package in {*packages(project)} - {*PACKAGES}:
        contracts = contracts.replace("    pages\n", f"    {package}\n    pages\n")
    (project / ".importlinter").write_text(contracts)
    command = ["-c", "from importlinter.cli import lint_imports_command as lint; lint()"]
    return subprocess.run(
        [sys.executable, *command, "--config", ".importlinter", "--no-cache"],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )


def test_keeps_its_contracts(rendered: Path) -> None:
    result = lint(rendered)
    assert result.returncode == 0, result.stdout + result.stderr


def test_has_no_circle(rendered: Path) -> None:
    """Not even one through several packages, which no contract of import-linter looks for."""
    read = subprocess.run(
        [sys.executable, "-c", READ, *packages(rendered)], cwd=rendered, capture_output=True, text=True, check=True
    )
    imports = json.loads(read.stdout)
    assert len(imports) > len(packages(rendered))
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        pytest.fail(" <- ".join(error.args[1]))


@plain
@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("runtime/logs.py", "from config import settings", "The runtime knows nothing of the project that it serves"),
        ("runtime/logs.py", "from pages import errors", "The runtime knows nothing of the project that it serves"),
        ("runtime/env.py", "from runtime import logs", "The runtime has floors"),
        ("runtime/new.py", "import os", "The runtime has floors"),
        ("pages/errors.py", "from pages import views", "No modules of a package import each other in a circle"),
        ("pages/errors.py", "from tests import visitor", "Only tests know the tests"),
    ],
)
def test_would_be_told_of_a_wrong_import(module: str, line: str, contract: str, rendered: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(rendered, tmp_path / "copy")
    with (copy / module).open("a") as file:
        file.write(f"\n\ndef late() -> None:\n    {line}\n")
    result = lint(copy)
    assert result.returncode == 1
    assert f"{contract} BROKEN" in result.stdout


@plain
def test_would_be_told_of_a_circle_through_both_houses(rendered: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(rendered, tmp_path / "copy")
    with (copy / "pages" / "errors.py").open("a") as file:
        file.write("\n\ndef late() -> None:\n    import config.wsgi\n")
    with pytest.raises(pytest.fail.Exception, match=r"pages\.errors"):
        test_has_no_circle(copy)
