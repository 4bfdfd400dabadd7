"""What a generated project installs."""

import json
import re
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.projects import PYTHONS, ROOT, RUNNABLE, TEMPLATE, WITH_FILES, Project, uv

# Those that have locks: of a framework, and of one with an option.
LAYERS = sorted(lock.parent.name for lock in TEMPLATE.glob("layers/*/requirements-test.txt"))
INSTALLED = """
import importlib.metadata, json
print(json.dumps({d.name: d.requires or [] for d in importlib.metadata.distributions()}))
"""


def closure(roots: list[str], installed: dict[str, list[str]], python: str) -> set[str]:
    """The packages that ``roots`` need on a version of Python, as the metadata of the installed ones tell it."""
    environment = {"python_full_version": f"{python}.0", "python_version": python}
    needed: set[str] = set()
    wanted = [(Requirement(root), "") for root in roots]
    while wanted:
        requirement, extra = wanted.pop()
        if requirement.marker and not requirement.marker.evaluate(environment | {"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        assert name in installed, f"{requirement} is not installed"
        for new in {"", *requirement.extras} if name not in needed else requirement.extras:
            wanted += [(Requirement(text), new) for text in installed[name]]
        needed.add(name)
    return needed


@pytest.mark.parametrize("project", [*RUNNABLE, *WITH_FILES], indirect=True, ids=str)
@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-test.txt"])
def test_installs_exactly_what_it_needs(lock: str, project: Project) -> None:
    pyproject = tomllib.loads((project.path / "pyproject.toml").read_text())
    roots = pyproject["project"]["dependencies"]
    if lock == "requirements-test.txt":
        roots = roots + pyproject["dependency-groups"]["test"]
    result = project.run(f"python -c '{INSTALLED}'", tools=lock == "requirements-test.txt")
    installed = {canonicalize_name(name): requires for name, requires in json.loads(result.stdout).items()}
    assert closure(roots, installed, project.variant.python) == set(installed)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that nothing is installed in."""
    folder = tmp_path_factory.mktemp("venv")
    uv("venv", "--python", sys.executable, folder)
    return folder


@pytest.mark.parametrize("platform", ["linux", "macos", "windows"])
@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("layer", LAYERS)
def test_installs_on_every_platform(layer: str, python: str, platform: str, environment: Path) -> None:
    """With hashes required, a package that the lock leaves out would be an error."""
    lock = TEMPLATE / "layers" / layer / "requirements-test.txt"
    target = ["--python", environment, "--python-platform", platform, "--python-version", python]
    uv("pip", "install", *target, "--dry-run", "--only-binary", ":all:", "--require-hashes", "--requirement", lock)


# What has no wheel for a Python yet: pip builds it. Without a wheel, no other package may enter.
BUILT = {"3.15": {"pyyaml"}}


@pytest.mark.parametrize("platform", ["linux", "macos"])
@pytest.mark.parametrize("python", PYTHONS)
def test_of_the_template_installs_from_wheels(python: str, platform: str, environment: Path, tmp_path: Path) -> None:
    """Linted, tested and demonstrated with whatever Python there is, where a compiler may be missing."""
    lock = tmp_path / "requirements.txt"
    built = "|".join(BUILT.get(python, ()))
    entries = (ROOT / "requirements-test.txt").read_text()
    lock.write_text(re.sub(rf"^({built})==.*\n( .*\n)+", "", entries, flags=re.MULTILINE) if built else entries)
    target = ["--python", environment, "--python-platform", platform, "--python-version", python, "--no-deps"]
    uv("pip", "install", *target, "--dry-run", "--only-binary", ":all:", "--require-hashes", "--requirement", lock)
