"""Measures the worker process: what it holds, how soon a job begins, and how many it does."""

import contextlib
import json
import os
import shlex
import signal
import statistics
import subprocess
import time
from collections.abc import Iterator

import psycopg
import yaml

from benchmarks.contenders import Build, Contender
from benchmarks.measure import memory, settle
from benchmarks.samples import Figure, Samples

CHORES = Contender("worker", "the worker process", "chores", "", ())
# One after the other, the worker being idle.
ONE_BY_ONE = 30
# All at once.
TOGETHER = 1000

DEFER = """
INSERT INTO procrastinate_jobs (queue_name, task_name, args)
SELECT 'default', 'chores.tasks.tell', %s FROM generate_series(1, %s)
"""


@contextlib.contextmanager
def working(build: Build) -> Iterator[subprocess.Popen[str]]:
    """The Procfile's worker, from its first line on."""
    folder = build.folder_of(CHORES)
    command = yaml.safe_load((folder / "Procfile").read_text())["worker"]
    with subprocess.Popen(
        shlex.split(command),
        cwd=folder,
        env=build.environment({"DYNO": "worker.1", "WORKER_THREADS": "4"}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            read(process, "Working with")
            yield process
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def read(process: subprocess.Popen[str], word: str) -> str:
    """The next line that has a word in it."""
    for line in process.stdout or ():
        if word in line:
            return line
    raise RuntimeError(f"the worker has ended before it said {word!r}")


def worker(samples: Samples, build: Build) -> None:
    """From tables that are empty, and known to be: a plan that was kept for these would be the worst for more."""
    figure = Figure(build.framework, "", CHORES.name)

    def add(measure: str, value: float) -> None:
        samples.add(Figure(figure.framework, measure, figure.contender), value)

    with psycopg.connect(build.database_url, autocommit=True) as connection:
        connection.execute("TRUNCATE procrastinate_jobs, procrastinate_events, procrastinate_periodic_defers")
        connection.execute("VACUUM ANALYZE procrastinate_jobs")
        with working(build) as process:
            settle(process.pid)
            add("memory idle, MB", memory(process.pid))
            waits = []
            for _ in range(ONE_BY_ONE):
                connection.execute(DEFER, [json.dumps({"deferred": time.time()}), 1])
                waits.append(float(read(process, "began ").split()[1]))
                # Its end, so that the next finds the worker idle.
                read(process, "A job is done")
            add("defer to start, ms", statistics.median(waits) * 1000)
            began = time.perf_counter()
            connection.execute(DEFER, [json.dumps({"deferred": time.time()}), TOGETHER])
            for _ in range(TOGETHER):
                read(process, "began ")
            add("jobs/s", TOGETHER / (time.perf_counter() - began))
            add("memory after load, MB", memory(process.pid))
