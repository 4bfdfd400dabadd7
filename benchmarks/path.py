"""What is on the path of every request, in microseconds, called in one process: a network would hide it."""

import json

from benchmarks.contenders import Build, Contender
from benchmarks.samples import Figure, Samples

PATH = Contender("path", "the project, in one process", "path", "", ())
# Calls of each step that are timed together.
CALLS = 500
# As a row of the report names it, and its words there.
STEPS = {
    "log line": "the access line, written to a file (`runtime/logs.py`, `runtime/server.py`)",
    "Gunicorn's own log line": "for comparison: the line of Gunicorn's own logger and format",
    "middleware": "around an application that does nothing (`runtime/middleware.py`)",
    "hooks": "`pre_request` and `post_request`: the request's id (`runtime/server.py`)",
    "load": "the count of what a worker has to do (`runtime/load.py`)",
    "reserve": "which threads take events (`runtime/reserve.py`)",
    "application": "for comparison: all of `/` as the server calls it, the middleware included",
}
# Nobody listens there, and nothing goes wrong that would be sent.
WAYS = {"": {}, "with SENTRY_DSN": {"SENTRY_DSN": "http://key@127.0.0.1:9/1"}}


def path(samples: Samples, build: Build) -> None:
    """Each step, without and with what reports errors."""
    for way, variables in WAYS.items():
        folder = build.folder_of(PATH)
        found = json.loads(build.run("python", "path.py", str(CALLS), cwd=folder, **variables).stdout)
        for step, microseconds in found.items():
            samples.add(Figure(build.framework, "µs", PATH.name, 0, step, way), microseconds)
