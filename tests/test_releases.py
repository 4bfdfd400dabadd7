"""How the template is released, and under whose name."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from tests import repository
from tests.projects import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
HOME = PROJECT["urls"]["Repository"].removeprefix("https://github.com/")


def named_homes(folder: Path) -> set[str]:
    """What a reader is told to find the template under."""
    files = [
        *folder.glob("*.md"),
        *folder.glob("docs/*.md"),
        *folder.glob(".github/**/*.yml"),
        folder / "pyproject.toml",
    ]
    return {home for file in files for home in re.findall(r"[\w.-]+/cookiecutter-[\w.-]*\w", file.read_text())}


def test_is_found_under_one_name() -> None:
    assert named_homes(ROOT) == {HOME}, "change Repository in pyproject.toml, then: make fix"


def test_moves_by_one_line(tmp_path: Path) -> None:
    copy = repository.copy(tmp_path / "copy")
    pyproject = copy / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace(f"/{HOME}", "/tea-house/cookiecutter-kettle"))
    tools = f"BIN={Path(sys.executable).parent}"
    subprocess.run(["make", "--old-file", ".venv/ready", tools, "fix"], cwd=copy, check=True, capture_output=True)
    assert named_homes(copy) == {"tea-house/cookiecutter-kettle"}
    assert not [*copy.rglob("*.old")]


def test_is_released_as_it_is_written(tmp_path: Path) -> None:
    copy = repository.copy(tmp_path / "copy")
    changes = copy / "CHANGELOG.md"
    changes.write_text("# Changes\n\n## Unreleased\n\n* New.\n")
    repository.commit(copy)
    bare = tmp_path / "origin.git"
    repository.git(tmp_path, "clone", "--quiet", "--bare", str(copy), str(bare))
    repository.git(copy, "remote", "add", "origin", str(bare))
    commands = re.findall(r"^    (.*)$", (ROOT / "docs" / "releasing.md").read_text(), re.MULTILINE)
    own = {f"GIT_{who}_{what}": "us@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = os.environ | own | {"GIT_CONFIG_GLOBAL": os.devnull}
    subprocess.run(["sh", "-e", "-c", "\n".join(commands)], cwd=copy, env=environment, check=True)
    version = PROJECT["version"]
    assert repository.git(bare, "tag", "--list").split() == [version]
    released = repository.git(bare, "show", f"{version}:CHANGELOG.md")
    assert re.search(rf"^## {re.escape(version)}, \d{{4}}-\d\d-\d\d$", released, re.MULTILINE)
    assert repository.git(bare, "rev-parse", "main") == repository.git(bare, "rev-parse", f"{version}^{{commit}}")
    assert repository.git(copy, "status", "--porcelain") == ""


def test_says_what_is_new_since_the_last_release() -> None:
    first = re.search(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert first
    assert first[1] == "Unreleased" or first[1].startswith(f"{PROJECT['version']}, ")
