"""A generated project's server when something fails: its clients, its descriptors, its disk, its clock, itself."""

import contextlib
import os
import random
import re
import shutil
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from tests import protocol, services
from tests.crowd import Crowd, Visitors, cpu_seconds, descriptors, until, workers
from tests.dyno import Dyno, running
from tests.projects import THOROUGH, Project
from tests.protocol import connect, exchange, get, in_chunks, noise, post, post_chunked, reset

# The framework cannot matter but where a test says so.
one_framework = pytest.mark.parametrize("project", THOROUGH[-1:], indirect=True, ids=str)
both_frameworks = pytest.mark.parametrize("project", THOROUGH, indirect=True, ids=str)


@pytest.fixture(scope="module")
def echo(project: Project) -> str:
    """The command that serves an application that says what it was asked."""
    for name in "echo.py", "faulty.py", "both.py":
        shutil.copy(Path(__file__).parent / "probes" / name, project.path / name)
    return "gunicorn echo:application"


def answers(dyno: Dyno, request: bytes) -> list[int]:
    received = exchange(dyno, request)
    return [answer.status for answer in protocol.responses(received, [protocol.method_of(request)])]


def is_served(dyno: Dyno) -> bool:
    return answers(dyno, get(b"/process")) == [200]


def failures(dyno: Dyno) -> list[str]:
    return [line for line in dyno.log if "Traceback" in line or "level=critical" in line or "level=error" in line]


# Descriptors


@one_framework
def test_waits_for_descriptors(project: Project, echo: str) -> None:
    """200 clients where each worker may have 64 files open."""
    with running(project, f"sh -c 'ulimit -n 64 && exec {echo}'") as dyno:
        assert until(lambda: len(workers(dyno)) == 2)
        assert is_served(dyno)
        with Crowd(dyno, 200, stays_away=True):
            before, began = sum(map(cpu_seconds, workers(dyno))), time.monotonic()
            visitors = Visitors(dyno, count=20, seconds=3)
            visitors.come()
            assert sum(map(cpu_seconds, workers(dyno))) - before < 0.5 * (time.monotonic() - began)
        assert is_served(dyno)
        assert failures(dyno) == []
        assert dyno.stop() == 0


@one_framework
def test_accepts_again_when_its_application_has_closed_its_files(project: Project, echo: str) -> None:
    """Nobody is refused meanwhile, and nothing spins."""
    with running(project, f"sh -c 'ulimit -n 64 && exec {echo}'", WEB_CONCURRENCY="1") as dyno:
        assert is_served(dyno)
        (worker,) = workers(dyno)
        assert answers(dyno, get(b"/hoard?5")) == [200]
        with contextlib.ExitStack() as clients:
            waiting = [clients.enter_context(connect(dyno.port)) for _ in range(10)]
            for client in waiting:
                client.sendall(get(b"/all"))
            dyno.wait_for("can take no more connections just now")
            before, began = cpu_seconds(worker), time.monotonic()
            dyno.wait_for("probe has released")
            assert cpu_seconds(worker) - before < 0.5 * max(1.0, time.monotonic() - began)
            # One that had sent nothing yet may have made room for another.
            answered = [client.recv(65536) for client in waiting]
            assert len([answer for answer in answered if b"200 OK" in answer]) >= 5
        assert until(lambda: is_served(dyno))
        assert len([line for line in dyno.log if "can take no more connections" in line]) <= 20
        assert failures(dyno) == []


# Clients that go


STAGES = {
    "before a byte": b"",
    "in a head": b"GET /all HTTP/1.1\r\nHost: lo",
    "in a small body": post(b"/all", b"hello")[:-1],
    "in a large body": post(b"/all", noise(2 << 20))[:-1],
    "in a chunk": post_chunked(b"/all", in_chunks(b"hello", 3)[:5]),
    "while the application runs": get(b"/sleep?0.2"),
    "in a response": get(b"/large"),
    "in a file": get(b"/large-file"),
    "in a stream": get(b"/large-stream"),
    "in an endless stream": get(b"/endless"),
    "on a connection kept": get(b"/all"),
    "between two requests": get(b"/all") + b"GET /",
    "after a refusal": b"nothing that is HTTP\r\n\r\n" + noise(100_000),
}


@one_framework
def test_forgets_clients_that_go(project: Project, echo: str) -> None:
    """By a reset, at each stage."""
    with running(project, echo, WEB_CONCURRENCY="1") as dyno:
        assert is_served(dyno)
        (worker,) = workers(dyno)
        before = descriptors(worker)
        for stage, request in STAGES.items():
            for number in range(8):
                client = connect(dyno.port)
                with contextlib.suppress(OSError):
                    client.sendall(request)
                    if number % 2 and stage not in {"before a byte", "in a head", "in a chunk"} and "body" not in stage:
                        client.recv(100)
                reset(client)
            assert until(lambda: descriptors(worker) <= before), stage
            assert is_served(dyno), stage
        assert workers(dyno) == [worker]
        assert [line for line in dyno.log if "Traceback" in line or "level=critical" in line] == []
        assert dyno.stop() == 0


