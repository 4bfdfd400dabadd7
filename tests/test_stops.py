"""A generated project stops, reloads and replaces its workers without losing a request, whoever is connected."""

import contextlib
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.crowd import Crowd, until, workers
from tests.dyno import PATIENCE, Dyno, free_port, running
from tests.load import Load
from tests.projects import THOROUGH, Project
from tests.protocol import HEAD, connect, get, post, receive_all, responses

# The framework cannot matter.
pytestmark = pytest.mark.parametrize("project", THOROUGH[-1:], indirect=True, ids=str)


@pytest.fixture(scope="module")
def both(project: Project) -> str:
    """The command that serves the project with misbehaving pages added."""
    for name in "both.py", "echo.py":
        shutil.copy(Path(__file__).parent / "probes" / name, project.path / name)
    return "gunicorn both:application"


@contextlib.contextmanager
def company(dyno: Dyno) -> Iterator[None]:
    """Clients of whom none has a request in flight: idle ones, kept ones, and some in the middle of a head."""
    with (
        Crowd(dyno, 8, stays_away=True),
        Crowd(dyno, 8, get(b"/healthz"), stays_away=True),
        Crowd(dyno, 8, get(b"/healthz")[:20], b"x", stays_away=True),
    ):
        yield


# Ways to be told to stop


def all_at_once(dyno: Dyno) -> None:
    dyno.signal(signal.SIGTERM)


def workers_first(dyno: Dyno) -> None:
    for pid in workers(dyno):
        os.kill(pid, signal.SIGTERM)
    time.sleep(0.3)  # as long as a platform may take from one process to the next
    os.kill(dyno.process.pid, signal.SIGTERM)


def master_alone(dyno: Dyno) -> None:
    os.kill(dyno.process.pid, signal.SIGTERM)


@pytest.mark.parametrize("way", [all_at_once, workers_first, master_alone])
def test_stops_at_once_where_no_request_is_in_flight(way: Callable[[Dyno], None], project: Project, both: str) -> None:
    with running(project, both) as dyno:
        dyno.wait_for("Booting worker", times=2)
        with company(dyno), Load(dyno, clients=8) as load:
            began = time.monotonic()
            way(dyno)
            assert dyno.wait() == 0
            assert time.monotonic() - began < 8
        assert load.lost == []
        assert [line for line in dyno.log if "Traceback" in line or "Cut off" in line] == []


@pytest.mark.parametrize("way", [all_at_once, workers_first, master_alone])
def test_finishes_what_is_in_flight_before_it_stops(way: Callable[[Dyno], None], project: Project, both: str) -> None:
    """A slow application, a slow upload and a slow download."""
    with running(project, both) as dyno, ThreadPoolExecutor() as pool, contextlib.ExitStack() as clients:
        dyno.wait_for("Booting worker", times=2)
        body = b"x" * 100_000
        upload = clients.enter_context(connect(dyno.port))
        download = clients.enter_context(connect(dyno.port, narrow=True))
        upload.sendall(post(b"/probe/all", body)[:-50_000])
        download.sendall(get(b"/probe/large"))
        begun = download.recv(1000)
        slow = pool.submit(dyno.get, "/probe/sleep?2")
        dyno.wait_for("probe sleeps")
        way(dyno)
        dyno.wait_for("Handling signal: term")
        upload.sendall(body[-50_000:])
        (answer,) = responses(receive_all(upload), [b"POST"])
        # Whether its worker has heard by now, or closes the connection a little later.
        assert answer.status == 200
        assert b'"length": 100000' in answer.body
        (answer,) = responses(begun + receive_all(download), [b"GET"])
        assert (answer.status, answer.whole) == (200, True)
        assert slow.result().text == "slept"
        assert dyno.wait() == 0


@pytest.mark.parametrize("way", [all_at_once, master_alone])
def test_cuts_what_never_ends_when_its_time_is_over(way: Callable[[Dyno], None], project: Project, both: str) -> None:
    port = str(free_port())
    arguments = f"--bind 127.0.0.1:{port} --graceful-timeout 5 --access-logfile -"
    with running(project, both, PORT=port, GUNICORN_CMD_ARGS=arguments) as dyno:
        dyno.wait_for("Booting worker", times=2)
        with Crowd(dyno, 3, get(b"/probe/endless"), stays_away=True):
            dyno.wait_for("probe streams", times=3)
            way(dyno)
            assert dyno.wait() == 0
        dyno.wait_for("Cut off: GET /probe/endless", times=3)


# Ways to replace workers


