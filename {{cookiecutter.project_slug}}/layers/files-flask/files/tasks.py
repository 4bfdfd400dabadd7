"""What each night ends with; the worker process does it."""

from files.commands import clean
from runtime import storage
from runtime.jobs import jobs
from runtime.store import Nowhere


@jobs.periodic(cron="47 4 * * *")
@jobs.task(retry=3)
def clean_files(timestamp: int) -> None:
    """Delete files without a row, and rows without a file, where there is a bucket."""
    if not isinstance(storage.current(), Nowhere):
        clean()
