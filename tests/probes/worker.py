"""What a Gunicorn worker really runs with, seen from inside the process."""

import gc
import os
import time
from typing import Any

from runtime import load, timeouts
from runtime.connection import State
from runtime.worker import Worker

if "PROBE_STALL" in os.environ:
    timeouts.STALL = int(os.environ["PROBE_STALL"])

if "PROBE_INTERVAL" in os.environ:
    load.INTERVAL = float(os.environ["PROBE_INTERVAL"])

if "PROBE_SLOW_FORK" in os.environ:

    def dawdle() -> None:
        print("probe is forked\n", end="", flush=True)
        time.sleep(2)

    os.register_at_fork(after_in_child=dawdle)


def state() -> dict[str, Any]:
    """The settings of the worker that answers this request, and the seconds that each idle connection has left."""
    own = next(thing for thing in gc.get_objects() if isinstance(thing, Worker) and thing.pid == os.getpid())
    return {
        "idle": [
            connection.deadline - time.monotonic()
            for connection in own.connections.values()
            if connection.state is State.IDLE and connection.deadline
        ],
        "graceful_timeout": own.cfg.graceful_timeout,
        "memory_mb": own.memory_mb,
        "max_requests": own.max_requests,
        "reuse_port": own.cfg.reuse_port,
        "timeout": own.cfg.timeout,
    }
