"""What the environment may say, and how it is refused when it cannot be used."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from runtime import env, hosts, services

GOOD_KEY = "0123456789abcdef" * 4
FOLDER = Path("/srv/app")


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment in which no variable of the project is set."""
    for name in "ALLOWED_HOSTS", "CANONICAL_HOST", "DATABASE_URL", "DYNO", "EMAIL_URL", "REDIS_URL", "SECRET_KEY":
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(env, "advice", [])


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("DEBUG", "maybe", lambda: env.flag("DEBUG", default=False)),
        ("WEB_THREADS", "four", lambda: env.number("WEB_THREADS", 4, least=1, most=9)),
        ("WEB_THREADS", "0", lambda: env.number("WEB_THREADS", 4, least=1, most=9)),
        ("WEB_THREADS", "-1", lambda: env.number("WEB_THREADS", 4, least=1, most=9)),
        ("WEB_THREADS", "10", lambda: env.number("WEB_THREADS", 4, least=1, most=9)),
        ("WEB_THREADS", "²", lambda: env.number("WEB_THREADS", 4, least=1, most=9)),
        ("SECRET_KEY", "short", env.secret_key),
        ("SECRET_KEY", "a" * 64, env.secret_key),
        ("SECRET_KEY", "change-me-" + GOOD_KEY, env.secret_key),
        ("SECRET_KEY", "django-insecure-" + GOOD_KEY, env.secret_key),
        ("SECRET_KEY_FALLBACKS", f"{GOOD_KEY},short", env.secret_key_fallbacks),
        ("SECRET_KEY_FALLBACKS", "a" * 64, env.secret_key_fallbacks),
        ("SECRET_KEY_FALLBACKS", "change-me-" + GOOD_KEY, env.secret_key_fallbacks),
        ("LOG_LEVEL", "loud", env.log_level),
        ("LOG_LEVEL", "20", env.log_level),
        ("DATABASE_URL", "mysql://user:hidden@host/name", lambda: services.database_url(FOLDER, debug=False)),
        ("DATABASE_URL", "postgres://user:hidden@host:port/name", lambda: services.database_url(FOLDER, debug=False)),
        ("DATABASE_URL", "postgres://user:hidden@host", lambda: services.database_url(FOLDER, debug=False)),
        ("DATABASE_URL", "postgres://[user:hidden@host/name", lambda: services.database_url(FOLDER, debug=False)),
        ("DATABASE_URL", "name", lambda: services.database_url(FOLDER, debug=False)),
        ("REDIS_URL", "http://user:hidden@host", services.redis_url),
        ("REDIS_URL", "redis://user:hidden@host:99999", services.redis_url),
        ("ALLOWED_HOSTS", "https://www.example.com/", hosts.allowed_hosts),
        ("CANONICAL_HOST", "https://www.example.com/", hosts.canonical_host),
        ("EMAIL_URL", "mail.example", services.mail_server),
        ("EMAIL_URL", "http://user:hidden@host:25", services.mail_server),
        ("EMAIL_URL", "smtp://user:hidden@host:port", services.mail_server),
        ("EMAIL_URL", "smtp://user:hidden@host:0", services.mail_server),
    ],
)
def test_a_bad_value_is_refused_in_one_line_with_the_cure(
    name: str, value: str, read: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as refusal:
        read()
    line = str(refusal.value)
    assert line.startswith(name)
    assert "\n" not in line
    assert "heroku config:set" in line or "looks like" in line
    assert "hidden" not in line


@pytest.mark.parametrize(
    ("value", "means"),
    [("on", True), ("TRUE", True), ("1", True), ("off", False), ("No", False), ("0", False), ("", True)],
)
def test_a_flag_has_the_usual_spellings(value: str, means: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEB_PRELOAD", value)
    assert env.flag("WEB_PRELOAD", default=True) is means


@pytest.mark.parametrize("separator", [",", " ", ", "])
def test_old_keys_are_a_list(separator: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert env.secret_key_fallbacks() == []
    monkeypatch.setenv("SECRET_KEY_FALLBACKS", separator.join([GOOD_KEY, "x" + GOOD_KEY]))
    assert env.secret_key_fallbacks() == [GOOD_KEY, "x" + GOOD_KEY]


@pytest.mark.parametrize("missing", [None, "", " "], ids=repr)
def test_a_missing_key_is_made_once_and_shared(missing: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if missing is not None:
        monkeypatch.setenv("SECRET_KEY", missing)
    key = env.secret_key()
    assert len(key) >= env.SECRET_KEY_LENGTH
    assert os.environ["SECRET_KEY"] == key == env.secret_key()
    assert [line for line in env.advice if "heroku config:set SECRET_KEY=" in line] == env.advice


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("postgres://u:p@db.example:5432/n", "postgresql://u:p@db.example:5432/n?sslmode=require&connect_timeout=3"),
        ("postgresql://u:p@db.example/n", "postgresql://u:p@db.example/n?sslmode=require&connect_timeout=3"),
        ("postgres://u:p@localhost/n", "postgresql://u:p@localhost/n?connect_timeout=3"),
        ("postgres://u@127.0.0.1:5432/n", "postgresql://u@127.0.0.1:5432/n?connect_timeout=3"),
        ("postgres://u@[::1]/n", "postgresql://u@[::1]/n?connect_timeout=3"),
        ("postgres:///n?host=/run/pg", "postgresql:///n?host=%2Frun%2Fpg&connect_timeout=3"),
        ("postgres://u@127.0.0.2/n", "postgresql://u@127.0.0.2/n?sslmode=require&connect_timeout=3"),
        ("postgres://u@db/n?sslmode=disable", "postgresql://u@db/n?sslmode=disable&connect_timeout=3"),
        ("sqlite:///data.sqlite3", "sqlite:////srv/app/data.sqlite3"),
        ("sqlite:////srv/data.sqlite3", "sqlite:////srv/data.sqlite3"),
    ],
)
def test_a_database_needs_tls_unless_it_is_on_this_machine(
    given: str, used: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", given)
    assert services.database_url(FOLDER, debug=False) == used


def test_the_embedded_database_is_for_development_only() -> None:
    assert services.database_url(FOLDER, debug=True) == "sqlite:////srv/app/db.sqlite3"
    assert env.advice == []
    assert services.database_url(FOLDER, debug=False) is None
    assert env.advice == [" ".join(services.NO_DATABASE)]


@pytest.mark.parametrize(
    ("given", "dyno", "used"),
    [
        ("redis://h:6379/0", "web.1", "redis://h:6379/0"),
        ("rediss://:p@h:6380", "web.1", "rediss://:p@h:6380?ssl_cert_reqs=none"),
        ("rediss://:p@h:6380", "", "rediss://:p@h:6380"),
    ],
)
def test_only_herokus_own_certificates_go_unverified(
    given: str, dyno: str, used: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", given)
    monkeypatch.setenv("DYNO", dyno)
    assert services.redis_url() == used


@pytest.mark.parametrize(
    ("given", "port", "starttls", "tls"),
    [
        ("smtp://h", 25, False, False),
        ("submission://u:p%40@h", 587, True, False),
        ("smtps://u:p%40@h:4650", 4650, False, True),
    ],
)
def test_mail_goes_where_email_url_says(
    given: str, port: int, starttls: bool, tls: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMAIL_URL", given)
    server = services.mail_server()
    assert server
    assert (server["host"], server["port"], server["use_tls"], server["use_ssl"]) == ("h", port, starttls, tls)
    assert server["password"] in {"", "p@"}
