"""Ports of this machine that nobody else takes.

A port that the kernel has just found free is anybody's: another test's server or a client's connection may have it
before it is bound. These lie outside the range that the kernel chooses from, so that only somebody who names one gets
it, and each process of any test run names its own: it holds the first port of a block, bound for as long as it lives,
as the lock of the others.
"""

import contextlib
import random
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

BLOCK = 64
LOWEST = 10240
CHOSEN_BY_LINUX = Path("/proc/sys/net/ipv4/ip_local_port_range")


def blocks() -> list[range]:
    """All there are, the ones below what this kernel chooses from or, if it leaves hardly any there, those above."""
    try:
        first, last = map(int, CHOSEN_BY_LINUX.read_text().split())
    except OSError:
        # macOS and Windows begin with 49152.
        first, last = 32768, 65535
    ports = range(LOWEST, first) if first - LOWEST >= 65535 - last else range(last + 1, 65536)
    # Where nothing is left outside, at least no other test run takes what a lock guards.
    ports = ports if len(ports) >= BLOCK else range(LOWEST, 32768)
    return [ports[start : start + BLOCK] for start in range(0, len(ports) - BLOCK + 1, BLOCK)]


def own_ports() -> Iterator[int]:
    """Each is given once, so that no client of what it served before comes back."""
    # In no order, or the next run would begin with the ports that this one has just left.
    for lock, *ports in random.sample(found := blocks(), len(found)):
        holder = socket.socket()
        try:
            holder.bind(("127.0.0.1", lock))
        except OSError:
            holder.close()
            continue
        # From now on the process', until it ends.
        holder.detach()
        yield from filter(is_free, ports)


def is_free(port: int) -> bool:
    """Whether no service of this machine's listens there, on any of its addresses."""
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind(("", port))
        except OSError:
            return False
    return True


OWN = own_ports()
ONE_AT_A_TIME = threading.Lock()


def free_port() -> int:
    """A port to serve on, or to be served on: nobody else of all test runs gets it while this process lives."""
    with ONE_AT_A_TIME:
        return next(OWN)


@contextlib.contextmanager
def refusing_port() -> Iterator[int]:
    """A port that refuses every connection: it is held, and nobody listens."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", free_port()))
        yield holder.getsockname()[1]
