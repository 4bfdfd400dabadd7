"""How many threads take events."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runtime.reserve import CALM, FRESH, LATEST, LONG, MANY, MOST, WAITED, WAITS, Alarm, Look, Reserve, Sleep, Usage

BEFORE = Usage(now=1000, cpu=10, waits=5, losses=5)
# Longer than any pause, in seconds.
PATIENCE = 10


class Clock:
    """What the CPU and the clock on the wall say."""

    def __init__(self) -> None:
        self.now, self.cpu = 1000.0, 0.0

    def rounds(self, reserve: Reserve, seconds: float, usage: float) -> Iterator[None]:
        """Let so much time pass."""
        for _ in range(round(seconds / 0.25)):
            self.go_on(0.25, 0.25 * usage)
            reserve.look(self.now)
            yield

    def go_on(self, seconds: float, cpu: float = 0) -> None:
        self.now, self.cpu = self.now + seconds, self.cpu + cpu


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that a test moves."""
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", lambda: clock.now)
    monkeypatch.setattr(time, "process_time", lambda: clock.cpu)
    monkeypatch.setattr(time, "clock_gettime", lambda _: clock.cpu)
    return clock


@pytest.fixture
def reserve(clock: Clock) -> Reserve:
    """Threads, one of which has just begun with something, and no time has passed since."""
    reserve = Reserve()
    reserve.clocks[1] = 0
    reserve.begin(1)
    return reserve


@pytest.fixture
def delay(monkeypatch: pytest.MonkeyPatch) -> Callable[[float | None], None]:
    """Sets for how many seconds the kernel says that it has kept the thread from the CPU, or that it does not tell."""

    def set_to(seconds: float | None) -> None:
        def read(path: Path) -> str:
            assert str(path) == "/proc/thread-self/schedstat"
            if seconds is None:
                raise FileNotFoundError(path)
            return f"10000000000 {round(seconds * 1e9)} 12\n"

        monkeypatch.setattr(Path, "read_text", read)

    return set_to


def count(reserve: Reserve, usage: Usage) -> None:
    """Count a request after which its thread has used so much."""
    reserve.used[1] = BEFORE
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Usage, "read", lambda: usage)
        reserve.count(1, BEFORE.now)
    assert reserve.used[1] is usage


def wait(reserve: Reserve, requests: int) -> None:
    for _ in range(requests):
        count(reserve, after(10 * WAITED, waits=1))


def compute(reserve: Reserve, requests: int) -> None:
    for _ in range(requests):
        count(reserve, after(0))


def after(off: float, waits: int = 0, losses: int = 0) -> Usage:
    """What a thread has used after a request that has taken a millisecond of the CPU, and so long off it."""
    return Usage(BEFORE.now + 0.001 + off, BEFORE.cpu + 0.001, BEFORE.waits + waits, BEFORE.losses + losses)


def test_leaves_to_one_thread_what_it_can_do(reserve: Reserve) -> None:
    compute(reserve, 100)
    assert reserve.is_spare()


def test_needs_no_second_thread_for_a_rare_wait(reserve: Reserve) -> None:
    for _ in range(100):
        wait(reserve, 1)
        compute(reserve, 10)
        assert reserve.is_spare()


def test_lets_all_threads_go_where_requests_wait(reserve: Reserve) -> None:
    wait(reserve, 3)
    assert not reserve.is_spare()
    reserve.stand_by(2)


@pytest.mark.parametrize(
    ("usage", "waited"),
    [
        (after(10 * WAITED, waits=1), True),
        (after(WAITED / 2, waits=1), False),
        # Kept from the CPU, by what the kernel knows nothing of, or for another process.
        (after(10 * WAITED), False),
        (after(10 * WAITED, losses=1), False),
        (after(1 + WAITED / 2, waits=1, losses=1), False),
        # The same, and then it has waited as well.
        (after(1 + 10 * WAITED, waits=1, losses=1), True),
    ],
)
def test_knows_a_request_that_waits_from_one_that_is_kept_from_the_cpu(
    reserve: Reserve, delay: Callable[[float | None], None], usage: Usage, waited: bool
) -> None:
    delay(7)
    reserve.delay(1)
    delay(8)
    count(reserve, usage)
    assert bool(reserve.waits) == waited


def test_takes_time_for_a_wait_where_the_kernel_does_not_tell(
    reserve: Reserve, delay: Callable[[float | None], None]
) -> None:
    delay(None)
    count(reserve, after(1, waits=1, losses=1))
    assert reserve.waits


