"""Jobs where they are deferred, and what a worker decides without a database."""

import contextlib
import importlib
import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

import pytest
from procrastinate import RetryStrategy, utils
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.jobs import Job

from runtime import backlog, counts, framework, logs, server, timeouts, work
from runtime.jobs import REQUEST_ID, BackOff, jobs
from tests.visitor import Visitor

ran: list[object] = []


@jobs.task(name="tests.note")
def note(word: str, number: int = 0) -> None:
    ran.append((word, number))


@jobs.task(name="tests.fail", retry=3)
def fail() -> NoReturn:
    raise RuntimeError("a bug")


@pytest.fixture(autouse=True)
def nothing_ran() -> Iterator[None]:
    """No job has run when a test starts."""
    ran.clear()
    return iter([None])


def test_a_job_runs_where_it_is_asked_for() -> None:
    note.defer(word="one")
    note.configure(queue="slow", lock="a", priority=1, schedule_in={"minutes": 5}).defer(word="two", number=2)
    assert ran == [("one", 0), ("two", 2)]
    # Called, it is a function as any other.
    note("three")
    assert ran[-1] == ("three", 0)


def test_what_a_job_raises_is_raised_there() -> None:
    with pytest.raises(RuntimeError, match="a bug"):
        fail.defer()


def test_a_job_takes_nothing_that_the_database_could_not_hold() -> None:
    with pytest.raises(TypeError, match="JSON"):
        note.configure(task_kwargs={"word": Path()}).defer()  # type: ignore[dict-item]
    assert ran == []


def test_a_test_may_collect_jobs(deferred: list[Job]) -> None:
    note.defer(word="one")
    assert [(job.task_name, job.task_kwargs) for job in deferred] == [("tests.note", {"word": "one"})]
    assert ran == []


@pytest.mark.parametrize(("attempts", "seconds"), [(0, 5), (1, 15), (2, 45), (6, 3600), (1000, 3600)])
def test_a_failed_job_waits_longer_each_time(attempts: int, seconds: int) -> None:
    job = Job(id=1, task_name="", queue="", lock=None, queueing_lock=None, attempts=attempts)
    before = utils.utcnow()
    decision = BackOff(max_attempts=1001).get_retry_decision(exception=RuntimeError(), job=job)
    assert decision
    assert decision.retry_at
    assert timedelta() <= decision.retry_at - before - timedelta(seconds=seconds) < timedelta(seconds=60)


@pytest.mark.parametrize(
    "strategy", [BackOff(max_attempts=2), BackOff(max_attempts=9, retry_exceptions=[OSError])], ids=["often", "wrongly"]
)
def test_what_has_failed_often_enough_or_wrongly_is_given_up(strategy: BackOff) -> None:
    job = Job(id=1, task_name="", queue="", lock=None, queueing_lock=None, attempts=2)
    assert strategy.get_retry_decision(exception=RuntimeError(), job=job) is None


def test_what_says_only_how_often_backs_off() -> None:
    own = RetryStrategy(max_attempts=1, wait=7)
    assert work.backing_off(RetryStrategy(max_attempts=3)) == BackOff(max_attempts=3)
    assert work.backing_off(own) is own
    assert work.backing_off(None) is None


def test_tasks_are_found_in_packages(tmp_path: Path) -> None:
    for name in "shop/tasks.py", "shop/orders/tasks/__init__.py", "loose/tasks.py", "tests/tasks.py", "tasks.py":
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    for package in "shop", "shop/orders", "tests":
        (tmp_path / package / "__init__.py").touch()
    assert [*work.task_modules(tmp_path)] == ["shop.tasks", "shop.orders.tasks"]


@pytest.mark.parametrize(("memory", "threads"), [(64, 1), (256, 2), (512, 4), (16384, 4)])
def test_memory_says_how_many_jobs_run_at_once(memory: int, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "memory_mb", lambda: (memory, "a test"))
    assert work.threads() == (threads, f"{memory} MB of a test")
    monkeypatch.setenv("WORKER_THREADS", "7")
    assert work.threads() == (7, "as WORKER_THREADS says")
    assert work.connections() == 9


