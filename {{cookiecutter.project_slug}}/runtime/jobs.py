"""Work that a request leaves to the worker process (``python -m runtime.work``), on the database that is there.

In ``tasks.py`` of any package::

    from runtime.jobs import jobs

    @jobs.task(retry=3)
    def send_report(user_id: int) -> None: ...

and in a view ``send_report.defer(user_id=1)``: a job in the transaction of the request, which is rolled back with it.
``send_report.configure(queue="slow", lock="a", priority=1, schedule_in={"minutes": 5}).defer(user_id=1)`` says more.
With ``@jobs.periodic(cron="30 4 * * *")`` above the other line a task is deferred by itself, at that time in UTC.

On SQLite a job runs at once, where it was asked for. The engine is Procrastinate, whose ``App`` this is; a process that
never imports this module does not carry it.
"""

import contextlib
import json
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

# Each registration and each deferral would be a line in the log.
logging.getLogger("procrastinate").setLevel("WARNING")

import procrastinate  # noqa: E402
from procrastinate.jobs import Job  # noqa: E402
from procrastinate.manager import JobManager  # noqa: E402

from runtime import backlog, framework, logs  # noqa: E402

if TYPE_CHECKING:
    from psycopg import Connection

# What a job has beside its arguments: the request that it comes from.
REQUEST_ID = "_request_id"
# How often, in seconds, a process that defers looks whether anybody comes for its jobs.
LOOK = 60


class BackOff(procrastinate.RetryStrategy):
    """What ``retry=3`` means here: three more attempts, after 5, 15 and 45 seconds, and so on up to an hour."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> procrastinate.RetryDecision | None:
        if super().get_retry_decision(exception=exception, job=job) is None:
            return None
        return procrastinate.RetryDecision(retry_in={"seconds": min(3600, 5 * 3 ** min(job.attempts, 10))})


class Manager(JobManager):
    """Puts a job where the request is: into its transaction, by its own connection. No other is opened for it."""

    def __init__(self, app: "App") -> None:
        super().__init__(app.connector)
        self.app = app
        # Where jobs go in place of the database; of the tests.
        self.elsewhere: Callable[[list[Job]], object] | None = None
        self.looked = 0.0

    def batch_defer_jobs(self, jobs: list[Job], connection: Any = None) -> list[Job]:
        connection = connection or (None if self.elsewhere else framework.job_connection())
        if connection is None:
            # What the database could not hold fails here, too.
            jobs = [job.evolve(id=0, task_kwargs=json.loads(json.dumps(job.task_kwargs))) for job in jobs]
            (self.elsewhere or self.app.run_at_once)(jobs)
            return [job.evolve(id=number) for number, job in enumerate(jobs, start=1)]
        if request_id := logs.request_id.get():
            jobs = [job.evolve(task_kwargs={**job.task_kwargs, REQUEST_ID: request_id}) for job in jobs]
        with undone_alone(connection, jobs):
            # The worker's own connector cannot be shared with a thread that has a job.
            deferred = JobManager(procrastinate.SyncPsycopgConnector()).batch_defer_jobs(jobs, connection)
        if time.monotonic() > self.looked + LOOK:
            self.looked = time.monotonic()
            backlog.states(connection)
        return deferred


class App(procrastinate.App):
    def __init__(self) -> None:
        super().__init__(connector=procrastinate.SyncPsycopgConnector())
        self.job_manager = Manager(self)

    def run_at_once(self, deferred: list[Job]) -> None:
        """Run jobs where they are asked for; what one raises is raised there."""
        for job in deferred:
            task = self.tasks[job.task_name]
            context = procrastinate.JobContext(
                app=self, job=job, start_timestamp=time.time(), abort_reason=lambda: None
            )
            task.func(*([context] if task.pass_context else []), **job.task_kwargs)


@contextlib.contextmanager
def undone_alone(connection: "Connection[Any]", jobs: Sequence[Job]) -> Iterator[None]:
    """Keep the request's transaction whole where its job is refused, since another with its ``queueing_lock`` waits."""
    if connection.autocommit or not any(job.queueing_lock for job in jobs):
        yield
        return
    connection.execute("SAVEPOINT deferral")
    try:
        yield
    except Exception:
        connection.execute("ROLLBACK TO SAVEPOINT deferral")
        raise


jobs = App()