def reload(dyno: Dyno) -> None:
    for reloads in range(1, 3):
        os.kill(dyno.process.pid, signal.SIGHUP)
        dyno.wait_for("Booting worker", times=2 + 2 * reloads)
        dyno.wait_for("Worker exiting", times=2 * reloads)


def more_and_fewer(dyno: Dyno) -> None:
    for number in range(1, 3):
        os.kill(dyno.process.pid, signal.SIGTTIN)
        dyno.wait_for("Booting worker", times=2 + number)
        os.kill(dyno.process.pid, signal.SIGTTOU)
        dyno.wait_for("Worker exiting", times=number)


def one_after_the_other(dyno: Dyno) -> None:
    for number, pid in enumerate(workers(dyno), start=1):
        os.kill(pid, signal.SIGTERM)
        dyno.wait_for("Booting worker", times=2 + number)


@pytest.mark.parametrize("way", [reload, more_and_fewer, one_after_the_other])
def test_loses_nothing_when_workers_are_replaced(way: Callable[[Dyno], None], project: Project, both: str) -> None:
    with running(project, both) as dyno:
        dyno.wait_for("Booting worker", times=2)
        with company(dyno), Load(dyno, clients=8) as load:
            way(dyno)
        assert (load.lost, load.refused) == ([], 0)
        assert dyno.stop() == 0


def test_loses_nothing_when_workers_with_company_are_recycled(project: Project, both: str) -> None:
    with running(project, both, WEB_MAX_REQUESTS="100") as dyno:
        slow = Crowd(dyno, 4, get(b"/probe/large"), every=0.05, reads=20_000, narrow=True)
        with company(dyno), slow, Load(dyno, clients=8) as load:
            dyno.wait_for("Worker exiting", times=4)
        assert (load.lost, load.refused) == ([], 0)
        assert dyno.stop() == 0


def test_loses_nothing_when_its_master_is_replaced(project: Project, both: str) -> None:
    """SIGUSR2, and SIGTERM to the old master when the new one serves: an upgrade without a pause."""
    with running(project, both) as dyno:
        dyno.wait_for("Booting worker", times=2)
        with company(dyno), Load(dyno, clients=8) as load:
            os.kill(dyno.process.pid, signal.SIGUSR2)
            dyno.wait_for("Booting worker", times=4)
            os.kill(dyno.process.pid, signal.SIGTERM)
            assert dyno.process.wait(PATIENCE) == 0
            served = load.answered
            assert until(lambda: load.answered > served + 100)
        assert (load.lost, load.refused) == ([], 0)
        dyno.signal(signal.SIGTERM)
        dyno.wait_for("Shutting down: Master", times=2)
        assert dyno.wait() == 0
        assert [line for line in dyno.log if "Traceback" in line] == []


# Any worker class


@pytest.mark.parametrize("worker_class", ["", "--worker-class gthread", "--worker-class sync --threads 1"])
def test_hears_that_it_shall_stop_right_after_a_fork(worker_class: str, project: Project, probe: str) -> None:
    variables = {"PROBE_SLOW_FORK": "on"}
    if worker_class:
        port = str(free_port())
        variables |= {"PORT": port, "GUNICORN_CMD_ARGS": f"--bind 127.0.0.1:{port} {worker_class}"}
    with running(project, probe, **variables) as dyno:
        dyno.wait_for("probe is forked")
        os.kill(dyno.process.pid, signal.SIGTERM)
        assert dyno.wait() == 0


@pytest.mark.parametrize("worker_class", ["gthread", "sync --threads 1"])
def test_serves_and_stops_with_another_worker(worker_class: str, project: Project, both: str) -> None:
    port = str(free_port())
    arguments = f"--bind 127.0.0.1:{port} --worker-class {worker_class}"
    with running(project, both, PORT=port, GUNICORN_CMD_ARGS=arguments) as dyno:
        for _ in range(4):
            assert dyno.get("/").status_code == 200
        assert dyno.stop() == 0
        assert [line for line in dyno.log if "Traceback" in line or "level=error" in line] == []


def test_ends_who_never_finishes_a_head(project: Project, both: str) -> None:
    """However steadily it sends."""
    with running(project, both) as dyno, connect(dyno.port) as client:
        client.sendall(b"GET /" + HEAD)
        client.settimeout(1)
        received = b""
        deadline = time.monotonic() + PATIENCE
        while not received and time.monotonic() < deadline:
            client.sendall(b"A: b\r\n")
            with contextlib.suppress(TimeoutError):
                received = client.recv(1000)
        assert received.startswith(b"HTTP/1.1 408 ")
