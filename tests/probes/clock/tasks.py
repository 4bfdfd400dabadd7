"""Somebody's task that has a schedule."""

from runtime.jobs import jobs


@jobs.periodic(cron="* * * * * *")
@jobs.task
def tick(timestamp: int) -> None:
    # In one piece, whoever else writes.
    print(f"tick {timestamp}\n", end="", flush=True)
