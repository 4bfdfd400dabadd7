"""A generated project sends its errors to SENTRY_DSN: each once, with nothing of its visitors, and nobody waits."""

import os
import signal
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.crowd import until, workers
from tests.dyno import running
from tests.projects import THOROUGH, Project
from tests.receiver import Receiver
from tests.receiver import receiver as receiving

both_frameworks = pytest.mark.parametrize("project", THOROUGH, indirect=True, ids=str)
one_framework = pytest.mark.parametrize("project", THOROUGH[-1:], indirect=True, ids=str)


@pytest.fixture
def receiver(project: Project) -> Iterator[Receiver]:
    with receiving(project) as received:
        yield received


def lost(log: list[str]) -> int:
    """How many errors the log says are lost."""
    return sum(int(line.rpartition("count=")[2]) for line in log if "logger=runtime.sentry" in line)


def functions(event: dict[str, Any]) -> list[str]:
    return [frame["function"] for frame in event["exception"]["values"][-1]["stacktrace"]["frames"]]


def threads(process: int) -> int:
    return len(os.listdir(f"/proc/{process}/task"))


# What is sent


@both_frameworks
def test_sends_an_error_once_and_nothing_of_who_met_it(project: Project, probe: str, receiver: Receiver) -> None:
    secrets = {name: f"{name}-{uuid.uuid4().hex}" for name in ("query", "cookie", "header", "body", "token", "agent")}
    address, password, key = "203.0.113.77", "correct horse", uuid.uuid4().hex
    words = f"no reply to {key}@example.com at 2001:db8::{key[:4]}, see https://{key}:{key}@example.com/?key={key}"
    with running(project, probe, SENTRY_DSN=receiver.dsn, ALLOWED_HOSTS="www.example.com") as dyno:
        response = dyno.request(
            "POST",
            f"/mistake?q={secrets['query']}&token={secrets['token']}",
            data={"password": password, "note": secrets["body"], "words": words},
            headers={
                "Authorization": f"Bearer {secrets['header']}",
                "Cookie": f"__Host-session={secrets['cookie']}",
                "Host": "www.example.com",
                "Referer": f"https://www.example.com/?token={secrets['token']}",
                "User-Agent": secrets["agent"],
                "X-Forwarded-For": address,
            },
        )
        assert response.status_code == 500
        assert dyno.stop() == 0
    (event,) = receiver.events()
    assert event["tags"] == {"request_id": response.headers["X-Request-Id"]}
    assert event["request"] == {"method": "POST", "url": "/mistake"}
    (exception,) = event["exception"]["values"]
    assert exception["type"] == "RuntimeError"
    assert exception["value"] == "no reply to … at …, see https://…@example.com/?…"
    assert functions(event)[-1] == "mistake"
    everything = receiver.everything()
    hidden = [*secrets.values(), address, password, key]
    assert [secret for secret in hidden if secret in everything] == []


@one_framework
@pytest.mark.parametrize(
    ("variables", "release", "environment"),
    [
        ({"HEROKU_BUILD_COMMIT": "abc", "SOURCE_VERSION": "def"}, "abc", "production"),
        ({"RENDER_GIT_COMMIT": "abc", "IS_PULL_REQUEST": "true"}, "abc", "review"),
    ],
)
def test_says_which_version_it_is(
    variables: dict[str, str], release: str, environment: str, project: Project, probe: str, receiver: Receiver
) -> None:
    with running(project, probe, SENTRY_DSN=receiver.dsn, **variables) as dyno:
        dyno.get("/broken")
        dyno.stop()
    (event,) = receiver.events()
    assert (event["release"], event["environment"], event["server_name"]) == (release, environment, "web.1")


@both_frameworks
def test_sends_the_stack_of_a_request_past_its_limit(project: Project, probe: str, receiver: Receiver) -> None:
    with running(project, probe, SENTRY_DSN=receiver.dsn, WEB_TIMEOUT="5") as dyno:
        response = dyno.get("/sleep?seconds=8&q=private")
        assert response.status_code == 200
        dyno.wait_for("level=error .*past its limit")
        assert dyno.stop() == 0
    (event,) = receiver.events()
    assert functions(event)[-1] == "sleep"
    assert event["tags"] == {"request_id": response.headers["X-Request-Id"]}
    assert event["request"] == {"method": "GET", "url": "/sleep"}
    assert event["extra"]["path"] == "/sleep"
    assert "private" not in receiver.everything()