@one_framework
def test_leaks_nothing_in_ten_thousand_connections(project: Project, echo: str) -> None:
    """Valid, malformed, cut, reset and slow ones."""
    small = [request for request in [*protocol.VALID, *protocol.MALFORMED] if len(request) < 10_000]
    small = [request for request in small if b"/large" not in request]

    def come(seed: int) -> None:
        chance = random.Random(seed)
        slow: list[socket.socket] = []
        for _ in range(2500):
            request = chance.choice(small)
            try:
                client = connect(dyno.port)
                client.sendall(request[: chance.choice([None, None, chance.randrange(len(request) + 1)])])
                match chance.randrange(5):
                    case 0:
                        reset(client)
                    case 1:
                        slow.append(client)
                    case 2:
                        client.shutdown(socket.SHUT_WR)
                        protocol.receive_all(client)
                        client.close()
                    case _:
                        client.close()
            except OSError:
                client.close()
            if len(slow) > 20:
                slow.pop(0).close()
        for client in slow:
            client.close()

    with running(project, echo) as dyno:
        # What a worker opens once, it has opened.
        for request in small:
            exchange(dyno, request)
        pids = workers(dyno)
        before = {pid: descriptors(pid) for pid in pids}
        threads = {pid: len(os.listdir(f"/proc/{pid}/task")) for pid in pids}
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(come, range(4)))
        assert until(lambda: all(descriptors(pid) <= before[pid] for pid in pids))
        assert {pid: len(os.listdir(f"/proc/{pid}/task")) for pid in workers(dyno)} == threads
        assert is_served(dyno)
        assert dyno.stop() == 0
        assert [line for line in dyno.log if "goes on after this" in line or "closed after this" in line] == []


# A full disk


@pytest.mark.parametrize("way", ["plain", "chunked", "many small ones"])
@one_framework
def test_refuses_a_body_that_its_disk_cannot_take(way: str, project: Project, echo: str) -> None:
    """A limit on the size of files stands for the disk's end."""
    body = noise(8 << 20)
    request = {
        "plain": post(b"/probe/all", body),
        "chunked": post_chunked(b"/probe/all", in_chunks(body, 100_000)),
        "many small ones": post_chunked(b"/probe/all", in_chunks(body, 1000)),
    }[way]
    with running(project, "gunicorn both:application", WEB_CONCURRENCY="1") as dyno:
        assert answers(dyno, get(b"/probe/limit?2000000")) == [200]
        (worker,) = workers(dyno)
        before = descriptors(worker)
        files = {path for path in project.home.rglob("*") if path.is_file()}
        for _ in range(3):
            (answer,) = protocol.responses(exchange(dyno, request), [b"POST"])
            assert (answer.status, answer.whole, answer.closes) == (413, True, True)
        assert until(lambda: descriptors(worker) <= before)
        assert {path for path in project.home.rglob("*") if path.is_file()} == files
        # What fits is taken.
        assert answers(dyno, post(b"/probe/all", noise(100_000))) == [200]
        assert failures(dyno) == []


# Faults of its own


@one_framework
def test_goes_on_after_a_fault_in_any_function(project: Project, echo: str) -> None:
    requests = [
        get(b"/all") + get(b"/stream"),
        post(b"/all", noise(100_000)),
        post(b"/all", noise(2 << 20)),
        post(b"/all", b"hello", b"Expect: 100-continue\r\n"),
        post_chunked(b"/all", in_chunks(noise(5000), 100)),
        get(b"/file"),
        get(b"/large-file"),
        get(b"/large"),
        get(b"/large-stream"),
        get(b"/hints"),
        get(b"/write"),
        get(b"/raise"),
        b"nothing that is HTTP\r\n\r\n" + noise(100_000),
        post(b"/all", noise(100))[:-1],
    ]
    with running(project, "gunicorn faulty:application", WEB_CONCURRENCY="1") as dyno:

        def exchange_all() -> None:
            for request in requests:
                with contextlib.suppress(OSError), connect(dyno.port, 5) as client:
                    client.sendall(request)
                    client.shutdown(socket.SHUT_WR)
                    protocol.receive_all(client)

        def threads() -> int:
            return len(os.listdir(f"/proc/{worker}/task"))

        functions = dyno.get("/functions").text.split()
        (worker,) = workers(dyno)
        exchange_all()
        assert until(lambda: is_served(dyno))
        files, usual_threads = descriptors(worker), threads()
        faults, uncalled = {}, set()
        # Who catches what the others raise, and who alone can close a file.
        for function in sorted({*functions} - {"Worker.proceed", "Worker.serve", "File.close"}):
            assert dyno.get(f"/fail?{function}").status_code == 200
            dyno.wait_for(f"probe is armed for {re.escape(function)}$")
            exchange_all()
            if not [line for line in dyno.log if line == f"probe fails in {function}"]:
                uncalled.add(function)
            if workers(dyno) != [worker]:
                faults[function] = "the worker has ended"
                break
            if not until(lambda: is_served(dyno), 20):
                faults[function] = "nobody is served"
                break
            if not until(lambda most=files: descriptors(worker) <= most, 20):
                faults[function] = f"{descriptors(worker)} files are open, not {files}"
                files = descriptors(worker)
            if threads() != usual_threads:
                faults[function] = f"{threads()} threads, not {usual_threads}"
                usual_threads = threads()
        assert faults == {}
        assert len(uncalled) < len(functions) / 2, uncalled
        assert dyno.stop() == 0


