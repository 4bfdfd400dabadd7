"""`make serve` of a generated project: all processes of its Procfile, from the first line to the last."""

import os
import re
import shlex
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import thorough
from tests.dyno import PATIENCE, Server
from tests.ports import free_port
from tests.privileges import hand_over
from tests.projects import Project

pytestmark = thorough

# Says that it is at work, to a named pipe too, and that it has been asked to stop.
WORK = """
import signal, sys
def stop(number, frame):
    print("asked to stop")
    sys.exit()
signal.signal(signal.SIGTERM, stop)
print("at work")
for name in sys.argv[1:]:
    open(name, "w").close()
while True:
    signal.pause()
"""
# The same, but it does not listen.
STUBBORN = """
import signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("at work")
for name in sys.argv[1:]:
    open(name, "w").close()
while True:
    signal.pause()
"""
Serve = Callable[..., Server]


@pytest.fixture
def folder(project: Project, tmp_path: Path) -> Path:
    """A copy of the project whose Procfile has yet to be written."""
    copy = shutil.copytree(project.path, tmp_path / "copy")
    (copy / "work.py").write_text(WORK)
    (copy / "stubborn.py").write_text(STUBBORN)
    hand_over(copy)
    return copy


@pytest.fixture
def serve(project: Project, folder: Path) -> Iterator[Serve]:
    """Starts what the Makefile starts, with a Procfile of the test's own."""
    servers = []

    def start(*lines: str, command: str = "python -m runtime.processes") -> Server:
        (folder / "Procfile").write_text("".join(f"{line}\n" for line in lines))
        variables = project.environment({"PORT": str(free_port())})
        servers.append(Server(shlex.split(command), folder, variables))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def test_runs_every_process_after_the_release_step(serve: Serve) -> None:
    server = serve(
        "# The web process comes first.",
        "web: gunicorn config.wsgi",
        "",
        "release: echo one && echo two",
        "worker: python work.py",
        "clock: TIMES=2 && exec python work.py",
    )
    server.wait_for(r"^web     \| .*Serving with workers")
    server.wait_for(r"^worker  \| at work$")
    server.wait_for(r"^clock   \| at work$")
    assert server.log[:2] == ["release | one", "release | two"]
    server.process.send_signal(signal.SIGINT)
    assert server.wait() == 0
    assert {"worker  | asked to stop", "clock   | asked to stop"} <= {*server.log}
    assert [line for line in server.log if line.startswith("web     | ") and "Shutting down: Master" in line]


def test_needs_no_worker_for_jobs_on_sqlite(serve: Serve) -> None:
    server = serve("web: python work.py", "worker: python -m runtime.work")
    server.wait_for(r"^web \| at work$")
    assert server.stop() == 0
    assert [
        line for line in server.log if line.startswith("Without the worker process: on SQLite each job runs at once")
    ]
    assert [line for line in server.log if line.startswith("worker")] == []


def test_needs_no_release_step(serve: Serve) -> None:
    server = serve("web: python work.py")
    server.wait_for(r"^web \| at work$")
    assert server.stop() == 0


def test_starts_nothing_after_a_release_step_that_failed(serve: Serve) -> None:
    server = serve("web: echo started", "release: echo trying && exit 4")
    assert server.wait() == 4
    assert server.log == ["release | trying"]


def test_starts_nothing_when_it_is_stopped_in_the_release_step(serve: Serve) -> None:
    server = serve("web: echo started", "release: python work.py")
    server.wait_for("at work")
    server.process.send_signal(signal.SIGINT)
    assert server.wait() == 0
    assert server.log == ["release | at work", "release | asked to stop"]


@pytest.mark.parametrize(("end", "status"), [("exit 3", 3), ("exit 0", 0), ("kill -KILL $$", 137)])
def test_ends_with_the_first_process_that_ends(end: str, status: int, serve: Serve, folder: Path) -> None:
    os.mkfifo(folder / "others")
    hand_over(folder / "others")
    # To open a pipe takes two: the worker ends when the other is at work.
    server = serve("web: python work.py others", f"worker: read line < others; {end}")
    assert server.wait() == status
    assert "web    | asked to stop" in server.log
    assert [line for line in server.log if f"worker process has ended with status {status}" in line]


def test_waits_for_what_a_shell_has_started(serve: Serve) -> None:
    """The signal ends the shell itself at once."""
    server = serve("web: python work.py && echo done")
    server.wait_for("at work")
    server.process.send_signal(signal.SIGTERM)
    assert server.wait() == 0
    assert server.log[-1] == "web | asked to stop"


def test_keeps_lines_whole(serve: Serve) -> None:
    def lines(sign: str) -> str:
        return f"""python -c "print(*['{sign}' * 100000] * 50, sep='\\n', end='\\033[0m')" """

    server = serve(f"web: {lines('a')}; python work.py", f"worker: {lines('b')}; python work.py")
    server.wait_for("at work", times=2)
    server.stop()
    for name, sign in ("web   ", "a"), ("worker", "b"):
        assert [*server.log].count(f"{name} | {sign * 100000}") == 49
        assert f"{name} | {sign * 100000}\033[0mat work" in server.log


def test_kills_at_once_who_is_interrupted_twice(serve: Serve) -> None:
    server = serve("web: python work.py", "worker: python stubborn.py")
    server.wait_for("at work", times=2)
    server.process.send_signal(signal.SIGINT)
    server.wait_for(r"^web    \| asked to stop$")
    server.process.send_signal(signal.SIGINT)
    assert server.wait() == 0
    assert not [line for line in server.log if "seconds" in line]


def test_kills_who_does_not_end_in_time(project: Project, folder: Path) -> None:
    os.mkfifo(folder / "others")
    hand_over(folder / "others")
    processes = {"web": "read line < others; exit 5", "worker": "python stubborn.py others"}
    code = f"from runtime.processes import Processes; raise SystemExit(Processes(grace=0.1).run({processes}, 6))"
    result = project.run(f"python -c {shlex.quote(code)}", folder=folder, PYTHONUNBUFFERED="1")
    assert result.returncode == 5, result.stderr
    assert "The worker process has not ended in 0.1 seconds: killing it." in result.stdout.splitlines()


def test_gives_as_long_as_the_platform_does(project: Project) -> None:
    code = "from runtime import processes, timeouts; print(processes.Processes().grace - timeouts.GRACEFUL)"
    assert project.run(f"python -c {shlex.quote(code)}").stdout == "4\n"


def test_ends_with_its_reader(project: Project, folder: Path) -> None:
    (folder / "Procfile").write_text("web: while echo x; do :; done\n")
    process = subprocess.Popen(
        ["python", "-m", "runtime.processes"],
        cwd=folder,
        env=project.environment({"PORT": str(free_port())}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout
    assert process.stderr
    assert process.stdout.readline()
    process.stdout.close()
    assert process.wait(PATIENCE) == 0
    assert process.stderr.read() == b""
    process.stderr.close()


def test_says_in_one_line_that_there_is_nothing_to_run(serve: Serve) -> None:
    server = serve("# web: gunicorn config.wsgi")
    assert server.wait() == 1
    assert len(server.log) == 1
    assert re.match("The Procfile names no process", server.log[0])
