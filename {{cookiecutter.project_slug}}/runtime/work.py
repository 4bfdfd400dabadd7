"""The worker process: ``python -m runtime.work`` runs the jobs of every queue, or of those that it is given.

A job is run to its end once, or again where its worker is gone before that; so it should bear to be begun twice. What
stops the process waits for the jobs that run; where the database is away, the worker waits for it.
"""

import argparse
import asyncio
import contextlib
import importlib
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import procrastinate
import psycopg
from procrastinate import exceptions, sql
from procrastinate.app import WorkerOptions
from psycopg_pool import AsyncConnectionPool

from runtime import backlog, env, framework, logs, server, services, timeouts
from runtime.jobs import REQUEST_ID, App, BackOff, jobs

# What a job may have, and how many run at once where nobody says: each holds a database connection.
JOB_MEMORY_MB = 128
MOST_THREADS = 4
# Beside those of the threads: one to fetch jobs by, and one to hear of new ones.
OWN_CONNECTIONS = 2
# How often a worker tells that it is there, looks for jobs that nobody told it of, and for those whose worker is gone.
HEARTBEAT = 5
POLL = 1
RESCUE = 20
# A job whose worker is gone so often, beside the retries of its own, may well be why.
LIVES = 3
# For the running jobs when the process stops; what is left of the platform's time is for whatever comes after them.
GRACE = timeouts.GRACEFUL - 2
# A worker that is gone keeps its line in the database for a day. The engine's 30 seconds would take the lines of all
# workers away when one of them starts after the database was away, and with them their jobs.
DAY = 86_400

APPLICATION = "config.wsgi"

# Each plan as the tables are now: one that was made and kept while they were empty compares all jobs with all others to
# fetch one.
PLANS = "SET plan_cache_mode = force_custom_plan"
# A connection that leads nowhere is noticed in this time, not in a quarter of an hour.
SOCKET = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 2, "tcp_user_timeout": 20_000}

# The database does not answer, or is a copy that cannot be written to: soon it is another.
AWAY = psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.ReadOnlySqlTransaction

TO_RESCUE = f"""
SELECT id, task_name, attempts, args, abort_requested FROM procrastinate_jobs AS job
WHERE {backlog.GONE} FOR UPDATE SKIP LOCKED
"""  # noqa: S608
# Its line stays, as that of any worker that is gone: it tells since when the jobs wait.
LEAVE = "UPDATE procrastinate_workers SET last_heartbeat = now() - make_interval(secs => %s) WHERE id = %s"

logger = logging.getLogger("runtime.work")

# Which job a line in the log is of.
running: ContextVar[int | None] = ContextVar("running", default=None)