@both_frameworks
def test_sends_why_a_release_has_failed(
    project: Project, receiver: Receiver, failing_migration: str, new_database: Callable[[], str]
) -> None:
    result = project.run(project.processes["release"], DATABASE_URL=new_database(), SENTRY_DSN=receiver.dsn)
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    (event,) = receiver.events()
    assert "no_such_table" in event["exception"]["values"][-1]["value"]


@both_frameworks
def test_sends_the_mistake_that_ends_a_process(project: Project, receiver: Receiver) -> None:
    code = "from config import release; release.steps = lambda: 1 / 0; release.main()"
    result = project.run(f'python -c "{code}"', DATABASE_URL="sqlite://", SENTRY_DSN=receiver.dsn)
    assert result.returncode == 1
    assert result.stderr.endswith("ZeroDivisionError: division by zero\n")
    (event,) = receiver.events()
    assert event["exception"]["values"][-1]["type"] == "ZeroDivisionError"


@both_frameworks
def test_sends_what_it_says_of_its_jobs(project: Project, receiver: Receiver) -> None:
    """As whoever runs them logs it: with the job's number and name."""
    extra = "extra={'job': 7, 'task': 'letters.send', 'attempts': 2}"
    code = f"import config, logging; logging.getLogger('jobs').error('A job has failed.', {extra})"
    project.run(f'python -c "{code}"', SENTRY_DSN=receiver.dsn).check_returncode()
    (event,) = receiver.events()
    assert event["logentry"] == {"formatted": "A job has failed."}
    assert event["tags"] == {"job": "7", "task": "letters.send"}
    assert event["extra"] == {"job": 7, "task": "letters.send", "attempts": 2}


# Each once


@both_frameworks
def test_loses_count_of_no_error_in_a_burst(project: Project, probe: str, receiver: Receiver) -> None:
    sent = [uuid.uuid4().hex for _ in range(1000)]
    with running(project, probe, SENTRY_DSN=receiver.dsn) as dyno, ThreadPoolExecutor(8) as pool:
        statuses = pool.map(lambda one: dyno.get("/broken", headers={"X-Request-Id": one}).status_code, sent)
        assert {*statuses} == {500}
        assert dyno.stop() == 0
    received = [event["tags"]["request_id"] for event in receiver.events()]
    assert len(received) == len({*received})
    assert {*received} < {*sent}
    assert received
    assert len(received) + lost(dyno.log) == 1000


@one_framework
def test_counts_what_the_receiver_refuses(project: Project, probe: str, receiver: Receiver) -> None:
    receiver.status = 429
    with running(project, probe, SENTRY_DSN=receiver.dsn, WEB_CONCURRENCY="1") as dyno:
        for _ in range(5):
            dyno.get("/broken")
        assert dyno.stop() == 0
    assert lost(dyno.log) == 5


@both_frameworks
def test_sends_from_each_process(project: Project, probe: str, receiver: Receiver) -> None:
    """The sending thread starts in who has something to send, and a fork takes nothing over."""
    with running(project, probe, SENTRY_DSN=receiver.dsn, WEB_CONCURRENCY="1") as dyno:
        assert threads(dyno.process.pid) == 1
        assert until(lambda: len(workers(dyno)) == 1)
        (first,) = workers(dyno)
        assert dyno.get("/broken").status_code == 500
        receiver.wait_for(1)
        os.kill(first, signal.SIGKILL)
        dyno.wait_for("level=error logger=gunicorn.error .*SIGKILL")
        receiver.wait_for(2)
        assert until(lambda: len(workers(dyno)) == 1 and workers(dyno) != [first])
        assert dyno.get("/broken").status_code == 500
        # Before the end, which waits for it only so long.
        receiver.wait_for(3)
        assert dyno.stop() == 0
    events = receiver.events()
    assert [event["logger"] == "gunicorn.error" for event in events] == [False, True, False]
    assert len({event["event_id"] for event in events}) == 3


