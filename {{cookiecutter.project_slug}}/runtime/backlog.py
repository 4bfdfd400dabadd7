"""The jobs in the database, as who serves and who looks after them sees them; without the engine that runs them.

``make jobs`` shows them, and so does the framework's own command: ``python manage.py jobs`` or ``flask jobs``.
"""

import json
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NoReturn

from runtime import env, logs, services, timeouts
from runtime.counts import memory

if TYPE_CHECKING:
    from psycopg import Connection

# Longer than a worker that is there leaves a job that is due, in seconds.
PATIENCE = 300
# What no worker has told of itself for so long, in seconds, is gone.
SILENCE = 30
# How often the log says so.
HOUR = 3600
# Of each kind `make jobs` shows so many, the newest.
SHOWN = 50

# Whether a worker has told of itself lately, and whether a job has begun whose worker has not.
ALIVE = "worker.last_heartbeat > now() - make_interval(secs => %(silence)s)"
GONE = f"""status = 'doing' AND NOT EXISTS (
    SELECT FROM procrastinate_workers AS worker WHERE worker.id = job.worker_id AND {ALIVE}
)"""
# For how many seconds the oldest job has waited that might have begun, and how many workers there are. A job without a
# time of its own is due from the moment it was deferred; the engine's events tell it. What a worker had begun that is
# gone waits for another from then on.
OLDEST = f"""
SELECT extract(epoch FROM now() - least(
    (SELECT min(scheduled_at) FROM procrastinate_jobs WHERE status = 'todo'),
    (SELECT max(at) FROM procrastinate_events WHERE job_id = (
        SELECT id FROM procrastinate_jobs WHERE status = 'todo' AND scheduled_at IS NULL ORDER BY id LIMIT 1
    )),
    (SELECT min(last_heartbeat) FROM procrastinate_workers AS worker WHERE NOT {ALIVE} AND EXISTS (
        SELECT FROM procrastinate_jobs WHERE status = 'doing' AND worker_id = worker.id
    ))
))::float, (SELECT count(*) FROM procrastinate_workers AS worker WHERE {ALIVE})
"""  # noqa: S608
LIST = f"""
SELECT id, status::text, task_name, queue_name, attempts, scheduled_at, args, (
    SELECT max(at) FROM procrastinate_events WHERE job_id = job.id AND type <> 'scheduled'
), {GONE}
FROM procrastinate_jobs AS job WHERE status = %(status)s ORDER BY id DESC LIMIT %(shown)s
"""  # noqa: S608
STATES = {"todo": "waiting", "doing": "running", "failed": "failed"}

logger = logging.getLogger(__name__)


def states(connection: "Connection[Any] | None") -> dict[str, str]:
    """What readiness says of the jobs: ``ok``, or ``waiting`` where nobody comes for them; then the log has the cure.

    Nothing where there are none: without PostgreSQL, or before the release step has made their tables.
    """
    if connection is None or (problem := complaint(connection)) is None:
        return {}
    if not problem:
        memory.clear("jobs.waiting")
        return {"jobs": "ok"}
    # Once for all workers of a dyno.
    if memory.incr("jobs.waiting", HOUR) == 1:
        logger.warning(problem)
    return {"jobs": "waiting"}


def complaint(connection: "Connection[Any]") -> str | None:
    """What to say of jobs that nobody comes for, and the cure; "" where there are none, None where no job can be."""
    # Where a project is on SQLite, it does not carry the driver.
    from psycopg.errors import UndefinedTable

    try:
        waited, workers = connection.execute(OLDEST, {"silence": SILENCE}).fetchone() or (None, 0)
    except UndefinedTable:
        return None
    if waited is None or waited < PATIENCE:
        return ""
    who = f"and the running workers ({workers}) do not keep up" if workers else "and no worker is running"
    return f"A job has waited for {waited / 60:.0f} minutes, {who}. Start one: heroku ps:scale worker={workers + 1}"


