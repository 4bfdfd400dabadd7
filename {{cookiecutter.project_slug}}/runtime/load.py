"""What a worker takes, and whether its threads suffice: a line of the log every some minutes in which it had requests.

How long a request has waited for a thread is what the kernel says (TCP_INFO): the age of the last byte that has come,
when a thread takes the request up. So it counts what has lain in the queue of connections, and what waits on a
connection that is kept, to the 1 to 10 milliseconds of the kernel's own clock; not what a router has kept to itself,
nor a request sent ahead behind another one on the same connection. Where there are many, it is asked of some.
"""

import contextlib
import logging
import os
import socket
import sys
import time
from dataclasses import dataclass

# Seconds between two lines, and until the first.
INTERVAL = 300.0
# Where TCP_INFO has ``tcpi_last_data_recv``, and the end of it.
RECEIVED, SIZE = 52, 56
# Requests that wait for so many milliseconds on average want more threads or more workers.
LONG = 10
# So many requests between two lines are all asked, and then one of so many: it costs each some two microseconds.
ALL, ONE_OF = 1000, 8
# What WEB_THREADS may be.
MOST_THREADS = 100
# The part of a CPU from which on a worker, or all of them, compute rather than wait.
BUSY = 0.8
# What of the memory the workers may take together, leaving something to their master and to a request's peak.
FULL = 0.9

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Place:
    """What all workers together have, as the log's first lines say."""

    workers: int
    threads: int
    memory_mb: int
    cpus: int


class Load:
    """What one worker has had to do since it last said so."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.began = time.monotonic()
        self.cpu = time.process_time()
        self.begin()

    def begin(self) -> None:
        self.requests = self.taken_up = self.busy = self.waited_ms = self.longest_ms = 0

    def count(self, busy: int, client: socket.socket | None) -> None:
        """Count a request with how many threads have one, itself included; threads may call this at once.

        ``client`` is None where the request did not come now. A count that two threads lose to each other is no matter.
        """
        self.requests += 1
        if busy > self.busy:
            self.busy = busy
        if client is None or (self.requests > ALL and self.requests % ONE_OF):
            return
        try:
            info = client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, SIZE)
        except OSError:  # a socket file's
            return
        waited = int.from_bytes(info[RECEIVED:SIZE], sys.byteorder)
        self.taken_up += 1
        self.waited_ms += waited
        if waited > self.longest_ms:
            self.longest_ms = waited

    def look(self, now: float) -> None:
        """Say it if it is time to, and there was anything."""
        if now < self.began + INTERVAL:
            return
        cpu = time.process_time()
        if self.requests:
            own, shared = memory_mb()
            part = (cpu - self.cpu) / (now - self.began)
            mean = self.waited_ms / (self.taken_up or 1)
            tip = advice(self.place, own, shared, self.busy, mean, part)
            values = {
                "pid": os.getpid(),
                "requests": self.requests,
                "own_mb": own,
                "shared_mb": shared,
                "cpu": round(part, 2),
                "threads": self.place.threads,
                "busy_most": self.busy,
                "waited_mean_ms": round(mean),
                "waited_most_ms": self.longest_ms,
            }
            seconds = round(now - self.began)
            logger.info(f"What this worker took in {seconds} s.", extra=values | ({"advice": tip} if tip else {}))
        self.began, self.cpu = now, cpu
        self.begin()


def sizes_kb() -> dict[str, int]:
    """What the kernel says of this process's memory, all of it together; nothing where it does not."""
    sizes: dict[str, int] = {}
    with contextlib.suppress(OSError), open("/proc/self/smaps_rollup") as file:
        for line in file:
            name, _, value = line.partition(":")
            if value.endswith("kB\n"):
                sizes[name] = int(value.split()[0])
    return sizes


def memory_mb() -> tuple[int, int]:
    """What this process has in memory that no other has, and that others have as well; 0 where the kernel tells not."""
    sizes = sizes_kb()
    own = sizes.get("Private_Clean", 0) + sizes.get("Private_Dirty", 0)
    return round(own / 1024), round((sizes.get("Rss", own) - own) / 1024)


def advice(place: Place, own: int, shared: int, busy: int, waited_ms: float, cpu: float) -> str:
    """Which other number of workers or threads these numbers call for, if any, supposing that all workers are alike.

    ``cpu`` is the part of one CPU that this worker has used.
    """
    room = int(place.memory_mb * FULL)
    if own and shared + place.workers * own > room:
        fewer = max(1, (room - shared) // own)
        taken = f"{place.workers} workers like this take {shared + place.workers * own} of {place.memory_mb} MB"
        if fewer < place.workers:
            return f"{taken}: heroku config:set WEB_CONCURRENCY={fewer}"
        return f"{taken}: take a larger dyno, as in heroku ps:resize web=standard-2x"
    if busy < place.threads or waited_ms < LONG:
        return ""
    if cpu * place.workers >= BUSY * place.cpus:
        return "All CPUs compute while requests wait: take more or larger dynos, as in heroku ps:scale web=2"
    if cpu >= BUSY:
        if shared + (place.workers + 1) * own <= room:
            return f"One worker computes all the time: heroku config:set WEB_CONCURRENCY={place.workers + 1}"
        return "One worker computes all the time, and there is no memory for another: heroku ps:scale web=2"
    if place.threads < MOST_THREADS:
        more = min(2 * place.threads, MOST_THREADS)
        return f"All threads are busy, and wait themselves: heroku config:set WEB_THREADS={more}"
    return "All threads are busy, and wait themselves: heroku ps:scale web=2"
