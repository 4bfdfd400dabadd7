"""How many of a worker's threads take events: one alone while requests compute, all of them while requests wait.

The interpreter runs one thread at a time. Two that are woken for what one can do only take its lock from each other, at
each system call, and a request then costs up to twice as much. Where requests wait for a database, each further thread
is a further request. Nothing tells beforehand which it is, so it is measured as it goes: the time that a request has
taken beside the CPU time of its thread.
"""

import math
import threading
import time

# Seconds in which a thread that has begun may well be done, and those after which one in reserve looks again, at most.
FRESH, PAUSE = 0.001, 0.005
WAITS = math.inf
# Seconds off the CPU from which on a request has waited.
WAITED = 0.0002
# One that waits counts for as many that do not: with a fifth of them, all threads are let go.
WEIGHT, MANY, MOST = 4, 8, 16
# The part of a CPU from which on threads may be waiting for each other only, and seconds between two trials of that.
SATURATED = 0.9
SOONEST, LATEST = 1.0, 16.0


class Reserve:
    """The threads of one worker that have nothing in hand, and whether they are needed."""

    def __init__(self) -> None:
        # By thread: since when it has had anything in hand, or WAITS while it waits for an event.
        self.since: dict[int, float] = {}
        # When anything came last, and how long after what came before it.
        self.latest, self.gap = 0.0, math.inf
        self.turn = threading.Lock()
        self.waits = 0
        self.cpu = self.looked = self.tried = 0.0
        self.distance = SOONEST

    def stand_by(self, thread: int) -> None:
        """Return when a thread more is to wait for events, since the others would not take them soon."""
        if self.is_spare():
            # One looks again and the others wait behind it, since it is waking that costs.
            with self.turn:
                pause = FRESH
                while self.is_spare():
                    time.sleep(pause)
                    pause = min(2 * pause, PAUSE)
        self.since[thread] = WAITS

    def is_spare(self) -> bool:
        """Whether another thread will soon take what comes next: it has just begun with something, or waits for it.

        One that waits counts while events come one upon the other. Where they do not, to wait beside it costs nothing,
        and to look again would.
        """
        if self.waits > MANY:
            return False
        now = time.monotonic()
        last = WAITS if self.gap < FRESH and self.latest > now - PAUSE else now
        return any(now - FRESH < since <= last for since in list(self.since.values()))

    def begin(self, thread: int) -> None:
        """Note that a thread has an event in hand."""
        now = self.since[thread] = time.monotonic()
        self.gap, self.latest = now - self.latest, now

    def end(self, thread: int) -> None:
        """Note that it has none and does not wait for one, whatever it did before."""
        self.since.pop(thread, None)

    def count(self, seconds: float) -> None:
        """Count a request whose thread was off the CPU for so long; threads may call this at once."""
        self.waits = min(self.waits + WEIGHT, MOST) if seconds > WAITED else max(self.waits - 1, 0)

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