def test_the_engines_own_lines_are_left_out() -> None:
    def passes(name: str, action: str) -> bool:
        record = logging.makeLogRecord({"name": name, "action": action, "job": {"id": 1, "task_name": "a"}})
        return work.log_engine(record)

    assert not passes("procrastinate.worker", "job_error")
    assert passes("procrastinate.worker", "side_task_failed")
    assert passes("shop", "job_error")


def test_where_there_is_no_postgresql_nothing_is_said_of_jobs() -> None:
    assert backlog.states(None) == {}
    assert backlog.examine("sqlite:///db.sqlite3") is None
    with pytest.raises(SystemExit, match="on SQLite each runs at once"):
        list(backlog.command("sqlite:///db.sqlite3"))


def test_there_is_time_for_what_is_promised() -> None:
    # A stopping worker tells that it is gone before the platform kills it.
    assert work.GRACE + 1 < timeouts.GRACEFUL < timeouts.ROUTER
    # One silence is no sign of anything.
    assert 3 * work.HEARTBEAT < backlog.SILENCE < backlog.PATIENCE
    # A job whose worker is gone begins again within two minutes, though whoever looks for it has to see it twice.
    assert backlog.SILENCE + 3 * work.RESCUE + work.POLL < 120


def test_expired_sessions_are_forgotten_every_night() -> None:
    importlib.import_module("accounts.tasks")
    schedules = [(each.task.name, each.cron) for each in jobs.periodic_registry.periodic_tasks.values()]
    assert schedules == [("accounts.tasks.forget_expired_sessions", "17 4 * * *")]


# What the database has of them, on PostgreSQL


@pytest.fixture
def tables(application: Any) -> Iterator[Any]:
    """The connection to a database that has tables of jobs; None on SQLite."""
    # Django's is there without a context.
    with getattr(application, "app_context", contextlib.nullcontext)():
        counts.memory.clear("jobs.waiting")
        connection = framework.job_connection()
        assert (connection is None) == framework.setting("DATABASE_URL").startswith("sqlite")
        yield connection
        counts.memory.clear("jobs.waiting")


def insert(tables: Any, status: str = "todo", **columns: str) -> int:
    """A job, whose columns are SQL."""
    columns = {"queue_name": "'default'", "task_name": "'tests.note'", "status": f"'{status}'"} | columns
    names, values = ", ".join(columns), ", ".join(columns.values())
    query = f"INSERT INTO procrastinate_jobs ({names}) VALUES ({values}) RETURNING id"
    number: int = tables.execute(query).fetchone()[0]
    return number


def worker_seen(tables: Any, age: str) -> int:
    query = f"INSERT INTO procrastinate_workers (last_heartbeat) VALUES ({ago(age)}) RETURNING id"
    number: int = tables.execute(query).fetchone()[0]
    return number


def ago(age: str) -> str:
    return f"now() - interval '{age}'"


def deferred_ago(tables: Any, age: str) -> int:
    job = insert(tables)
    tables.execute(f"UPDATE procrastinate_events SET at = {ago(age)} WHERE job_id = %s", [job])
    return job


WAYS: dict[str, Callable[[Any, str], object]] = {
    "deferred": deferred_ago,
    "scheduled": lambda tables, age: insert(tables, scheduled_at=ago(age)),
    "begun": lambda tables, age: insert(tables, "doing", worker_id=str(worker_seen(tables, age))),
}


def test_no_terminal_obeys_what_a_job_was_given(tables: Any) -> None:
    if tables is None:
        return
    insert(tables, args="""jsonb_build_object('name', E'Zo\\u00eb \\u009b2J\\u001b[2J\\u2028')""")
    (line, _) = backlog.listing(tables)
    assert line.isprintable()
    assert "Zoë " in line


