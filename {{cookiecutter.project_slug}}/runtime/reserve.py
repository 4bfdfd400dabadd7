"""How many of a worker's threads take events: one alone while requests compute, all of them while requests wait.

The interpreter runs one thread at a time. Two that are woken for what one can do only take its lock from each other, at
each system call, and a request then costs up to twice as much. Where requests wait for a database, each further thread
is a further request. Nothing tells beforehand which it is, so it is measured as it goes: the time that a request has
taken beside the CPU time of its thread.
"""

import math
import os
import resource
import sys
import threading
import time
from pathlib import Path
from typing import NamedTuple

# Seconds in which a thread that has begun may well be done; and, while no request waits, without anything begun until
# one in reserve looks why.
FRESH, CALM = 0.001, 0.005
WAITS = math.inf
# Seconds off the CPU from which on a request has waited.
WAITED = 0.0002
# One that waits counts for as many that do not: with more than a ninth of them, all threads are let go.
WEIGHT, MANY, MOST = 8, 16, 32
# The part of a CPU that a thread has at least between two looks unless it waits, since other processes have the rest;
# and the CPU time, in seconds, after which a request has taken so long that others shall not wait for its end.
SHARE, LONG = 1 / 16, 0.005
# The part of a CPU from which on threads may be waiting for each other only, and seconds between two trials of that.
SATURATED = 0.9
SOONEST, LATEST = 1.0, 16.0


class Usage(NamedTuple):
    """What a thread has used so far: seconds, and how often it has left the CPU to wait for something, or had to."""

    now: float
    cpu: float
    waits: int
    losses: int

    @classmethod
    def read(cls) -> "Usage":
        own = resource.getrusage(resource.RUSAGE_THREAD)
        # The times in it are brought up to date only now and then.
        return cls(time.monotonic(), time.thread_time(), own.ru_nvcsw, own.ru_nivcsw)


class Look(NamedTuple):
    """What was seen of a thread that has something in hand: when, its CPU time, since when, and its CPU time first."""

    now: float
    cpu: float
    since: float
    first: float


class Sleep:
    """Wakes the one thread that waits after the time that it said, which nobody puts off."""

    set = 0.0

    def put_off(self, seconds: float) -> None: ...

    def wait(self, seconds: float) -> None:
        time.sleep(seconds)


Alarm: type[Sleep] = Sleep
if sys.platform == "linux" and sys.version_info >= (3, 13):

    class Timer(Sleep):
        """Wakes it at a time that others may put off without waking it; before 3.13, Python has no such timer.

        A thread that wakes wants the interpreter's lock, and makes each system call of the one that has it dearer until
        it has got it.
        """

        def __init__(self) -> None:
            self.timer = os.timerfd_create(time.CLOCK_MONOTONIC)

        def put_off(self, seconds: float) -> None:
            self.set = time.monotonic()
            os.timerfd_settime_ns(self.timer, initial=round(seconds * 1e9))

        def wait(self, seconds: float) -> None:
            self.put_off(seconds)
            os.read(self.timer, 8)

    Alarm = Timer


