"""What a platform asks: is the process alive, and can it serve?"""

import threading
import traceback
from collections.abc import Callable

import pytest

from runtime import middleware, services
from runtime.middleware import Middleware
from tests.visitor import Visitor

ANYWHERE = "http://10.1.2.3:5000"


@pytest.fixture(autouse=True)
def nothing_asked_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(middleware.Question, "open", {})


def needing(**needed: Callable[[], object] | None) -> Visitor:
    """A visitor of what needs these services, and has nothing else to say."""
    application = Middleware(
        lambda environ, start: [], hosts=["localhost"], services=needed, error=lambda status, environ: ("", {})
    )
    return Visitor(application)


def test_liveness_needs_nothing(log: list[str]) -> None:
    response = needing(database=None).get("/healthz", base_url=ANYWHERE)
    assert (response.status_code, response.text) == (200, "ok\n")
    assert log == []


def test_health_answers_have_no_body_for_head(web: Visitor) -> None:
    response = web.head("/healthz")
    assert (response.status_code, response.data) == (200, b"")


def test_readiness_with_its_database(web: Visitor, database_outside_a_transaction: None) -> None:
    response = web.get("/readyz", base_url=ANYWHERE)
    assert response.status_code == 200
    # And on PostgreSQL the jobs in it.
    assert response.json in ({"database": "ok"}, {"database": "ok", "jobs": "ok"})


def test_readiness_without_a_database(log: list[str]) -> None:
    response = needing(database=None).get("/readyz")
    assert (response.status_code, response.json) == (503, {"database": "missing"})
    assert services.NO_DATABASE[1] in log[0]


@pytest.mark.parametrize(
    ("database_up", "cache_up", "status"),
    [(True, True, 200), (True, False, 503), (False, True, 503), (False, False, 503)],
)
def test_readiness_names_what_does_not_answer(database_up: bool, cache_up: bool, status: int, log: list[str]) -> None:
    def answer() -> None:
        pass

    def fail() -> None:
        raise ConnectionError("user secret at host 10.9.9.9")

    web = needing(database=answer if database_up else fail, cache=answer if cache_up else fail)
    response = web.get("/readyz")
    states = {True: "ok", False: "failing"}
    assert response.status_code == status
    assert response.json == {"database": states[database_up], "cache": states[cache_up]}
    assert "10.9.9.9" not in response.text
    assert len(log) == [database_up, cache_up].count(False)
    assert all("10.9.9.9" in line and "heroku" in line for line in log)


def test_readiness_does_not_wait_for_what_hangs(monkeypatch: pytest.MonkeyPatch, log: list[str]) -> None:
    asked, ends = [], threading.Event()

    def hang() -> None:
        asked.append(threading.current_thread())
        ends.wait()

    monkeypatch.setattr(middleware, "PATIENCE", 0.1)
    web = needing(database=hang)
    for _ in range(2):
        response = web.get("/readyz")
        assert (response.status_code, response.json) == (503, {"database": "failing"})
    # The second has waited for the first one's answer.
    assert len(asked) == 1
    assert all("no answer for" in line and "heroku pg:info" in line for line in log)
    ends.set()
    asked[0].join()
    monkeypatch.setattr(middleware, "PATIENCE", 60)
    assert web.get("/readyz").json == {"database": "ok"}


def test_readiness_keeps_one_request_only_waiting_for_what_has_failed(
    monkeypatch: pytest.MonkeyPatch, log: list[str]
) -> None:
    asked, ends = threading.Semaphore(0), threading.Event()

    def fail() -> None:
        asked.release()
        ends.wait()
        raise ConnectionError("gone")

    monkeypatch.setattr(middleware, "PATIENCE", 1)
    web = needing(database=fail)
    ends.set()
    assert web.get("/readyz").json == {"database": "failing"}
    assert asked.acquire(timeout=60)
    ends.clear()
    first = threading.Thread(target=web.get, args=["/readyz"])
    first.start()
    assert asked.acquire(timeout=60)
    for _ in range(10):
        assert web.get("/readyz").json == {"database": "failing"}
    # Of those who ask it keeps nothing.
    before = middleware.Question.open["database"].failed_before
    assert before
    error = before.answer.exception()
    assert error
    assert len(traceback.extract_tb(error.__traceback__)) < 5
    # Who had waited would have been told that there is no answer.
    assert all("ConnectionError: gone" in line for line in log[:4])
    ends.set()
    first.join()
