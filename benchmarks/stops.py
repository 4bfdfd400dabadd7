"""What clients notice when a server is stopped, as a platform does with each deployment and once a day."""

import os
import signal
import subprocess
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from benchmarks.contenders import Build, Contender, running
from benchmarks.samples import Figure, Samples
from tests.load import Load

STOPS = 10
AT_WORKERS, CLIENTS = 2, 16
# Answers before the signal.
ANSWERS = 200
# What a platform waits before it kills.
LIMIT = 30.0


def stops(samples: Samples, build: Build, contenders: Iterable[Contender]) -> None:
    """Stop each contender a few times, all of them side by side."""
    with ThreadPoolExecutor() as pool:
        for stopping in [pool.submit(stop, samples, build, each) for each in contenders]:
            stopping.result()


def stop(samples: Samples, build: Build, contender: Contender) -> None:
    """SIGTERM to all processes at once while clients loop on the home page; who is refused goes elsewhere."""
    answered = lost = killed = 0
    longest = 0.0
    for _ in range(STOPS):
        with running(build, contender, AT_WORKERS) as server:
            server.boot("/")
            with Load(server, CLIENTS, "/") as load:  # type: ignore[arg-type]
                while load.answered < ANSWERS and not load.lost:
                    time.sleep(0.01)
                began = time.monotonic()
                os.killpg(server.process.pid, signal.SIGTERM)
                try:
                    server.process.wait(LIMIT)
                except subprocess.TimeoutExpired:
                    killed += 1
                longest = max(longest, time.monotonic() - began)
                # Workers that have lost their master would serve on.
                server.stop()
        answered += load.answered
        lost += len(load.lost)
    for measure, value in {"answered": answered, "lost": lost, "killed": killed, "longest stop, s": longest}.items():
        samples.add(Figure(build.framework, measure, contender.name, AT_WORKERS, "stops"), value)
