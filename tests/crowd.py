"""Many clients of one thread, each of which behaves badly in the same way; and visitors who wait meanwhile."""

import contextlib
import os
import resource
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType

from tests.dyno import Dyno


@contextlib.contextmanager
def many_descriptors(count: int = 16_384) -> Iterator[None]:
    """Let this process, and what it starts, have so many open files; machines differ."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(count, hard) if hard != resource.RLIM_INFINITY else count
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class Crowd:
    """So many clients that send something first, and something more, or nothing, at every turn.

    ``reads`` is how many bytes each takes at a turn. Who is hung up on comes back, unless ``stays_away``.
    """

    def __init__(
        self,
        dyno: Dyno,
        count: int,
        first: bytes = b"",
        then: bytes = b"",
        every: float = 1.0,
        reads: int = 65536,
        stays_away: bool = False,
        narrow: bool = False,
    ) -> None:
        self.dyno, self.count, self.first, self.then, self.every = dyno, count, first, then, every
        self.reads, self.stays_away, self.narrow = reads, stays_away, narrow
        self.clients: dict[socket.socket, bytes] = {}
        self.taken: dict[socket.socket, int] = {}
        self.opened = 0
        self.over = threading.Event()
        self.here = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def open(self) -> None:
        client = socket.socket()
        if self.narrow:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        try:
            client.settimeout(5)
            client.connect(("127.0.0.1", self.dyno.port))
        except OSError:
            client.close()
            return
        client.setblocking(False)
        self.clients[client] = self.first
        self.taken[client] = 0
        self.opened += 1
        self.turn(client, b"")

    def turn(self, client: socket.socket, more: bytes) -> None:
        """Send what the server takes, and read a little."""
        left = self.clients[client] or more
        try:
            with contextlib.suppress(BlockingIOError):
                while left:
                    left = left[client.send(left) :]
            self.clients[client] = left
            with contextlib.suppress(BlockingIOError):
                if self.reads:
                    data = client.recv(self.reads)
                    self.taken[client] += len(data)
                    if not data and not self.stays_away:
                        self.close(client)
        except OSError:
            self.close(client)

    def close(self, client: socket.socket) -> None:
        client.close()
        self.clients.pop(client, None)
        self.taken.pop(client, None)

    def run(self) -> None:
        while not self.over.is_set():
            began = time.monotonic()
            for client in list(self.clients):
                self.turn(client, self.then)
            if not self.here.is_set() or not self.stays_away:
                for _ in range(self.count - len(self.clients)):
                    if self.over.is_set():
                        return
                    self.open()
            self.here.set()
            self.over.wait(max(0.001, began + self.every - time.monotonic()))

    def __enter__(self) -> "Crowd":
        self.thread.start()
        assert self.here.wait(60)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.over.set()
        self.thread.join(60)
        for client in list(self.clients):
            self.close(client)


class Flood(Crowd):
    """Clients that send the same thing again and again, as fast as it is taken, and read what comes."""

    def run(self) -> None:
        selector = selectors.DefaultSelector()
        for _ in range(self.count):
            self.open()
        for client in self.clients:
            selector.register(client, selectors.EVENT_READ | selectors.EVENT_WRITE)
        self.here.set()
        while not self.over.is_set() and self.clients:
            for key, _ in selector.select(0.1):
                client = key.fileobj
                assert isinstance(client, socket.socket)
                if client in self.clients:
                    self.turn(client, self.then)
                if client not in self.clients:
                    with contextlib.suppress(KeyError, ValueError):
                        selector.unregister(client)
            self.over.wait(0.005)  # whoever attacks has a machine of his own
        selector.close()


class Visitors:
    """What 60 visitors get who come one after the other, from entering the context to leaving it."""

    # A page that takes longer is none; how long each took is for whoever reads the report.
    LIMIT = 10.0

    def __init__(self, dyno: Dyno, count: int = 60, seconds: float = 3.0) -> None:
        self.dyno, self.count, self.seconds = dyno, count, seconds
        self.times: list[float] = []
        self.failures: list[str] = []

    def come(self) -> None:
        began = time.monotonic()
        pause = threading.Event()
        with ThreadPoolExecutor(self.count) as pool:
            for number in range(self.count):
                pause.wait(max(0.0, began + number * self.seconds / self.count - time.monotonic()))
                pool.submit(self.visit, "/" if number % 2 else "/healthz")

    def visit(self, path: str) -> None:
        began = time.monotonic()
        try:
            with socket.create_connection(("127.0.0.1", self.dyno.port), timeout=self.LIMIT) as client:
                fields = "Host: localhost\r\nX-Forwarded-Proto: https\r\nConnection: close\r\n"
                client.sendall(f"GET {path} HTTP/1.1\r\n{fields}\r\n".encode())
                received = b"".join(iter(lambda: client.recv(65536), b""))
            if not received.startswith(b"HTTP/1.1 200 ") or b"\r\n\r\n" not in received:
                self.failures.append(f"{path}: {received[:100]!r}")
        except OSError as error:
            self.failures.append(f"{path}: {error!r}")
        self.times.append(time.monotonic() - began)
        if self.times[-1] > self.LIMIT:
            self.failures.append(f"{path}: after {self.times[-1]:.1f} s")


def workers(dyno: Dyno) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{dyno.process.pid}/task/{dyno.process.pid}/children").read_text().split()]


def cpu_seconds(pid: int) -> float:
    """What a process has used, the kernel's work for it included."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_kb(dyno: Dyno) -> int:
    """What the workers have resident."""
    statuses = [Path(f"/proc/{pid}/status").read_text() for pid in workers(dyno)]
    return sum(int(line.split()[1]) for status in statuses for line in status.splitlines() if line.startswith("VmRSS"))


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def until(holds: Callable[[], bool], seconds: float = 60) -> bool:
    """Whether something comes true in time; for what nobody reports."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