def test_reads_what_the_kernel_says_of_a_thread() -> None:
    before = Usage.read()
    time.sleep(2 * WAITED)
    end = time.thread_time() + 0.01
    while time.thread_time() < end:
        pass
    after = Usage.read()
    assert after.waits > before.waits
    assert after.cpu - before.cpu >= 0.01
    assert after.now - before.now >= after.cpu - before.cpu + WAITED
    assert 0 <= Reserve().delay(1) < after.now


def test_stays_in_reserve_while_another_takes_what_comes_one_upon_the_other(reserve: Reserve, clock: Clock) -> None:
    """A thread between two requests is nobody's cause to get up."""
    reserve.end(1)
    reserve.since[1] = WAITS
    assert not reserve.is_spare()
    clock.go_on(FRESH / 2)
    reserve.begin(1)
    reserve.end(1)
    assert not reserve.is_spare()
    reserve.since[1] = WAITS
    assert reserve.is_spare()
    # There has been nothing for a while: to wait beside it costs nothing.
    clock.go_on(2 * CALM)
    assert not reserve.is_spare()


def test_waits_beside_another_where_little_comes(reserve: Reserve, clock: Clock) -> None:
    clock.go_on(2 * FRESH)
    reserve.begin(1)
    reserve.end(1)
    reserve.since[1] = WAITS
    assert not reserve.is_spare()


def test_takes_over_from_a_thread_that_waits(reserve: Reserve, clock: Clock) -> None:
    looks: dict[int, Look] = {}
    clock.go_on(CALM)
    assert reserve.is_spare(looks)
    clock.go_on(FRESH)
    assert not reserve.is_spare(looks)


def test_does_not_take_over_from_a_thread_that_is_slow_to_get_the_cpu(reserve: Reserve, clock: Clock) -> None:
    looks: dict[int, Look] = {}
    for _ in range(4):
        clock.go_on(CALM, cpu=CALM / 8)
        assert reserve.is_spare(looks)
    # Where requests wait, time is not lost with a second look.
    wait(reserve, 1)
    clock.go_on(CALM, cpu=CALM / 8)
    assert not reserve.is_spare(looks)


def test_takes_over_from_a_thread_that_computes_for_long(reserve: Reserve, clock: Clock) -> None:
    looks: dict[int, Look] = {}
    clock.go_on(CALM, cpu=CALM)
    assert reserve.is_spare(looks)
    clock.go_on(LONG, cpu=LONG)
    assert not reserve.is_spare(looks)


def test_sees_each_thing_anew_that_a_thread_has_in_hand(reserve: Reserve, clock: Clock) -> None:
    looks: dict[int, Look] = {}
    for _ in range(4):
        clock.go_on(CALM, cpu=0.6 * LONG)
        assert reserve.is_spare(looks)
        assert looks
        reserve.begin(1)
    assert reserve.is_spare(looks)
    assert not looks


def test_goes_on_beside_a_thread_that_waits(reserve: Reserve, clock: Clock) -> None:
    """One that takes events beside a thread that waits goes on with them, without a look."""
    clock.go_on(CALM)
    assert not reserve.is_spare()


def test_really_takes_over_from_a_thread_that_is_not_done() -> None:
    reserve, waits = Reserve(), threading.Event()

    def hang() -> None:
        reserve.stand_by(1)
        reserve.begin(1)
        hangs.set()
        waits.wait(PATIENCE)

    hangs = threading.Event()
    threads = [threading.Thread(target=reserve.stand_by, args=[number], daemon=True) for number in range(2, 5)]
    first = threading.Thread(target=hang, daemon=True)
    first.start()
    assert hangs.wait(PATIENCE)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert not any(thread.is_alive() for thread in threads)
    waits.set()
    first.join(PATIENCE)


def test_is_alone_with_what_it_has_in_hand(reserve: Reserve) -> None:
    reserve.end(1)
    reserve.end(1)
    assert not reserve.is_spare()


def test_is_not_woken_while_others_begin_with_something(
    reserve: Reserve, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_off = []

    def note(alarm: Sleep, seconds: float) -> None:
        put_off.append(seconds)
        alarm.set = clock.now

    monkeypatch.setattr(Alarm, "put_off", note)
    with reserve.turn:
        clock.go_on(FRESH)
        reserve.begin(1)
        # That would cost more than it gains.
        reserve.begin(1)
        wait(reserve, 1)
        clock.go_on(FRESH)
        reserve.begin(1)
    # Nobody is in reserve any more.
    clock.go_on(FRESH)
    reserve.begin(1)
    assert put_off == [CALM, FRESH]


@pytest.mark.parametrize("kind", [Alarm, Sleep])
def test_wakes_in_time(kind: type[Sleep]) -> None:
    alarm = kind()
    began = time.monotonic()
    alarm.put_off(PATIENCE)
    alarm.wait(CALM)
    assert CALM <= time.monotonic() - began < PATIENCE


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
