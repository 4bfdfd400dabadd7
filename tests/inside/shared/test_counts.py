"""Counting together: threads, processes, and those that are killed in between."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from runtime.counts import SLOTS, Counts

# In a process of its own, since one that has threads is not to be forked.
FORKS = """
import fcntl, os, signal
from runtime.counts import Counts

counts = Counts()
workers = []
for _ in range(4):
    if not (worker := os.fork()):
        for _ in range(500):
            counts.incr("together", 900)
        os._exit(0)
    workers.append(worker)
for worker in workers:
    os.waitpid(worker, 0)
ready, write = os.pipe()
if not (worker := os.fork()):
    with counts.locked():
        os.write(write, b"locked")
        signal.pause()
os.read(ready, 6)
try:
    fcntl.lockf(counts.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    print("locked")
os.kill(worker, signal.SIGKILL)
os.waitpid(worker, 0)
print(counts.incr("together", 900))
"""


@pytest.fixture
def counts() -> Iterator[Counts]:
    """A table with room for SLOTS counts."""
    counts = Counts(buckets=1)
    yield counts
    if counts.file >= 0:
        os.close(counts.file)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What time it is."""
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_a_count_ends_with_its_time_and_no_later(counts: Counts, clock: list[float]) -> None:
    assert [counts.incr("a", 10), counts.get("a"), counts.get("b")] == [1, 1, 0]
    clock[0] += 9
    assert counts.incr("a", 10) == 2
    clock[0] += 1
    assert counts.get("a") == 0
    assert counts.incr("a", 10) == 1


def test_a_count_may_start_anew(counts: Counts) -> None:
    for key in "a", "b":
        counts.incr(key, 10)
    counts.clear("a")
    counts.clear("never counted")
    assert [counts.get("a"), counts.get("b")] == [0, 1]
    counts.reset()
    assert counts.get("b") == 0


def test_a_flood_pushes_out_the_lowest_counts(counts: Counts, clock: list[float]) -> None:
    for _ in range(5):
        counts.incr("guessed at", 900)
    for number in range(100 * SLOTS):
        assert counts.incr(f"flood {number}", 900) == 1
    assert counts.incr("guessed at", 900) == 6


def test_threads_count_together(counts: Counts, monkeypatch: pytest.MonkeyPatch) -> None:
    find = counts.find

    def find_and_let_others_run(key: str) -> tuple[int, bytes, float, int]:
        found = find(key)
        time.sleep(0)
        return found

    monkeypatch.setattr(counts, "find", find_and_let_others_run)
    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(lambda _: counts.incr("a", 900), range(400))) == list(range(1, 401))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows forks nothing")
def test_processes_count_together_whoever_is_killed() -> None:
    command = [sys.executable, "-c", FORKS]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert result.stdout.split() == ["locked", "2001"]
