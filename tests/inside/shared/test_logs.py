"""What the log says."""

import logging
import subprocess
import sys
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


def test_the_log_goes_to_standard_output() -> None:
    code = "import config, logging; logging.getLogger('shop').warning('hello')"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (result.stdout, result.stderr) == ("level=warning logger=shop msg=hello\n", "")
