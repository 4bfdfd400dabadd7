"""How evenly kept connections spread over the workers."""

import contextlib
import http.client
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from benchmarks import load
from benchmarks.contenders import Build, Contender, running
from benchmarks.measure import settle
from benchmarks.samples import Figure, Samples
from tests.dyno import PATIENCE

CLIENTS = (16, 100)
WAYS = ("one by one", "in one burst")
AT_WORKERS = (2, 4)


def spread(samples: Samples, build: Build, contenders: Iterable[Contender]) -> None:
    """The least and the most connections that a worker of a new server is given, an even share being 1."""
    for contender in contenders:
        for workers in AT_WORKERS:
            for clients in CLIENTS:
                for way in WAYS:
                    with running(build, contender, workers) as server:
                        server.boot("/pid")
                        settle(server.process.pid)
                        held = Counter(holders(server.port, clients, way))
                    shares = [*held.values(), *[0] * (workers - len(held))]
                    figure = Figure(build.framework, "", contender.name, workers, f"{clients} {way}")
                    samples.add(replace(figure, measure="least share"), min(shares) * workers / clients)
                    samples.add(replace(figure, measure="greatest share"), max(shares) * workers / clients)


def holders(port: int, clients: int, way: str) -> Iterator[str]:
    """The worker that holds each connection, all of which stay open until the last has its answer."""
    with contextlib.ExitStack() as stack:
        connections = []
        for _ in range(clients):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
            connections.append(stack.enter_context(contextlib.closing(connection)))
            connection.request("GET", "/pid", headers=load.HEADERS)
            if way == "one by one":
                yield holder(connection)
        if way == "in one burst":
            yield from map(holder, connections)


def holder(connection: http.client.HTTPConnection) -> str:
    """The worker that answers on a connection, which is opened again for as long as it is not kept."""
    while True:
        response = connection.getresponse()
        worker = response.read().decode()
        if not response.will_close:
            return worker
        connection.request("GET", "/pid", headers=load.HEADERS)