@pytest.mark.parametrize("way", WAYS)
def test_a_job_that_nobody_begins_for_five_minutes_waits(way: str, tables: Any, log: list[str]) -> None:
    if tables is None:
        return
    insert(tables, scheduled_at="now() + interval '1 day'")
    WAYS[way](tables, "4 minutes")
    assert backlog.states(tables) == {"jobs": "ok"}
    assert log == []
    tables.execute("DELETE FROM procrastinate_jobs")
    WAYS[way](tables, "6 minutes")
    assert backlog.states(tables) == backlog.states(tables) == {"jobs": "waiting"}
    (line,) = log
    assert "A job has waited for 6 minutes, and no worker is running. Start one: heroku ps:scale worker=1" in line
    worker_seen(tables, "1 second")
    complaint = "and the running workers (1) do not keep up. Start one: heroku ps:scale worker=2"
    assert complaint in str(backlog.complaint(tables))


def test_the_log_says_again_that_jobs_wait_when_others_do(tables: Any, log: list[str]) -> None:
    if tables is None:
        return
    for _ in range(2):
        insert(tables, scheduled_at=ago("6 minutes"))
        backlog.states(tables)
        tables.execute("DELETE FROM procrastinate_jobs")
        assert backlog.states(tables) == {"jobs": "ok"}
    assert len(log) == 2


def test_a_job_is_tried_again_or_deleted_unless_it_runs(tables: Any) -> None:
    if tables is None:
        return
    failed, running = insert(tables, "failed", attempts="7"), insert(tables, "doing")
    for change in backlog.try_again, backlog.remove:
        with pytest.raises(SystemExit, match=f"Job {running} is running"):
            change(tables, running)
    backlog.try_again(tables, failed)
    query = "SELECT status::text, attempts, scheduled_at <= now() FROM procrastinate_jobs WHERE id = %s"
    assert tables.execute(query, [failed]).fetchone() == ("todo", 0, True)
    backlog.remove(tables, failed)
    with pytest.raises(SystemExit, match=f"There is no job {failed}; one that is done is deleted"):
        backlog.remove(tables, failed)


def test_the_list_says_what_it_leaves_out_and_whose_worker_is_gone(
    tables: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    if tables is None:
        return
    monkeypatch.setattr(backlog, "SHOWN", 1)
    for _ in range(3):
        insert(tables)
    runs = insert(tables, "doing", worker_id=str(worker_seen(tables, "1 second")))
    first, waits, *others = backlog.listing(tables)
    assert first == "… and 2 more that are waiting"
    assert f"job={runs - 1} waiting task=" in waits
    assert f"job={runs} running task=" in others[0]
    gone = insert(tables, "doing", worker_id=str(worker_seen(tables, "1 minute")))
    lines = [*backlog.listing(tables)]
    assert f"job={gone} running worker=gone task=" in lines[-2]
    assert lines[-1] == "waiting: 3, running: 2, failed: 0"


def test_the_next_job_has_its_own_request(web: Visitor) -> None:
    logs.request_id.set("of-this-request")
    note.defer(word="one")
    assert ran == [("one", 0)]
    assert REQUEST_ID not in note.configure().job.task_kwargs


def test_a_job_that_waits_already_leaves_the_transaction_whole(
    application: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs.job_manager, "elsewhere", None)
    once = note.configure(queueing_lock="once")
    # Django's connection is there without one.
    with getattr(application, "app_context", contextlib.nullcontext)():
        once.defer(word="one")
        if framework.job_connection() is None:
            once.defer(word="two")
            assert ran == [("one", 0), ("two", 0)]
            return
        with pytest.raises(AlreadyEnqueued):
            once.defer(word="two")
        (number,) = framework.job_connection().execute("SELECT count(*) FROM procrastinate_jobs").fetchone()
    assert (number, ran) == (1, [])