def threads() -> tuple[int, str]:
    """How many jobs run at once, and why in a few words."""
    if env.text("WORKER_THREADS"):
        return env.number("WORKER_THREADS", MOST_THREADS, least=1, most=100), "as WORKER_THREADS says"
    memory, source = server.memory_mb()
    return max(1, min(MOST_THREADS, memory // JOB_MEMORY_MB)), f"{memory} MB of {source}"


def connections() -> int:
    """How many database connections a worker may hold."""
    return threads()[0] + OWN_CONNECTIONS


# The database


class Pool(AsyncConnectionPool):
    """One that may be opened before the database answers, and does not ask each time whether it still does."""

    def __init__(self, *arguments: Any, check: object, **options: Any) -> None:
        super().__init__(*arguments, **options)

    async def open(self, wait: bool = False, timeout: float = 0) -> None:
        await super().open()


async def configure(connection: psycopg.AsyncConnection[Any]) -> None:
    await connection.set_autocommit(True)
    await connection.execute(PLANS)


class Connector(procrastinate.PsycopgConnector):
    """The engine's, which asks again until the database answers; the engine itself would end the worker.

    It knows the jobs that this worker has, and gives those of a worker that is gone to others.
    """

    def __init__(self, url: str) -> None:
        super().__init__(
            conninfo=url,
            kwargs=SOCKET,
            configure=configure,
            pool_factory=Pool,
            min_size=1,
            max_size=1,
            # Short, or it would be the longer in coming back the longer the database was away.
            timeout=timeouts.CONNECT + 2,
            reconnect_timeout=timeouts.CONNECT + 2,
        )
        self.worker_id: int | None = None
        # The name of each, and the request that it comes from.
        self.mine: dict[int, tuple[str, str]] = {}
        self.away = False
        self.suspects: set[tuple[int, int]] = set()

    async def insist[R](self, ask: Callable[[], Awaitable[R]]) -> R:
        while True:
            try:
                answer = await ask()
            except exceptions.ConnectorException as error:
                if not isinstance(error.__cause__, AWAY):
                    raise
                if not self.away:
                    reason = " ".join(str(error.__cause__).split())
                    logger.warning(f"The database does not answer, and the worker waits: {reason}")
                self.away = True
                if isinstance(error.__cause__, psycopg.errors.ReadOnlySqlTransaction):
                    # The connection would lead to the copy for as long as that is there.
                    await self.pool.drain()
                await asyncio.sleep(1)
            else:
                if self.away:
                    logger.info("The database answers again.")
                self.away = False
                return answer

    async def execute_query_async(self, query: Any, **arguments: Any) -> None:
        await self.insist(lambda: super(Connector, self).execute_query_async(query, **arguments))
        if query in {sql.queries["finish_job"], sql.queries["retry_job"]}:
            self.mine.pop(arguments["job_id"], None)

    async def execute_query_all_async(self, query: Any, **arguments: Any) -> list[dict[str, Any]]:
        return await self.insist(lambda: super(Connector, self).execute_query_all_async(query, **arguments))

    async def execute_query_one_async(self, query: Any, **arguments: Any) -> dict[str, Any]:
        fetches = query == sql.queries["fetch_job"]
        lost = False

        async def ask() -> dict[str, Any]:
            nonlocal lost
            if lost and fetches:
                await super(Connector, self).execute_query_async(
                    "UPDATE procrastinate_jobs SET worker_id = NULL "
                    "WHERE status = 'doing' AND worker_id = %(worker)s AND NOT id = ANY(%(mine)s)",
                    worker=arguments["worker_id"],
                    mine=[*self.mine],
                )
            # In case that the connection is lost with the answer: the job is fetched then, and nobody knows.
            lost = True
            row: dict[str, Any] = await super(Connector, self).execute_query_one_async(query, **arguments)
            return row

        row = await self.insist(ask)
        if fetches and row["id"] is not None:
            self.mine[row["id"]] = row["task_name"], row["args"].get(REQUEST_ID, "")
        if query == sql.queries["register_worker"]:
            self.worker_id = row["worker_id"]
        return row

    async def listen_notify(self, on_notification: Any, channels: Iterable[str]) -> None:
        await self.insist(lambda: super(Connector, self).listen_notify(on_notification, channels))

    async def rescue(self, app: App) -> None:
        """Give the jobs of a worker that is gone to another, or up, where too many workers have gone with them.

        A worker is gone when it was silent twice in a row: after the database was away, all of them were, once.
        """
        async with self.pool.connection() as connection, connection.transaction():
            rows = await (await connection.execute(TO_RESCUE, {"silence": backlog.SILENCE})).fetchall()
            silent = {(number, attempts) for number, _, attempts, _, _ in rows}
            for number, name, attempts, arguments, unwanted in rows:
                if (number, attempts) not in self.suspects:
                    continue
                strategy = getattr(app.tasks.get(name), "retry_strategy", None)
                most = LIVES + (getattr(strategy, "max_attempts", None) or 0)
                given_up = attempts + 1 >= most or unwanted
                query, values = finish(number) if given_up else retry(number)
                try:
                    async with connection.transaction():
                        await connection.execute(query, values)
                except psycopg.errors.UniqueViolation:
                    # Another with its queueing_lock waits already, and does what it would do.
                    given_up = True
                    await connection.execute(*finish(number))
                self.tell(number, name, arguments, f"{attempts + 1} of {most}", given_up=given_up)
        self.suspects = silent

    async def leave(self) -> None:
        """Be gone at once, and not when the others have heard nothing for a while."""
        async with self.pool.connection() as connection:
            await connection.execute(LEAVE, [backlog.SILENCE, self.worker_id])

    def tell(self, number: int, name: str, arguments: Mapping[str, Any], attempt: str, *, given_up: bool) -> None:
        logs.request_id.set(arguments.get(REQUEST_ID, ""))
        extra = {"job": number, "task": name, "attempt": attempt}
        if given_up:
            logger.error("A job is given up: its worker is gone, as others before. See: make jobs", extra=extra)
        else:
            logger.warning("A job begins again: its worker is gone.", extra=extra)
        logs.request_id.set("")


def finish(number: int) -> tuple[Any, dict[str, Any]]:
    return sql.queries["finish_job"], {"job_id": number, "status": "failed", "delete_job": False}


def retry(number: int) -> tuple[Any, dict[str, Any]]:
    now = procrastinate.utils.utcnow()
    return sql.queries["retry_job"], {
        "job_id": number,
        "retry_at": now,
        "new_priority": None,
        "new_queue_name": None,
        "new_lock": None,
    }


# Jobs


def task_modules(folder: Path, package: str = "") -> Iterator[str]:
    """Every ``tasks`` in a package of the project, whose decorators make its tasks known."""
    for child in sorted(folder.iterdir()):
        if (child / "__init__.py").exists() and child.name != "tests":
            if (child / "tasks.py").exists() or (child / "tasks" / "__init__.py").exists():
                yield f"{package}{child.name}.tasks"
            yield from task_modules(child, f"{package}{child.name}.")


def backing_off(strategy: procrastinate.BaseRetryStrategy | None) -> procrastinate.BaseRetryStrategy | None:
    """What ``retry=3`` means, which says only how often; anything that says when is left as it is."""
    if type(strategy) is not procrastinate.RetryStrategy:
        return strategy
    if strategy.wait or strategy.linear_wait or strategy.exponential_wait:
        return strategy
    return BackOff(max_attempts=strategy.max_attempts, retry_exceptions=strategy.retry_exceptions)


def log_job(record: logging.LogRecord) -> bool:
    """Name the job that a line is of."""
    if (number := running.get()) is not None and not hasattr(record, "job"):
        record.job = number
    return True


def log_engine(record: logging.LogRecord) -> bool:
    """Leave out what ``within`` has logged, with the ids that the engine does not know; and say what is not found."""
    action = getattr(record, "action", "")
    if action == "task_not_found":
        job: Mapping[str, Any] = record.__dict__["job"]
        record.msg, record.exc_info = f"A job is given up: no tasks.py has its {job['task_name']}.", None
        record.job = job["id"]
    return not (action.startswith("job_") and record.name.startswith("procrastinate."))


def within(application: Any, call_next: Callable[[], Any], context: procrastinate.JobContext, worker: object) -> Any:
    """Run a job in its thread, as the framework wants it, and log how it ended."""
    job = context.job
    running.set(job.id)
    logs.request_id.set(str(job.task_kwargs.pop(REQUEST_ID, "")))
    extra = {"task": job.task_name, "attempt": job.attempts + 1}
    began = time.monotonic()
    try:
        with framework.around_job(application):
            result = call_next()
    except Exception as error:
        decision = context.task.get_retry_exception(error, job)
        then = "It is given up: make jobs"
        if decision and (at := decision.retry_decision.retry_at):
            seconds = (at - procrastinate.utils.utcnow()).total_seconds()
            then = f"It is tried again in {max(0, seconds):.0f} seconds."
        logger.exception(f"A job has failed. {then}", extra=extra)
        raise
    logger.info("A job is done.", extra=extra | {"duration_ms": round((time.monotonic() - began) * 1000)})
    return result


# The process


class Loop(asyncio.SelectorEventLoop):
    """Looks names up in a thread of its own, since each of the others may have a job and its database connection."""

    names = ThreadPoolExecutor(1, "names")

    async def getaddrinfo(self, *arguments: Any, **options: Any) -> Any:
        return await self.run_in_executor(self.names, partial(socket.getaddrinfo, *arguments, **options))


class Shift:
    """A worker from its start to its end."""

    def __init__(self, app: App, application: Any, connector: Connector, queues: list[str]) -> None:
        self.app, self.application, self.connector, self.queues = app, application, connector, queues
        self.count, self.reason = threads()
        self.stopping = False

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(self.count, "job"))
        options: WorkerOptions = {
            "concurrency": self.count,
            "delete_jobs": "successful",
            "fetch_job_polling_interval": POLL,
            "install_signal_handlers": False,
            "stalled_worker_timeout": DAY,
            "task_middleware": [partial(within, self.application)],
            "update_heartbeat_interval": HEARTBEAT,
        }
        if self.queues:
            options["queues"] = self.queues
        async with self.app.open_async():
            working = asyncio.create_task(self.app.run_worker_async(**options))
            rescuing = asyncio.create_task(self.rescue())

            def cut() -> None:
                # Kept, since the loop itself does not.
                self.cutting = loop.create_task(self.cut())

            def stop(number: int) -> None:
                if self.stopping:
                    # Ctrl+C once more.
                    if number == signal.SIGINT:
                        cut()
                    return
                self.stopping = True
                logger.info(f"Stopping when the running jobs have ended: {len(self.connector.mine)}.")
                working.cancel()
                loop.call_later(GRACE, cut)

            for number in signal.SIGINT, signal.SIGTERM:
                with contextlib.suppress(NotImplementedError):  # Windows
                    loop.add_signal_handler(number, stop, number)
            logger.info(
                f"Working with threads: {self.count} ({self.reason}), queues: {' '.join(self.queues or ['all'])}, "
                f"database connections: up to {connections()}."
            )
            try:
                with contextlib.suppress(asyncio.CancelledError):
                    await working
            finally:
                rescuing.cancel()
        if not self.stopping:
            env.refuse("The worker has ended by itself.", "The log has the reason.")
        logger.info("Stopped.")

    async def rescue(self) -> None:
        while True:
            await asyncio.sleep(RESCUE)
            try:
                await self.connector.rescue(self.app)
            except AWAY:
                pass  # The next time.
            except Exception:
                logger.exception("Jobs of workers that are gone could not be looked for.")

    async def cut(self) -> NoReturn:
        """End while jobs run: another worker begins them again, as soon as it finds that this one is gone."""
        for number, (name, request_id) in self.connector.mine.items():
            logs.request_id.set(request_id)
            logger.warning("Cut off: the job begins again.", extra={"job": number, "task": name})
        with contextlib.suppress(Exception):
            async with asyncio.timeout(1):
                await self.connector.leave()
        sys.stdout.flush()
        # A thread cannot be ended otherwise.
        os._exit(0)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m runtime.work", description="Run the jobs that are deferred.")
    parser.add_argument("queues", nargs="*", help="those it runs jobs of; of all, where none is named")
    # Of `make run`.
    parser.add_argument("--if-needed", action="store_true", help="end without a word where there is no PostgreSQL")
    arguments = parser.parse_args()
    # Its package reads .env, before anything else is read.
    importlib.import_module(APPLICATION.partition(".")[0])
    # The size of the pool that the project's own connections come from.
    services.THREADS, _ = threads()
    application = importlib.import_module(APPLICATION).application
    with framework.around_job(application):
        url: str = framework.setting("DATABASE_URL") or ""
    if not url.startswith("postgresql"):
        if arguments.if_needed:
            return
        env.refuse(
            "The worker needs PostgreSQL: on SQLite each job runs at once, where it is asked for.",
            "Attach it: heroku addons:create heroku-postgresql:essential-0",
        )
    for name in task_modules(Path.cwd()):
        importlib.import_module(name)
    for task in jobs.tasks.values():
        task.retry_strategy = backing_off(task.retry_strategy)
    for handler in logging.getLogger().handlers:
        handler.addFilter(log_job)
        handler.addFilter(log_engine)
    logging.getLogger("psycopg.pool").setLevel("CRITICAL")
    if not arguments.if_needed:
        env.give_advice()
    shift = Shift(jobs, application, Connector(url), arguments.queues)
    with jobs.replace_connector(shift.connector):
        try:
            asyncio.run(shift.run(), loop_factory=Loop)
        except exceptions.ConnectorException as error:
            if isinstance(error.__cause__, psycopg.errors.UndefinedTable | psycopg.errors.UndefinedFunction):
                backlog.refuse_without_tables()
            raise


if __name__ == "__main__":
    main()