class Reserve:
    """The threads of one worker that have nothing in hand, and whether they are needed."""

    def __init__(self) -> None:
        # By thread: since when it has had anything in hand, or WAITS while it waits for an event; its CPU clock; what
        # it had used when it was done last; and how long the kernel had kept it from the CPU when that was asked last.
        self.since: dict[int, float] = {}
        self.clocks: dict[int, int] = {}
        self.used: dict[int, Usage] = {}
        self.delays: dict[int, float] = {}
        # When anything came last, and how long after what came before it.
        self.latest, self.gap = 0.0, math.inf
        self.turn = threading.Lock()
        self.alarm = Alarm()
        self.waits = 0
        self.cpu = self.looked = self.tried = 0.0
        self.distance = SOONEST

    def stand_by(self, thread: int) -> None:
        """Return when the calling thread is to wait for events too, since the others would not take them soon."""
        if thread not in self.clocks:
            self.clocks[thread] = time.pthread_getcpuclockid(threading.get_ident())
        if self.is_spare():
            # One looks again and the others wait behind it, since it is waking that costs.
            with self.turn:
                looks: dict[int, Look] = {}
                while self.is_spare(looks):
                    self.alarm.wait(FRESH if looks else self.pause)
        self.since[thread] = WAITS

    @property
    def pause(self) -> float:
        return FRESH if self.waits else CALM

    def is_spare(self, looks: dict[int, Look] | None = None) -> bool:
        """Whether another thread will soon take what comes next: it has just begun with something, or waits for it.

        One that waits counts while events come one upon the other. Where they do not, to wait beside it costs nothing,
        and to look again would. While no request waits, one that has had something in hand for longer counts too if it
        is only slow to get the CPU; who looks again has in ``looks`` what it saw of it, and finds it there next time.
        """
        if self.waits > MANY:
            return False
        now = time.monotonic()
        last = WAITS if self.gap < FRESH and self.latest > now - CALM else now
        since = list(self.since.items())
        if any(now - FRESH < began <= last for _, began in since):
            if looks:
                looks.clear()
            return True
        if looks is None or self.waits:
            return False
        return any(self.is_slow(thread, began, looks, now) for thread, began in since if began < now)

    def is_slow(self, thread: int, since: float, looks: dict[int, Look], now: float) -> bool:
        """Whether a thread neither waits nor has computed for long, as two looks tell; after one, it may be so."""
        cpu = time.clock_gettime(self.clocks[thread])
        before = looks.get(thread)
        if not before or before.since != since:
            looks[thread] = Look(now, cpu, since, cpu)
            return True
        looks[thread] = Look(now, cpu, since, before.first)
        return cpu - before.cpu > SHARE * (now - before.now) and cpu - before.first < LONG

    def begin(self, thread: int) -> None:
        """Note that a thread has an event in hand."""
        now = self.since[thread] = time.monotonic()
        self.gap, self.latest = now - self.latest, now
        if now > self.alarm.set + FRESH / 2 and self.turn.locked():
            self.alarm.put_off(self.pause)

    def end(self, thread: int) -> None:
        """Note that it has none and does not wait for one, whatever it did before."""
        self.since.pop(thread, None)

    def count(self, thread: int, began: float) -> None:
        """Count a request that the calling thread has begun then, by what it has used since it counted the last."""
        after = Usage.read()
        before, self.used[thread] = self.used.get(thread, after), after
        off = after.now - began - (after.cpu - before.cpu)
        # Who has only been kept from the CPU, for another process, has waited for nothing.
        waited = off > WAITED and after.waits > before.waits
        if waited and after.losses > before.losses:
            waited = off - self.delay(thread) > WAITED
        self.waits = min(self.waits + WEIGHT, MOST) if waited else max(self.waits - 1, 0)

    def delay(self, thread: int) -> float:
        """Seconds that the kernel has kept the calling thread from the CPU since this was asked last; 0 if untold."""
        try:
            now = int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9
        except (OSError, IndexError):
            return 0.0
        before, self.delays[thread] = self.delays.get(thread, 0.0), now
        return now - before

    def look(self, now: float) -> None:
        """See, every some hundred milliseconds, whether those who wait only wait for each other.

        A request that waits for the interpreter's lock looks like one that waits for a database. If a CPU is used up,
        one thread is tried alone again; the longer between, the more often that has been for nothing.
        """
        cpu = time.process_time()
        if self.waits > MANY and cpu - self.cpu > SATURATED * (now - self.looked) and now > self.tried + self.distance:
            soon = now < self.tried + 2 * self.distance
            self.distance = min(2 * self.distance, LATEST) if soon else SOONEST
            self.waits, self.tried = 0, now
        self.cpu, self.looked = cpu, now