@one_framework
def test_replaces_a_worker_whose_main_thread_has_failed(project: Project, echo: str) -> None:
    with running(project, "gunicorn faulty:application") as dyno:
        for number, function in enumerate(["look_after", "balance", "watch"], start=1):
            assert dyno.get(f"/fail?main+Worker.{function}").status_code == 200
            dyno.wait_for(f"probe fails in Worker.{function}")
            # Gunicorn replaces who has ended; or nothing has, which is as well.
            assert until(lambda: len(workers(dyno)) == 2), number
            assert is_served(dyno)
        assert dyno.stop() == 0


@pytest.mark.parametrize("seconds", ["-86400", "86400"])
@one_framework
def test_does_not_care_what_time_it_is(seconds: str, project: Project, echo: str) -> None:
    with running(project, "gunicorn faulty:application", WEB_CONCURRENCY="1") as dyno:
        with connect(dyno.port) as kept, connect(dyno.port) as slow, connect(dyno.port) as idle:
            kept.sendall(get(b"/all"))
            assert b"200 OK" in kept.recv(65536)
            slow.sendall(get(b"/all")[:20])
            assert dyno.get(f"/clock?{seconds}").text == "set"
            began = time.monotonic()
            # Two rounds of whoever looks after the connections.
            assert not until(lambda: time.monotonic() < began, 2.5)
            slow.sendall(get(b"/all")[20:])
            idle.sendall(get(b"/all"))
            for client in kept, slow, idle:
                if client is kept:
                    client.sendall(get(b"/all"))
                assert b"200 OK" in client.recv(65536)
        assert len([line for line in dyno.log if "Booting worker" in line]) == 1
        assert [line for line in dyno.log if "duration_ms=-" in line] == []
        assert dyno.stop() == 0


# A database that hangs


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a database whose server is this test's own, so that its processes can be stopped."""
    monkeypatch.delenv("TEST_DATABASE_URL", raising=False)
    with services.database_server() as url:
        yield services.new_database(url)


def master_of(url: str) -> int:
    """The process that has started the one that serves a connection."""
    with psycopg.connect(url) as connection:
        return int(Path(f"/proc/{connection.info.backend_pid}/stat").read_text().rpartition(")")[2].split()[1])


def signal_database(master: int, number: int) -> None:
    # The master first, lest it replace whom it misses.
    os.kill(master, number)
    for pid in Path(f"/proc/{master}/task/{master}/children").read_text().split():
        # Some end by themselves meanwhile.
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), number)


@both_frameworks
def test_answers_while_its_database_hangs(project: Project, probe: str, hanging: str) -> None:
    """/readyz by its own limit, and says so; everything else as ever."""
    master = master_of(hanging)
    with running(project, probe, DATABASE_URL=hanging) as dyno, ThreadPoolExecutor(16) as pool:
        with psycopg.connect(hanging, autocommit=True) as connection:

            def warm() -> bool:
                list(pool.map(lambda number: dyno.get(f"/row?n={number}"), range(32)))
                count = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                return connection.execute(count).fetchone()[0] >= 9  # one is this one

            assert until(warm)
        assert dyno.get("/readyz").json() == {"database": "ok"}
        signal_database(master, signal.SIGSTOP)
        try:
            visitors = Visitors(dyno, seconds=6)
            asked = [pool.submit(dyno.get, "/readyz") for _ in range(8)]
            visitors.come()
            for future in asked:
                assert (future.result().status_code, future.result().json()) == (503, {"database": "failing"})
            assert visitors.failures == []
            print(f"slowest {max(visitors.times):.3f} s")
        finally:
            signal_database(master, signal.SIGCONT)
        assert until(lambda: dyno.get("/readyz").status_code == 200)
        assert dyno.get("/row?n=1").text == "1"
