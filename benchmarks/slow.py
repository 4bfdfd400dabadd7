"""What visitors notice of clients that take their time."""

import contextlib
import socket
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from benchmarks import load
from benchmarks.contenders import LARGE_FILE, PROJECT, Build, Contender, running
from benchmarks.measure import warm
from benchmarks.samples import Figure, Samples
from tests.dyno import PATIENCE

# Seconds between two steps of a slow client.
PACE = 0.5
# Visitors, the seconds from one to the next, and those after which one has given up.
VISITORS, EVERY, GIVES_UP = 40, 0.015, 5.0
AT_WORKERS = 2
LINE = "{} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in load.HEADERS.items())
# What lets a form in as far as its token, which is in the body.
FORM = LINE.format("POST /accounts/login/") + (
    "Content-Type: application/x-www-form-urlencoded\r\n"
    f"Origin: https://localhost\r\nCookie: __Host-csrf={'a' * 32}\r\n"
)


@dataclass(frozen=True)
class Crowd:
    """Clients of one kind: what each sends at once, then sends with each step, and the bytes it reads with each."""

    name: str
    clients: int
    opening: str = ""
    step: bytes = b""
    reads: int = 0


CROWDS = (
    Crowd("32 slow heads", 32, LINE.format("GET /") + "X-Slow: ", b"a"),
    Crowd("32 slow bodies", 32, f"{FORM}Content-Length: 100000\r\n\r\n", b"a"),
    Crowd("32 slow chunked bodies", 32, f"{FORM}Transfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n"),
    Crowd("32 slow readers of a file of 5 MB", 32, LINE.format(f"GET /static/{LARGE_FILE}") + "\r\n", reads=1024),
    Crowd("32 slow readers of a view's 5 MB", 32, LINE.format("GET /large") + "\r\n", reads=1024),
    Crowd("500 idle connections", 500),
    Crowd("7 endless streams", 7, LINE.format("GET /stream") + "\r\n", reads=65536),
)


class Present:
    """A crowd, from entering the context to leaving it; ``lost`` says how many of it the server has let down."""

    def __init__(self, crowd: Crowd, port: int) -> None:
        self.crowd, self.port = crowd, port
        self.lost = 0
        self.clients: list[socket.socket] = []
        self.answered: set[socket.socket] = set()
        self.under_way, self.over = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self.proceed)

    def open(self) -> socket.socket:
        client = socket.socket()
        if self.crowd.reads:
            # Of what is sent, little shall fit in between.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(PATIENCE)
        client.connect(("127.0.0.1", self.port))
        client.sendall(self.crowd.opening.encode())
        client.setblocking(False)
        return client

    def proceed(self) -> None:
        while not self.over.wait(PACE):
            for client in list(self.clients):
                if not self.proceeds(client):
                    self.lost += 1
                    self.clients.remove(client)
                    client.close()
            self.under_way.set()

    def proceeds(self, client: socket.socket) -> bool:
        """One step of a client, and whether the server still serves it."""
        try:
            with contextlib.suppress(BlockingIOError):
                received = client.recv(self.crowd.reads or 1)
                # Whoever reads nothing expects no answer either, and whoever does expects what it has asked for.
                if client not in self.answered and not (self.crowd.reads and received.startswith(b"HTTP/1.1 200 ")):
                    return False
                self.answered.add(client)
                if not received:
                    return False
            with contextlib.suppress(BlockingIOError):
                client.send(self.crowd.step)
        except ConnectionError:
            return False
        return True

    def __enter__(self) -> "Present":
        try:
            for _ in range(self.crowd.clients):
                self.clients.append(self.open())
            self.thread.start()
            self.under_way.wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        if self.thread.ident:
            self.thread.join()
        for client in self.clients:
            client.close()


def visit(port: int) -> float | None:
    """Seconds that the home page takes on a connection of its own; None if it does not come in time."""
    began = time.perf_counter()
    request = LINE.format("GET /") + "Connection: close\r\n\r\n"
    try:
        with socket.create_connection(("127.0.0.1", port), GIVES_UP) as visitor:
            visitor.sendall(request.encode())
            load.read_response(visitor)
    except OSError:
        return None
    taken = time.perf_counter() - began
    return taken if taken < GIVES_UP else None


def visits(port: int) -> list[float | None]:
    """Visitors who come one after the other, whether or not those before them have been served."""
    taken: list[float | None] = []
    began = time.perf_counter()
    threads = [threading.Thread(target=lambda: taken.append(visit(port))) for _ in range(VISITORS)]
    for number, thread in enumerate(threads):
        time.sleep(max(0.0, began + number * EVERY - time.perf_counter()))
        thread.start()
    for thread in threads:
        thread.join()
    return taken


def crowds(samples: Samples, build: Build, *contenders: Contender) -> None:
    """Each crowd against the project alone, and then against the others side by side, most of which only wait."""
    for crowd in CROWDS:
        meet(samples, build, PROJECT, crowd)
        with ThreadPoolExecutor() as pool:
            for meeting in [pool.submit(meet, samples, build, each, crowd) for each in contenders]:
                meeting.result()


def meet(samples: Samples, build: Build, contender: Contender, crowd: Crowd) -> None:
    """The home page before a crowd comes, and while it is there."""
    figure = Figure(build.framework, "", contender.name, AT_WORKERS, crowd.name)
    with running(build, replace(contender, large=True), AT_WORKERS) as server:
        server.boot("/")
        warm(server, ["/"])
        record(samples, replace(figure, connections="without"), visits(server.port))
        with Present(crowd, server.port) as present:
            record(samples, replace(figure, connections="with"), visits(server.port))
            samples.add(replace(figure, measure="clients lost", connections="with"), present.lost)


def record(samples: Samples, figure: Figure, taken: list[float | None]) -> None:
    """The median and the 99th percentile; whoever was not served has waited all the time."""
    milliseconds = [(GIVES_UP if each is None else each) * 1000 for each in taken]
    samples.add(replace(figure, measure="p50, ms"), statistics.median(milliseconds))
    samples.add(replace(figure, measure="p99, ms"), statistics.quantiles(milliseconds, n=100, method="inclusive")[98])
    samples.add(replace(figure, measure="failed"), taken.count(None))
