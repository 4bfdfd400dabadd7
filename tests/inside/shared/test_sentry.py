"""Where errors are sent, as which version, and what is left out of them; tests/test_errors.py sends some."""

import logging
import time

import pytest

from runtime import errors, logs, sentry

NAMES = [*errors.RELEASES, "DEBUG", "HEROKU_PR_NUMBER", "IS_PULL_REQUEST", "RAILWAY_ENVIRONMENT_NAME"]
NAMES += ["SENTRY_DSN", "SENTRY_ENVIRONMENT"]


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment in which nobody says anything of errors."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> sentry.Account:
    """That of a process which has sent nothing yet, on a clock that stands still."""
    monkeypatch.setattr(time, "monotonic", lambda: 1000.0)
    return sentry.Account()


@pytest.mark.parametrize(
    "url",
    [
        "https://0123abcd@o1.ingest.sentry.io/42",
        "https://0123abcd:old-secret@glitchtip.example.com:8000/below/42",
        "http://0123abcd@[::1]:8000/1",
    ],
)
def test_takes_the_address_of_a_project(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTRY_DSN", f" {url} ")
    assert errors.dsn() == url


@pytest.mark.parametrize(
    "url",
    [
        "sentry.io",
        "https://sentry.io/42",
        "https://key@/42",
        "https://key@sentry.io",
        "https://key@sentry.io/",
        "https://key@sentry.io/project",
        "https://key@sentry.io/٤٢",
        "https://key@sentry.io:port/42",
        "https://key@sentry.io:0/42",
        "https://key@[sentry/42",
        "ftp://key@sentry.io/42",
    ],
)
def test_refuses_any_other(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTRY_DSN", url)
    with pytest.raises(
        SystemExit, match=r"SENTRY_DSN is .*, not a project's address.* https://KEY@HOST/NUMBER"
    ) as error:
        errors.dsn()
    assert "key@" not in str(error.value)


def test_has_nowhere_to_send_them_by_itself() -> None:
    assert errors.dsn() is None


@pytest.mark.parametrize(
    ("variables", "release"),
    [
        ({}, ""),
        ({"SENTRY_RELEASE": "1.2", "HEROKU_BUILD_COMMIT": "b"}, "1.2"),
        ({"HEROKU_BUILD_COMMIT": "b", "HEROKU_SLUG_COMMIT": "s"}, "b"),
        ({"HEROKU_SLUG_COMMIT": "s"}, "s"),
        ({"RAILWAY_GIT_COMMIT_SHA": "r"}, "r"),
        ({"FLY_IMAGE_REF": "registry.fly.io/tea-house:deployment-01ABC"}, "tea-house:deployment-01ABC"),
        ({"SOURCE_VERSION": "v"}, "v"),
    ],
)
def test_says_which_version_runs(variables: dict[str, str], release: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert errors.release() == release


@pytest.mark.parametrize(
    ("variables", "environment"),
    [
        ({}, "production"),
        ({"DEBUG": "on"}, "development"),
        ({"HEROKU_PR_NUMBER": "12"}, "review"),
        ({"IS_PULL_REQUEST": "true"}, "review"),
        ({"IS_PULL_REQUEST": "false"}, "production"),
        ({"RAILWAY_ENVIRONMENT_NAME": "staging", "HEROKU_PR_NUMBER": "12"}, "staging"),
        ({"SENTRY_ENVIRONMENT": "elsewhere", "RAILWAY_ENVIRONMENT_NAME": "staging"}, "elsewhere"),
    ],
)
def test_says_which_installation_it_is(
    variables: dict[str, str], environment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert errors.environment() == environment


@pytest.mark.parametrize(
    ("words", "sent"),
    [
        ("division by zero at 12:30:45, version 1.2.3.4.5", "division by zero at 12:30:45, version 1.2.3.4.5"),
        ("module::name, a ? b", "module::name, a ? b"),
        (
            "Max retries exceeded with url: /v1?api_key=k%20ey&q=x (Caused by",
            "Max retries exceeded with url: /v1?… (Caused by",
        ),
        ("postgres://user:pass@db.example.com/name refused", "postgres://…@db.example.com/name refused"),
        ('connection to server at "192.0.2.7", port 5432', 'connection to server at "…", port 5432'),
        ("from 192.0.2.7:443, 2001:db8:0:0:0:0:0:7, ::ffff:192.0.2.7 and fe80::7.", "from …:443, …, … and …."),
        ("mail to <ada+tea@mail.example.com> bounced", "mail to <…> bounced"),
        (
            "duplicate key\nDETAIL:  Key (email)=(x) exists.\nand the\nrest",
            "duplicate key\nDETAIL:…",
        ),
        (
            "[SQL: INSERT]\n[parameters: {'password': '[x]'}]\n(Background)",
            "[SQL: INSERT]\n[parameters:…]\n(Background)",
        ),
    ],
)
def test_leaves_out_of_its_words_what_nobody_else_should_know(words: str, sent: str) -> None:
    assert sentry.hide([{"value": words, "stacktrace": words}]) == [{"value": sent, "stacktrace": words}]


@pytest.mark.parametrize("part", ["x", "x.", "1.", "1:", "::", "?x", "x@", "://x", "?x=&"])
def test_looks_at_long_words_once(part: str) -> None:
    """More often, for each character, it would not come to an end."""
    assert sentry.hide("begin " + part * 100_000 + " end").startswith("begin ")


def test_sends_what_is_listed_and_nothing_else() -> None:
    record = logging.makeLogRecord({"name": "shop", "levelname": "ERROR", "msg": "m", "body": "a mail", "item": 7})
    record.request = object()
    event = sentry.clean(
        {
            "event_id": "1",
            "logentry": {"message": "to %s", "formatted": "to a@example.com", "params": ["a@example.com"]},
            "extra": {"request": "<GET /?secret=1>", "sys.argv": ["--password", "x"]},
            "user": {"ip_address": "192.0.2.7"},
            "request": {"headers": {"Cookie": "x"}},
            "breadcrumbs": {"values": [{"message": "x"}]},
            "modules": {"django": "6.1"},
            "contexts": {"trace": {"trace_id": "x"}},
            "release": "",
        },
        {"log_record": record},
    )
    assert event == {"event_id": "1", "logentry": {"formatted": "to …"}, "extra": {"item": 7}, "tags": {}}


def test_names_the_request_only_while_there_is_one() -> None:
    logs.target.set("GET /members/ada@example.com/")
    assert "request" not in sentry.clean({}, {})
    logs.request_id.set("the-id")
    event = sentry.clean({}, {})
    assert event["request"] == {"method": "GET", "url": "/members/…/"}
    assert event["transaction"] == "/members/…/"
    assert event["tags"] == {"request_id": "the-id"}


def test_sends_so_many_in_a_minute_and_then_as_many_again(
    account: sentry.Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [account.takes() for _ in range(sentry.MOST + 2)] == [True] * sentry.MOST + [False] * 2
    monkeypatch.setattr(time, "monotonic", lambda: 1000.0 + sentry.PERIOD)
    assert account.takes()


def test_says_at_once_that_it_loses_some_and_later_how_many(
    account: sentry.Account, log: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def counts() -> list[int]:
        return [int(line.rpartition("count=")[2]) for line in log]

    for _ in range(10):
        account.lose()
    assert counts() == [1]
    monkeypatch.setattr(time, "monotonic", lambda: 1000.0 + sentry.PERIOD)
    account.lose()
    assert counts() == [1, 10]
    account.wait()
    account.wait()
    account.finish()
    account.give_up()
    account.give_up()
    assert counts() == [1, 10, 1]
