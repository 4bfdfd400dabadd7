"""What the log says."""

import logging
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Callable

import pytest

from runtime import logs
from tests.visitor import Visitor


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("word", "word"),
        (200, "200"),
        ("", '""'),
        ("two words", '"two words"'),
        ('a"b', r'"a\"b"'),
        ("a=b", '"a=b"'),
        ("back\\slash", r'"back\\slash"'),
        ("line\r\nbreak", r'"line\r\nbreak"'),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[2Jcleared", r'"\u001b[2Jcleared"'),
        ("\u2028", r'"\u2028"'),
        ("Grüße, 世界", '"Grüße, 世界"'),
    ],
)
def test_a_value_cannot_leave_its_place(value: object, written: str) -> None:
    assert logs.quote(value) == written


def test_an_event_is_one_line_with_its_fields() -> None:
    record = logging.makeLogRecord(
        {"name": "shop", "levelname": "INFO", "msg": "sold %s", "args": ("2\n3",), "item": 7}
    )
    assert logs.Formatter().format(record) == r'level=info logger=shop msg="sold 2\n3" item=7'


@pytest.mark.parametrize("name", ["gunicorn.access", "gunicorn.error", "django.server", "werkzeug"])
def test_no_event_repeats_a_token(name: str) -> None:
    address = 'GET "https://localhost/finish/?a=1&token=se-cr.e:t%3A&b=2" failed'
    try:
        raise ValueError(address)
    except ValueError:
        values = {"name": name, "levelname": "ERROR", "msg": address, "referer": address, "exc_info": sys.exc_info()}
    lines = logs.Formatter().format(logging.makeLogRecord(values))
    assert "se-cr" not in lines
    assert "/finish/?a=1&token=…&b=2" in lines


def test_a_mail_keeps_its_link() -> None:
    record = logging.makeLogRecord(
        {"name": "mail", "levelname": "INFO", "msg": "sent", "body": "/finish/?token=secret"}
    )
    assert logs.Formatter().format(record).endswith("| /finish/?token=secret")


def test_an_exception_is_a_traceback_marked_with_the_request(
    web: Visitor, log: list[str], page_that_raises: Callable[[Exception], str]
) -> None:
    web.get(page_that_raises(RuntimeError("first\nsecond\x1b[2J")), headers={"X-Request-Id": "broken-1"})
    lines = "\n".join(log).splitlines()
    assert any(line.startswith("level=error") for line in lines)
    assert all("request_id=broken-1" in line for line in lines)
    assert "request_id=broken-1 | Traceback (most recent call last):" in lines
    assert r"request_id=broken-1 | RuntimeError: first" in lines
    assert r"request_id=broken-1 | second\u001b[2J" in lines


def test_a_warning_is_an_event_of_its_request(
    web: Visitor, log: list[str], page_that_warns: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Pytest keeps warnings to itself.
    monkeypatch.setattr(warnings, "showwarning", logs.log_warning)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        web.get(page_that_warns("old\nhabit"), headers={"X-Request-Id": "warned-1"})
    assert len(log) == 1
    start = r'level=warning logger=py.warnings request_id=warned-1 msg="old\nhabit" category=UserWarning place='
    assert log[0].startswith(start)
    assert re.fullmatch(r"/\S+/conftest\.py:\d+", log[0].removeprefix(start))


def test_every_warning_is_an_event() -> None:
    code = (
        "import config, sys, warnings; warnings.warn('a habit'); warnings.showwarning('x', Warning, 'f', 1, sys.stdout)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    event, *asked_for = result.stdout.splitlines()
    assert event.startswith('level=warning logger=py.warnings msg="a habit" category=UserWarning place=')
    # What is to be written to a file is.
    assert asked_for == ["f:1: Warning: x"]
    assert result.stderr == ""


@pytest.mark.parametrize(
    ("level", "logged"),
    [("", ["info", "error"]), ("debug", ["debug", "info", "error"]), ("WARNING", ["error"]), ("critical", [])],
)
def test_the_log_has_what_the_level_asks_for(level: str, logged: list[str]) -> None:
    code = "import config, logging; [getattr(logging.getLogger('shop'), n)('x') for n in ('debug', 'info', 'error')]"
    environment = os.environ | {"LOG_LEVEL": level}
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert result.stdout.splitlines() == [f"level={one} logger=shop msg=x" for one in logged]


@pytest.mark.parametrize("level", ["debug", "info", "warning", "critical"])
def test_the_server_says_what_the_level_asks_for(level: str) -> None:
    """Its lines about requests included, also where the platform asks for them."""
    code = (
        "import logging; from gunicorn.app.wsgiapp import WSGIApplication; cfg = WSGIApplication(prog='').cfg; "
        "logger = cfg.logger_class(cfg); print(logger.error_log.level, logger.access_log.level)"
    )
    environment = os.environ | {"LOG_LEVEL": level, "GUNICORN_CMD_ARGS": "--access-logfile -"}
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    number = logging.getLevelNamesMapping()[level.upper()]
    assert result.stdout.split() == [str(number), str(max(number, logging.INFO))]


def test_the_log_goes_to_standard_output() -> None:
    code = "import config, logging; logging.getLogger('shop').warning('hello')"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (result.stdout, result.stderr) == ("level=warning logger=shop msg=hello\n", "")