def examine(database_url: str) -> str | None:
    """The complaint about the jobs in a database; None where there is none, or none within reach."""
    if not database_url.startswith("postgres"):
        return None
    import psycopg

    try:
        with psycopg.connect(database_url, autocommit=True, connect_timeout=timeouts.CONNECT) as connection:
            return complaint(connection)
    except psycopg.Error:
        return None


def command(database_url: str | None, retry: int | None = None, delete: int | None = None) -> Iterator[str]:
    """What ``make jobs`` prints: what waits, runs and has failed, after one of them is tried again or deleted."""
    if not (database_url or "").startswith("postgresql"):
        env.refuse("There are no jobs: on SQLite each runs at once, where it is asked for.", "They need PostgreSQL.")
    import psycopg

    try:
        with psycopg.connect(database_url or "", autocommit=True, connect_timeout=timeouts.CONNECT) as connection:
            if retry is not None:
                try_again(connection, retry)
                yield f"Job {retry} is tried again."
            if delete is not None:
                remove(connection, delete)
                yield f"Job {delete} is deleted."
            yield from listing(connection)
    except psycopg.errors.UndefinedTable:
        refuse_without_tables()
    except psycopg.OperationalError as error:
        reason = " ".join(str(error).split())
        env.refuse(f"The database does not answer: {reason}", f"Look at it: {services.LOOK_AT['database']}")


def listing(connection: "Connection[Any]") -> Iterator[str]:
    """One line for each job, the failed ones last, where a terminal shows them; then how many there are."""
    counts = dict(connection.execute("SELECT status::text, count(*) FROM procrastinate_jobs GROUP BY 1").fetchall())
    for status, state in STATES.items():
        rows = connection.execute(LIST, {"silence": SILENCE, "status": status, "shown": SHOWN}).fetchall()
        if (more := counts.get(status, 0) - len(rows)) > 0:
            yield f"… and {more} more that are {state}"
        for number, _, task, queue, attempts, scheduled_at, arguments, since, gone in reversed(rows):
            due = f" due={scheduled_at:%Y-%m-%dT%H:%M:%S%z}" if status == "todo" and scheduled_at else ""
            changed = f" since={since:%Y-%m-%dT%H:%M:%S%z}" if since else ""
            worker = " worker=gone" if gone else ""
            line = f"job={number} {state}{worker} task={task} queue={queue} attempts={attempts}{changed}{due}"
            # What a visitor has typed may be among them.
            yield logs.escape(f"{line} {json.dumps(arguments, ensure_ascii=False)}")
    yield ", ".join(f"{state}: {counts.get(status, 0)}" for status, state in STATES.items())


def try_again(connection: "Connection[Any]", job: int) -> None:
    """Let a worker begin a failed job again, or now one that waits for a later time."""
    if not connection.execute(
        """
        UPDATE procrastinate_jobs SET status = 'todo', scheduled_at = now(), attempts = 0, worker_id = NULL
        WHERE id = %s AND status IN ('todo', 'failed', 'cancelled', 'aborted')
        """,
        [job],
    ).rowcount:
        refuse(connection, job)


def remove(connection: "Connection[Any]", job: int) -> None:
    if not connection.execute("DELETE FROM procrastinate_jobs WHERE id = %s AND status <> 'doing'", [job]).rowcount:
        refuse(connection, job)


def refuse_without_tables() -> NoReturn:
    env.refuse("The database has no tables for jobs.", "Make them: heroku run python -m config.release")


def refuse(connection: "Connection[Any]", job: int) -> None:
    if connection.execute("SELECT 1 FROM procrastinate_jobs WHERE id = %s", [job]).fetchone():
        env.refuse(f"Job {job} is running.", "Wait for its end; it is given to another worker where its own is gone.")
    env.refuse(f"There is no job {job}; one that is done is deleted.", "See them all: make jobs")
