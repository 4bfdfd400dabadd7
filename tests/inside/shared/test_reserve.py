"""How many threads take events."""

import itertools
import threading
import time
from collections.abc import Iterator

import pytest

from runtime.reserve import FRESH, LATEST, MANY, MOST, PAUSE, WAITED, WAITS, Reserve


@pytest.fixture
def reserve(monkeypatch: pytest.MonkeyPatch) -> Reserve:
    """Threads, one of which has just begun with something, and no time has passed since."""
    monkeypatch.setattr(time, "monotonic", lambda: 1000.0)
    reserve = Reserve()
    reserve.begin(1)
    return reserve


class Clock:
    """What the CPU and the clock on the wall say."""

    def __init__(self) -> None:
        self.now, self.cpu = 1000.0, 0.0

    def rounds(self, reserve: Reserve, seconds: float, usage: float) -> Iterator[None]:
        """Let so much time pass."""
        for _ in range(round(seconds / 0.25)):
            self.now, self.cpu = self.now + 0.25, self.cpu + 0.25 * usage
            reserve.look(self.now)
            yield


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that a test moves."""
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", lambda: clock.now)
    monkeypatch.setattr(time, "process_time", lambda: clock.cpu)
    return clock


def wait(reserve: Reserve, requests: int) -> None:
    for _ in range(requests):
        reserve.count(10 * WAITED)


def test_leaves_to_one_thread_what_it_can_do(reserve: Reserve) -> None:
    for _ in range(100):
        reserve.count(0)
    assert reserve.is_spare()


def test_needs_no_second_thread_for_a_rare_wait(reserve: Reserve) -> None:
    for _ in range(100):
        wait(reserve, 1)
        for _ in range(10):
            reserve.count(0)
        assert reserve.is_spare()


def test_lets_all_threads_go_where_requests_wait(reserve: Reserve) -> None:
    wait(reserve, 3)
    assert not reserve.is_spare()
    reserve.stand_by(2)


def test_stays_in_reserve_while_another_takes_what_comes_one_upon_the_other(reserve: Reserve, clock: Clock) -> None:
    """A thread between two requests is nobody's cause to get up."""
    reserve.end(1)
    reserve.since[1] = WAITS
    assert not reserve.is_spare()
    clock.now += FRESH / 2
    reserve.begin(1)
    reserve.end(1)
    assert not reserve.is_spare()
    reserve.since[1] = WAITS
    assert reserve.is_spare()
    # There has been nothing for a while: to wait beside it costs nothing.
    clock.now += 2 * PAUSE
    assert not reserve.is_spare()


def test_waits_beside_another_where_little_comes(reserve: Reserve, clock: Clock) -> None:
    clock.now += 2 * FRESH
    reserve.begin(1)
    reserve.end(1)
    reserve.since[1] = WAITS
    assert not reserve.is_spare()


def test_takes_over_from_a_thread_that_is_not_done_soon() -> None:
    reserve = Reserve()
    reserve.begin(1)
    threads = [threading.Thread(target=reserve.stand_by, args=[number], daemon=True) for number in range(2, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert not any(thread.is_alive() for thread in threads)


def test_is_alone_with_what_it_has_in_hand(reserve: Reserve) -> None:
    reserve.end(1)
    reserve.end(1)
    assert not reserve.is_spare()


def test_finds_out_that_threads_wait_for_each_other_only(reserve: Reserve, clock: Clock) -> None:
    wait(reserve, MOST)
    for _ in clock.rounds(reserve, 10, usage=0.5):
        assert reserve.waits > MANY
    for _ in clock.rounds(reserve, 2, usage=1):
        pass
    assert reserve.waits == 0


def test_tries_ever_less_often_what_has_been_for_nothing(reserve: Reserve, clock: Clock) -> None:
    wait(reserve, MOST)
    tries = []
    for _ in clock.rounds(reserve, 120, usage=1):
        if not reserve.waits:
            tries.append(clock.now)
            wait(reserve, MOST)
    distances = [later - earlier for earlier, later in itertools.pairwise(tries)]
    assert distances == sorted(distances)
    assert distances[-1] >= LATEST > 4 * distances[0]
