"""The log: one ``key=value`` line an event on standard output, with the id of the request that caused it.

The platform adds the time and the process. A traceback follows its event, each line marked with the request's id, so
that ``grep request_id=…`` tells the whole story of one request, from the router to the exception.
"""

import json
import logging
import logging.config
import re
import uuid
import warnings
from contextvars import ContextVar
from typing import TextIO

# A health check every few seconds would hide everything else.
SILENT_PATHS = {"/healthz", "/readyz"}

# What a development server paints its lines with.
COLOUR = re.compile(r"\x1b\[[0-9;]*m")

# What a router's id looks like; anything else might forge a log line.
REQUEST_ID = re.compile(r"[\w-]{1,200}", re.ASCII)

# Whoever knows it may do what it is for: an address that a message repeats is told without.
TOKEN = re.compile(r"(?<=[?&]token=)[^\s&\"'\\]+")

# Empty outside a request.
request_id: ContextVar[str] = ContextVar("request_id", default="")
# What was asked for, as in ``GET /path``, by the last request.
target: ContextVar[str] = ContextVar("target", default="")

STANDARD_ATTRIBUTES = {*logging.makeLogRecord({}).__dict__, "asctime", "message", "taskName"}


def accept_request_id(sent: str) -> str:
    """The id that came with a request, so that the router's log and ours tell the same story, or else a new one."""
    return sent if REQUEST_ID.fullmatch(sent) else uuid.uuid4().hex


def escape(text: str) -> str:
    """``text`` without line breaks, escape codes or anything else that a terminal would obey."""
    return text if text.isprintable() else "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)


def quote(value: object) -> str:
    """``value`` as the right side of ``key=value``: bare where it is one plain word, else in double quotes."""
    text = COLOUR.sub("", str(value))
    if text and text.isprintable() and not set(text) & set(' "=\\'):
        return text
    return '"' + escape(text.replace("\\", "\\\\").replace('"', '\\"')) + '"'


def fields(record: logging.LogRecord) -> dict[str, str | int | float]:
    """What the caller passed as ``extra`` and fits in a line."""
    return {
        key: value
        for key, value in record.__dict__.items()
        if key not in {*STANDARD_ATTRIBUTES, "body"} and isinstance(value, str | int | float)
    }


class Formatter(logging.Formatter):
    """Writes a record as ``level=… logger=… request_id=… msg=…`` and what the caller passed as ``extra``.

    A traceback, and an extra named ``body``, follow in lines of their own. Tokens are left out, but for that ``body``:
    a mail that has no other way to whoever should read it.
    Gunicorn's access lines come as ``key=value`` already and keep their own words.
    """

    def format(self, record: logging.LogRecord) -> str:
        line = f"level={record.levelname.lower()} logger={record.name}"
        if record.name == "gunicorn.access":
            return f"{line} {TOKEN.sub('…', record.getMessage())}"
        mark = f"request_id={request_id.get()}" if request_id.get() else ""
        more = [f"{key}={quote(value)}" for key, value in fields(record).items()]
        line = TOKEN.sub("…", " ".join(filter(None, [line, mark, f"msg={quote(record.getMessage())}", *more])))
        trace = TOKEN.sub("…", self.formatException(record.exc_info) if record.exc_info else record.stack_info or "")
        below = [*getattr(record, "body", "").splitlines(), *trace.splitlines()]
        return "\n".join([line, *(f"{mark} | {escape(text)}".lstrip() for text in below)])


def log_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Stands in for ``warnings.showwarning``, which writes lines of its own to standard error."""
    if file is not None:
        file.write(warnings.formatwarning(message, category, filename, lineno, line))
        return
    extra = {"category": category.__name__, "place": f"{filename}:{lineno}"}
    logging.getLogger("py.warnings").warning(str(message), extra=extra)


def configure(level: str = "INFO") -> None:
    """Send the root logger, and with it every other, to standard output, and every warning too."""
    warnings.showwarning = log_warning
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"line": {"()": Formatter}},
            "handlers": {
                "stdout": {"class": "logging.StreamHandler", "formatter": "line", "stream": "ext://sys.stdout"}
            },
            "root": {"handlers": ["stdout"], "level": level},
        }
    )
