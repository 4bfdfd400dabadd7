"""Gunicorn, watched: which files have a function that the project calls when it starts, and which run for a request."""

import sys
from pathlib import Path
from types import CodeType

from gunicorn.app.wsgiapp import run

PROJECT = str(Path.cwd())
FUNCTION = 1  # the flag that the body of a module or of a class does not have

called: set[str] = set()
ran: set[str] = set()
monitoring = sys.monitoring
tool = monitoring.COVERAGE_ID


def starts(code: CodeType, offset: int) -> None:
    caller = sys._getframe(1).f_back
    if caller and code.co_flags & FUNCTION and caller.f_code.co_filename.startswith(PROJECT):
        called.add(code.co_filename)


def runs(code: CodeType, offset: int) -> object:
    ran.add(code.co_filename)
    return monitoring.DISABLE


def watch_requests() -> None:
    monitoring.register_callback(tool, monitoring.events.PY_START, runs)


if __name__ == "__main__":
    monitoring.use_tool_id(tool, "watched")
    monitoring.register_callback(tool, monitoring.events.PY_START, starts)
    monitoring.set_events(tool, monitoring.events.PY_START)
    run()
