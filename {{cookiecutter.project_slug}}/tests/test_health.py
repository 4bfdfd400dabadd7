"""What a platform asks: is the process alive, and can it serve?"""

import threading

import pytest

from config import cache, database, middleware, services, settings
from tests.visitor import Visitor

ANYWHERE = "http://10.1.2.3:5000"


def test_liveness_needs_nothing(web: Visitor, monkeypatch: pytest.MonkeyPatch, log: list[str]) -> None:
    monkeypatch.setattr(settings, "DATABASE_URL", None)
    response = web.get("/healthz", base_url=ANYWHERE)
    assert (response.status_code, response.text) == (200, "ok\n")
    assert log == []


def test_health_answers_have_no_body_for_head(web: Visitor) -> None:
    response = web.head("/healthz")
    assert (response.status_code, response.data) == (200, b"")


def test_readiness_with_its_database(web: Visitor, database_outside_a_transaction: None) -> None:
    response = web.get("/readyz", base_url=ANYWHERE)
    assert (response.status_code, response.json) == (200, {"database": "ok"})


def test_readiness_without_a_database(web: Visitor, monkeypatch: pytest.MonkeyPatch, log: list[str]) -> None:
    monkeypatch.setattr(settings, "DATABASE_URL", None)
    response = web.get("/readyz")
    assert (response.status_code, response.json) == (503, {"database": "missing"})
    assert services.NO_DATABASE[1] in log[0]


@pytest.mark.parametrize(
    ("database_up", "cache_up", "status"),
    [(True, True, 200), (True, False, 503), (False, True, 503), (False, False, 503)],
)
def test_readiness_names_what_does_not_answer(
    database_up: bool, cache_up: bool, status: int, web: Visitor, monkeypatch: pytest.MonkeyPatch, log: list[str]
) -> None:
    def fail() -> None:
        raise ConnectionError("user secret at host 10.9.9.9")

    monkeypatch.setattr(settings, "REDIS_URL", "redis://10.9.9.9")
    monkeypatch.setattr(database, "check", (lambda: None) if database_up else fail)
    monkeypatch.setattr(cache, "check", (lambda: None) if cache_up else fail)
    response = web.get("/readyz")
    states = {True: "ok", False: "failing"}
    assert response.status_code == status
    assert response.json == {"database": states[database_up], "cache": states[cache_up]}
    assert "10.9.9.9" not in response.text
    assert len(log) == [database_up, cache_up].count(False)
    assert all("10.9.9.9" in line and "heroku" in line for line in log)


def test_readiness_does_not_wait_for_what_hangs(web: Visitor, monkeypatch: pytest.MonkeyPatch, log: list[str]) -> None:
    asked, ends = [], threading.Event()

    def hang() -> None:
        asked.append(threading.current_thread())
        ends.wait()

    monkeypatch.setattr(middleware, "PATIENCE", 0.1)
    monkeypatch.setattr(database, "check", hang)
    for _ in range(2):
        response = web.get("/readyz")
        assert (response.status_code, response.json) == (503, {"database": "failing"})
    # The second has waited for the first one's answer.
    assert len(asked) == 1
    assert all("no answer for" in line and "heroku pg:info" in line for line in log)
    ends.set()
    asked[0].join()
    monkeypatch.setattr(middleware, "PATIENCE", 60)
    monkeypatch.setattr(database, "check", lambda: None)
    assert web.get("/readyz").json == {"database": "ok"}
