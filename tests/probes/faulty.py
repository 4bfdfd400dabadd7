"""The application of ``echo.py``, and a worker whose functions can be told to fail once, or whose clock to go back."""

import functools
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import echo

from runtime import connection, worker

CLASSES = [worker.Worker, connection.Connection, connection.Body, connection.File]
armed: list[str] = []
real_time = time.time
offset = 0.0

time.time = lambda: real_time() + offset


def failing_once(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*arguments: Any, **options: Any) -> Any:
        # Where the main thread fails, the worker does, and another takes its place: that is told by another name.
        told = name if threading.current_thread() is not threading.main_thread() else f"main {name}"
        if told in armed:
            armed.remove(told)
            print(f"probe fails in {name}\n", end="", flush=True)
            raise RuntimeError(f"{name} failed")
        return function(*arguments, **options)

    return call


def arm(name: str) -> None:
    armed[:] = [name]
    print(f"probe is armed for {name}\n", end="", flush=True)


FUNCTIONS = [
    (owner, name) for owner in CLASSES for name, thing in vars(owner).items() if callable(thing) and name[0] != "_"
]
for owner, name in FUNCTIONS:
    if isinstance(vars(owner)[name], type(failing_once)):
        setattr(owner, name, failing_once(f"{owner.__name__}.{name}", vars(owner)[name]))


def application(environ: dict[str, Any], start: echo.Start) -> Iterable[bytes]:
    global offset
    match environ["PATH_INFO"]:
        case "/fail":
            # Not before this is answered.
            threading.Timer(0.2, arm, [environ["QUERY_STRING"].replace("+", " ")]).start()
            return echo.answer(start, b"in a moment")
        case "/clock":
            offset = float(environ["QUERY_STRING"])
            return echo.answer(start, b"set")
        case "/functions":
            names = [f"{owner.__name__}.{name}" for owner, name in FUNCTIONS]
            return echo.answer(start, " ".join(names).encode())
    return echo.application(environ, start)
