"""What a run of these tests owes to whoever runs it: it fails for its own reasons only, and says what it left out."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests import services
from tests.ports import CHOSEN_BY_LINUX, refusing_port
from tests.projects import FRAMEWORKS, ROOT

TAKE_PORTS = "from tests.ports import free_port; print(*(free_port() for _ in range(100)), flush=True); input()"
SKIPPING = """
import pytest

@pytest.mark.parametrize("number", range(3))
def test_needs_a_browser(number: int) -> None:
    pytest.skip("no browser")

def test_needs_nothing() -> None:
    pass
"""

ALL_OUTCOMES = """
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


def test_gives_no_port_to_two_processes() -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", TAKE_PORTS], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    ports = [int(port) for process in processes for port in process.stdout.readline().split()]
    for process in processes:
        process.communicate("\n")
    assert len(ports) == len(set(ports)) == 400


@pytest.mark.skipif(not CHOSEN_BY_LINUX.exists(), reason="only Linux says from which ports it chooses")
def test_gives_no_port_that_the_kernel_gives_to_anybody() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, refusing_port() as port:
        first, last = map(int, CHOSEN_BY_LINUX.read_text().split())
        assert first <= server.getsockname()[1] <= last
        assert not first <= port <= last


def test_holds_a_port_that_refuses() -> None:
    with refusing_port() as port:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
        with pytest.raises(OSError, match="in use"):
            socket.create_server(("127.0.0.1", port))


@pytest.mark.skipif("TEST_DATABASE_URL" in os.environ, reason="the server is somebody else's")
def test_ends_its_database_whatever_has_become_of_it(caplog: pytest.LogCaptureFixture) -> None:
    with services.database_server() as url:
        with psycopg.connect(url) as connection:
            folder = Path(connection.execute("SHOW data_directory").fetchone()[0])
        number = folder / "postmaster.pid"
        os.kill(int(number.read_text().split()[0]), signal.SIGQUIT)
        number.unlink(missing_ok=True)
    assert "did not end well" in caplog.text
    assert not folder.exists()


def test_says_at_its_end_what_it_left_out(tmp_path: Path) -> None:
    (tmp_path / "test_skipping.py").write_text(SKIPPING)
    command = ["-m", "pytest", "-p", "tests.conftest", "-c", os.devnull, "--rootdir", tmp_path, "-rs", tmp_path]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    run = [sys.executable, *command, "--basetemp", tmp_path / "base"]
    result = subprocess.run(
        run, cwd=ROOT, env=environment | {"TEST_VARIANT": ""}, capture_output=True, text=True, check=False
    )
    *_, pythons, left_out, passed = result.stdout.splitlines()
    assert result.returncode == 0, result.stdout
    assert pythons.startswith("projects run on Python 3.")
    assert left_out == "not run: 3 of test_skipping.py: no browser"
    assert "1 passed, 3 skipped" in passed


@pytest.mark.parametrize("processes", ["0", "2"])
def test_tells_how_far_it_is_and_what_has_become_of_each_variant(processes: str, tmp_path: Path) -> None:
    first, second = sorted(FRAMEWORKS)
    (tmp_path / "test_all.py").write_text(ALL_OUTCOMES.format(first=first, second=second))
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