@both_frameworks
def test_imports_nothing_in_the_thread_that_sends(project: Project, receiver: Receiver) -> None:
    """A worker that is forked meanwhile would find the module locked for ever."""
    code = (
        "import sys; import config.wsgi; before = {*sys.modules}; import logging; "
        "logging.getLogger('a').error('an error'); logging.shutdown(); "
        "print(sorted({*sys.modules} - before))"
    )
    result = project.run(f'python -c "{code}"', SENTRY_DSN=receiver.dsn)
    receiver.wait_for(1)
    assert result.stdout.splitlines()[-1] == "[]"


# Nobody waits


@both_frameworks
def test_waits_for_no_receiver_that_hangs(project: Project, probe: str, receiver: Receiver) -> None:
    """Neither a response nor the end: the receiver answers nobody until all is over."""
    receiver.answers.clear()
    with running(project, probe, SENTRY_DSN=receiver.dsn, WEB_CONCURRENCY="1", WEB_THREADS="1") as dyno:
        for _ in range(3):
            assert dyno.get("/broken").status_code == 500
        with receiver.news:
            assert receiver.news.wait_for(lambda: receiver.sent, 60)
        assert dyno.get("/process").status_code == 200
        assert dyno.stop() == 0
    assert lost(dyno.log) == 3


@both_frameworks
def test_waits_for_no_receiver_that_is_not_there(project: Project, probe: str, refusing_port: int) -> None:
    dsn = f"http://key@127.0.0.1:{refusing_port}/1"
    with running(project, probe, SENTRY_DSN=dsn, WEB_CONCURRENCY="1") as dyno:
        assert dyno.get("/broken").status_code == 500
        assert dyno.get("/readyz").json() == {"database": "missing"}
        assert dyno.stop() == 0
    assert lost(dyno.log) == 1


# Where it is not wanted


LOADED = "import sys, runpy; runpy.run_path('gunicorn.conf.py'); import config.wsgi; print('sentry_sdk' in sys.modules)"


@both_frameworks
@pytest.mark.parametrize(("dsn", "loaded"), [("", "False"), ("https://key@localhost/1", "True")])
def test_imports_the_client_only_where_it_is_wanted(dsn: str, loaded: str, project: Project) -> None:
    result = project.run(f'python -c "{LOADED}"', SENTRY_DSN=dsn)
    assert result.stdout.splitlines()[-1:] == [loaded], result.stderr


@both_frameworks
def test_imports_no_service_for_its_errors(project: Project) -> None:
    """Neither Redis nor the other framework's parts, as the client by itself would."""
    code = LOADED.replace("'sentry_sdk' in sys.modules", "{'redis', 'sqlalchemy.orm', 'aiohttp'} & {*sys.modules}")
    before, after = (project.run(f'python -c "{code}"', SENTRY_DSN=dsn) for dsn in ("", "https://key@localhost/1"))
    assert before.stdout.splitlines()[-1] == after.stdout.splitlines()[-1]


@both_frameworks
@pytest.mark.parametrize("process", ["web", "release"])
def test_refuses_what_is_no_address_of_a_project(process: str, project: Project) -> None:
    result = project.run(project.processes[process], SENTRY_DSN="https://the-key@example.com/")
    assert result.returncode != 0
    assert "SENTRY_DSN is 'https://…@example.com/'" in result.stdout + result.stderr
    assert "Client Keys" in result.stdout + result.stderr
    assert "the-key" not in result.stdout + result.stderr


@one_framework
@pytest.mark.parametrize(
    ("dsn", "line"),
    [
        ("", "ok    errors: SENTRY_DSN is not set, so they are in the log only"),
        ("https://key@sentry.example.com/1", "ok    errors: sent to sentry.example.com"),
        ("sentry.example.com", "FAIL  errors: SENTRY_DSN is 'sentry.example.com', not a project's address."),
    ],
)
def test_tells_in_the_doctor_where_errors_go(dsn: str, line: str, project: Project) -> None:
    result = project.run("python -m runtime.doctor", tools=True, SENTRY_DSN=dsn)
    assert any(found.startswith(line) for found in result.stdout.splitlines()), result.stdout + result.stderr
