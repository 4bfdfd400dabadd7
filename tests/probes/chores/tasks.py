"""Somebody's tasks, which misbehave, too."""

import os
import signal
import time
from pathlib import Path
from typing import NoReturn

from runtime import framework
from runtime.jobs import jobs


def say(line: str) -> None:
    """In one piece, whoever else writes."""
    print(f"{line}\n", end="", flush=True)


@jobs.task
def record(number: int) -> None:
    say(f"ran {number}")


@jobs.task
def wait_for(gate: str) -> None:
    """Run until there is a file."""
    say("begun")
    while not Path(gate).exists():
        time.sleep(0.05)
    say("ended")


@jobs.task
def hold(gate: str) -> None:
    """The same, with a database connection."""
    framework.job_connection().execute("SELECT 1")
    wait_for(gate)


@jobs.task
def fail() -> NoReturn:
    raise RuntimeError("a bug\nwith two lines")


@jobs.task(retry=2)
def fail_again() -> NoReturn:
    raise RuntimeError("a bug")


@jobs.task
def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
