"""A task that does nothing but tell how long its job has waited."""

import time

from runtime.jobs import jobs


@jobs.task
def tell(deferred: float) -> None:
    # In one piece, whoever else writes.
    print(f"began {time.time() - deferred:.6f}\n", end="", flush=True)
