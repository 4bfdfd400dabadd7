"""What a worker says that it takes, and which numbers call for other ones."""

import socket
import time
from collections.abc import Iterator

import pytest

from runtime import load
from runtime.load import ALL, BUSY, INTERVAL, LONG, MOST_THREADS, ONE_OF, Load, Place, advice

PLACE = Place(workers=2, threads=4, memory_mb=512, cpus=2)


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Load:
    """The load of a worker that has taken half a CPU since the clock said 1000."""
    seconds = iter((0.0, INTERVAL / 2, INTERVAL))
    monkeypatch.setattr(time, "monotonic", lambda: 1000.0)
    monkeypatch.setattr(time, "process_time", lambda: next(seconds))
    monkeypatch.setattr(load, "memory_mb", lambda: (40, 60))
    return Load(PLACE)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Both ends of a connection."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
        server.accept()[0] as accepted,
    ):
        yield client, accepted


def test_is_one_line_every_some_minutes(worker: Load, log: list[str]) -> None:
    for busy in (1, 3, 2):
        worker.count(busy, None)
    worker.look(1000 + INTERVAL - 1)
    assert log == []
    worker.look(1000 + INTERVAL)
    (line,) = log
    assert line.startswith('level=info logger=runtime.load msg="What this worker took in 300 s." pid=')
    assert line.endswith(
        " requests=3 own_mb=40 shared_mb=60 cpu=0.5 threads=4 busy_most=3 waited_mean_ms=0 waited_most_ms=0"
    )
    worker.look(1000 + 2 * INTERVAL)
    assert log == [line]


def test_is_not_told_of_who_had_nothing_to_do(worker: Load, log: list[str]) -> None:
    worker.look(1000 + INTERVAL)
    assert log == []


def test_is_told_with_what_it_calls_for(worker: Load, log: list[str]) -> None:
    worker.count(4, None)
    worker.taken_up, worker.waited_ms, worker.longest_ms = 2, 300, 200
    worker.look(1000 + INTERVAL)
    assert ' waited_mean_ms=150 waited_most_ms=200 advice="' in log[0]
    assert log[0].endswith('heroku config:set WEB_THREADS=8"')


def test_asks_of_some_where_there_are_many(worker: Load, pair: tuple[socket.socket, socket.socket]) -> None:
    for _ in range(ALL + 10 * ONE_OF):
        worker.count(1, pair[1])
    assert worker.requests == ALL + 10 * ONE_OF
    assert worker.taken_up == ALL + 10


def test_a_wait_is_the_age_of_the_last_byte(worker: Load, pair: tuple[socket.socket, socket.socket]) -> None:
    client, accepted = pair
    client.sendall(b"GET / HTTP/1.1\r\n")
    # The clock of this process stands still; the kernel's goes on.
    while worker.longest_ms < 100:
        worker.begin()
        worker.count(1, accepted)
    assert worker.longest_ms == worker.waited_ms >= 100
    client.sendall(b"\r\n")
    assert accepted.recv(100)
    worker.count(1, accepted)
    assert (worker.requests, worker.taken_up) == (2, 2)


def test_a_socket_file_tells_no_wait(worker: Load) -> None:
    one, other = socket.socketpair()
    with one, other:
        worker.count(1, one)
    assert (worker.requests, worker.taken_up) == (1, 0)


def test_knows_what_this_process_takes() -> None:
    own, shared = load.memory_mb()
    assert own > 0
    # An interpreter that is linked into one file shares nothing with this machine's other programs.
    assert shared >= 0


@pytest.mark.parametrize(
    ("own", "shared", "busy", "waited", "cpu", "called_for"),
    [
        (40, 60, 4, LONG - 1, 1.0, ""),
        (40, 60, 3, 500, 0.1, ""),
        (40, 60, 4, LONG, 0.1, "WEB_THREADS=8"),
        (40, 60, 4, LONG, BUSY, "heroku ps:scale web=2"),
        (0, 0, 4, LONG, 0.1, "WEB_THREADS=8"),
        (200, 60, 4, LONG, 0.1, "WEB_THREADS=8"),
        (201, 60, 1, 0, 0.0, "WEB_CONCURRENCY=1"),
    ],
)
def test_calls_for_other_numbers(own: int, shared: int, busy: int, waited: int, cpu: float, called_for: str) -> None:
    tip = advice(PLACE, own, shared, busy, waited, cpu)
    assert called_for in tip if called_for else not tip


@pytest.mark.parametrize(
    ("place", "own", "called_for"),
    [
        (Place(workers=2, threads=4, memory_mb=512, cpus=8), 40, "WEB_CONCURRENCY=3"),
        (Place(workers=2, threads=4, memory_mb=512, cpus=8), 150, "no memory for another"),
        (Place(workers=1, threads=4, memory_mb=512, cpus=8), 470, "take a larger dyno"),
    ],
)
def test_looks_at_what_there_is_room_for(place: Place, own: int, called_for: str) -> None:
    assert called_for in advice(place, own, 60, place.threads, LONG, BUSY)


def test_calls_for_no_more_threads_than_there_may_be() -> None:
    place = Place(workers=2, threads=MOST_THREADS, memory_mb=512, cpus=2)
    assert "WEB_THREADS" not in advice(place, 40, 60, MOST_THREADS, LONG, 0.1)
