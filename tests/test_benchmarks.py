"""The benchmark still runs, and what it writes is complete; how fast anything is, is for `make bench` to say."""

import json
import os
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks import __main__ as bench
from benchmarks import imports, load, measure, report

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")


@pytest.mark.parametrize(("framework", "workers", "targets"), [("django", [1, 2], 17), ("flask", [1], 13)])
def test_measures_a_framework_completely(
    framework: str, workers: list[int], targets: int, postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", os.environ["HOME"])
    monkeypatch.setenv("TEST_DATABASE_URL", postgres)
    monkeypatch.setattr(load, "WRK", None)
    monkeypatch.setattr(measure, "WARM_UP", 0.01)
    monkeypatch.setattr(measure, "REPEATS", 1)
    monkeypatch.setattr(imports, "REPEATS", 1)
    run = bench.run(rounds=1, seconds=0.01, workers=workers, frameworks=[framework])
    bench.write(run, tmp_path)
    assert len(run.targets) == targets
    table = (tmp_path / "benchmarks.md").read_text()
    assert all(target.what in table for target in run.targets)
    assert f"## {report.TITLES[framework]}: what a boot imports" in table
    figures = json.loads((tmp_path / "benchmarks.json").read_text())["figures"]
    assert {figure.get("page") for figure in figures} >= {"/healthz", "/", "static file", "/accounts/login/", "/wait"}
    for name in "memory.svg", "throughput.svg":
        assert ElementTree.parse(tmp_path / name).getroot().tag == "{http://www.w3.org/2000/svg}svg"
        assert (tmp_path / name).stat().st_size < 40_000
