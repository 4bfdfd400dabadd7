"""What a run of the tests says of itself."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.projects import FRAMEWORKS, ROOT

TESTS = """
import pytest

@pytest.fixture
def broken():
    yield
    raise OSError

@pytest.mark.parametrize("project", ["{first}-3.14", "{second}-3.14"])
def test_passes(project):
    pass

def test_fails_at_its_end(broken):
    pass

@pytest.mark.parametrize("project", ["{first}-3.14-files"])
def test_is_skipped(project):
    pytest.skip("for a reason")
"""


@pytest.mark.parametrize("processes", ["0", "2"])
def test_tells_how_far_it_is_and_what_has_become_of_each_variant(processes: str, tmp_path: Path) -> None:
    first, second = sorted(FRAMEWORKS)
    (tmp_path / "test_all.py").write_text(TESTS.format(first=first, second=second))
    (tmp_path / "test_more.py").write_text("def test_passes(): pass")
    (tmp_path / "pytest.ini").write_text("[pytest]")
    command = [sys.executable, "-m", "pytest", "-p", "tests.progress", "-p", "no:cacheprovider", "-n", processes]
    result = subprocess.run([*command, tmp_path], cwd=ROOT, capture_output=True, text=True, check=False)
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    told = [line.partition(" %")[2] for line in lines if line.endswith(" min")]
    assert sorted(told) == [" all: 2 passed, 1 failed, 1 skipped, 0.0 min", " more: 1 passed, 0.0 min"]
    assert any(line.startswith("100 % ") for line in lines)
    assert any(line.startswith("failed: ") and line.endswith("test_all.py::test_fails_at_its_end") for line in lines)
    table = lines.index("passed failed skipped minutes")
    assert lines[table + 1 :][:4] == [
        "without a variant 1 1 0 0.0",
        f"{first}-3.14 1 0 0 0.0",
        f"{first}-3.14-files 0 0 1 0.0",
        f"{second}-3.14 1 0 0 0.0",
    ]
