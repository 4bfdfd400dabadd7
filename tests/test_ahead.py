"""What is to be released next is tried in projects before it is: by `make ahead`, and by a workflow each week."""

import subprocess
from pathlib import Path

import pytest
import yaml

from tests import projects
from tests.projects import PYTHON, ROOT, THOROUGH, Project, Variant, pins

JOB = yaml.safe_load((ROOT / ".github" / "workflows" / "weekly.yml").read_text())["jobs"]["ahead"]
PACKAGES = JOB["strategy"]["matrix"]["package"]


def ahead(*arguments: str) -> subprocess.CompletedProcess[str]:
    """What `make ahead` would do."""
    command = ["make", "--dry-run", "--old-file", ".venv/ready", "ahead", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("package", PACKAGES)
def test_knows_where_a_package_is_developed(package: str) -> None:
    assert any(pins(variant.lock, package) for variant in THOROUGH)
    assert f"TEST_AHEAD='{package} @ git+https://github.com/" in ahead(f"PACKAGE={package}").stdout


def test_takes_a_package_from_elsewhere() -> None:
    assert (
        "TEST_AHEAD='gunicorn @ file:///gunicorn.whl'"
        in ahead("PACKAGE=gunicorn", "SOURCE=file:///gunicorn.whl").stdout
    )
    assert "TEST_AHEAD='django>=7a1'" in ahead("TEST_AHEAD=django>=7a1").stdout
    assert "no ahead_rails says where to find it" in ahead("PACKAGE=rails").stderr


def test_one_that_fails_says_so_and_stops_no_other() -> None:
    assert JOB["continue-on-error"] is True
    assert JOB["strategy"]["fail-fast"] is False
    assert "${{ matrix.package }}" in JOB["name"]


def test_installs_it_over_the_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a release that the locks are long past, since there is not always one that is ahead of them."""
    monkeypatch.setattr(projects, "AHEAD", "flask==3.1.2")
    (tmp_path / "own").mkdir()
    project = Project(Variant("flask", PYTHON), tmp_path, tmp_path / "own")
    command = "python -c 'import importlib.metadata as m; print(m.version(\"flask\"))'"
    assert [project.run(command, tools=tools).stdout for tools in (False, True)] == ["3.1.2\n", "3.1.2\n"]
