"""The benchmark still runs, and what it writes is complete; how fast anything is, is for `make bench` to say."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks import __main__ as bench
from benchmarks import imports, load, measure, path, report, slow, spread, stops
from benchmarks.contenders import CLASSES, PROJECT, SERVERS, SYNC, peers
from benchmarks.samples import Figure, Samples, Summary
from tests.dyno import PATIENCE
from tests.projects import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")


@pytest.mark.parametrize(("framework", "workers", "targets"), [("django", [1, 2], 46), ("flask", [1], 33)])
def test_measures_a_framework_completely(
    framework: str, workers: list[int], targets: int, postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", os.environ["HOME"])
    monkeypatch.setenv("TEST_DATABASE_URL", postgres)
    monkeypatch.setattr(load, "WRK", None)
    monkeypatch.setattr(measure, "WARM_UP", 0.01)
    monkeypatch.setattr(measure, "REPEATS", 1)
    monkeypatch.setattr(measure, "BOOTS", 1)
    monkeypatch.setattr(imports, "REPEATS", 1)
    for name, value in {"PACE": 0.01, "VISITORS": 2, "GIVES_UP": 0.2}.items():
        monkeypatch.setattr(slow, name, value)
    monkeypatch.setattr(spread, "AT_WORKERS", (2,))
    monkeypatch.setattr(stops, "STOPS", 1)
    monkeypatch.setattr(path, "CALLS", 1)
    run = bench.run(rounds=1, seconds=0.01, workers=workers, frameworks=[framework])
    bench.write(run, tmp_path)
    assert len(run.targets) == targets
    table = (tmp_path / "benchmarks.md").read_text()
    assert all(target.what in table for target in run.targets)
    assert f"## {report.TITLES[framework]}: what a boot imports" in table
    figures = json.loads((tmp_path / "benchmarks.json").read_text())["figures"]
    (worker,) = (figure for figure in figures if figure["contender"] == "worker")
    assert worker.keys() >= {"memory idle, MB", "memory after load, MB", "defer to start, ms", "jobs/s"}
    assert "## The worker process" in table
    pages = {figure.get("page") for figure in figures}
    assert pages >= {"/healthz", "/", "static file", "/accounts/login/", "/wait", "100 in one burst"}
    for crowd in slow.CROWDS:
        served = {figure["contender"] for figure in figures if figure.get("page") == crowd.name}
        assert served == {each.name for each in (*CLASSES, *SERVERS)}
    for each in peers(framework):
        measured = [figure for figure in figures if figure["contender"] == each.name]
        assert {figure.get("page") for figure in measured} >= {*each.pages, "stops"}
        assert {figure["workers"] for figure in measured if "memory after load, MB" in figure} == {*workers}
    assert all(f"| {step}: " in table for step in path.STEPS)
    assert all(f"## {title}" in table for title in ("Where somebody is ahead of the project", "Requests lost at"))
    for name in "memory.svg", "throughput.svg":
        assert ElementTree.parse(tmp_path / name).getroot().tag == "{http://www.w3.org/2000/svg}svg"
        assert (tmp_path / name).stat().st_size < 40_000


def test_compares_slice_by_slice_and_names_the_spread_of_rounds() -> None:
    samples = Samples()
    ours = Figure("flask", "CPU a request, ms", PROJECT.name, 2, "/", "kept")
    # The machine was three times slower during the first slice of the first round; a third round had only one of them.
    for mine, theirs in ([3.3, 1.1, 1.2], [3.0, 1.0, 1.0]), ([1.2, 1.2, 1.3], [1.0, 1.0, 1.0]):
        samples.add(ours, *mine)
        samples.add(replace(ours, contender=SYNC.name), *theirs)
    samples.add(ours, 5.0)
    ratio = samples.ratio(ours, contender=SYNC.name)
    assert ratio
    assert [round(each, 9) for each in (ratio.median, ratio.least, ratio.most)] == [1.15, 1.1, 1.2]
    assert samples.ratio(ours, contender="nobody") is None
    assert samples.summary(ours) == Summary(1.2, 1.2, 5.0)


def test_says_who_is_ahead_by_what_and_leaves_out_chance() -> None:
    samples = Samples()
    rate = Figure("flask", "requests/s", PROJECT.name, 2, "/", "kept")
    spent = replace(rate, measure="CPU a request, ms")
    for figure, mine, theirs in (rate, 100, {"granian": 150, "sync": 102}), (spent, 1.0, {"granian": 1.2, "sync": 0.8}):
        samples.add(figure, mine)
        for name, value in theirs.items():
            samples.add(replace(figure, contender=name), value)
    run = report.Run(1, 0.3, [1, 2], ["flask"], samples, {}, {}, [])
    rows = [line for line in report.ahead(run) if line.startswith("| Flask")]
    assert rows == [
        "| Flask | requests/s | / | kept | granian 1.50 (2) |",
        "| Flask | CPU a request, ms | / | kept | sync 0.80 (2) |",
    ]


def test_leaves_nothing_running_when_it_is_stopped() -> None:
    # Not a folder of pytest's: PostgreSQL's server is another user's, and its socket wants a short path.
    with tempfile.TemporaryDirectory() as name, open(f"{name}/errors", "w+") as errors:
        folder = Path(name)
        folder.chmod(0o755)
        environment = {name: value for name, value in os.environ.items() if name != "TEST_DATABASE_URL"}
        with subprocess.Popen(
            [sys.executable, "-m", "benchmarks", "--frameworks", "flask", "--workers", "2", "--output", str(folder)],
            cwd=ROOT,
            env=environment | {"TMPDIR": str(folder)},
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
        ) as process:
            deadline = time.monotonic() + 5 * PATIENCE
            while not any("probe:application" in command for command in commands(folder)):
                assert process.poll() is None, Path(errors.name).read_text()
                assert time.monotonic() < deadline
                time.sleep(0.05)
            # `timeout make bench` says it twice: to make, which hands it on, and to all in its group.
            while process.poll() is None:
                process.send_signal(signal.SIGTERM)
                time.sleep(0.01)
        assert process.returncode == 1
        assert commands(folder) == []


def commands(folder: Path) -> list[str]:
    """The command lines of the processes that work in a folder or with its files."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_text().replace("\0", " ")
            if str(folder) in command or (process / "cwd").readlink().is_relative_to(folder):
                found.append(command)
        except OSError:  # it has ended, or is another user's
            continue
    return [command for command in found if "-m benchmarks" not in command]


def test_counts_who_is_not_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow, "VISITORS", 2)
    monkeypatch.setattr(slow, "GIVES_UP", 0.01)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert slow.visits(silent.getsockname()[1]) == [None, None]


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"], ids=["cut off", "404"]
)
@pytest.mark.parametrize("crowd", slow.CROWDS, ids=lambda crowd: crowd.name)
def test_counts_slow_clients_that_a_server_lets_down(
    crowd: slow.Crowd, answer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slow, "PACE", 0.01)
    with socket.create_server(("127.0.0.1", 0), backlog=crowd.clients) as server:
        port = server.getsockname()[1]

        def let_down() -> None:
            for _ in range(crowd.clients):
                client = server.accept()[0]
                client.sendall(answer)
                clients.append(client) if answer else client.close()

        clients: list[socket.socket] = []
        thread = threading.Thread(target=let_down)
        thread.start()
        with slow.Present(crowd, port) as present:
            thread.join(PATIENCE)
            deadline = time.monotonic() + PATIENCE
            while present.clients:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            assert present.lost == crowd.clients
        for client in clients:
            client.close()
