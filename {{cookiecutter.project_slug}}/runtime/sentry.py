"""The client of SENTRY_DSN: what of an error is sent, how often, and what is said of the rest.

An event has the error's words and stack, and of its request the method, the path and the id. It has no query string,
header, cookie, form or local variable; whatever looks like an address of a person or a machine, a password in an URL or
a query is left out of the words too. What an exception's author writes into them otherwise is sent.

A thread of the library's own does the sending, so that no request waits for it; a process that ends does, for PATIENCE.
"""

import logging
import os
import re
import threading
import time
from typing import TYPE_CHECKING, Any

import sentry_sdk
from sentry_sdk.integrations.dedupe import DedupeIntegration
from sentry_sdk.integrations.excepthook import ExcepthookIntegration
from sentry_sdk.integrations.logging import EventHandler
from sentry_sdk.transport import HttpTransport

from runtime import logs

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

# What a process sends in so many seconds: more of the same tells nothing new, and costs a plan's quota.
MOST, PERIOD = 60, 60.0
# Seconds that an ending process waits for what is still to be sent.
PATIENCE = 2.0
# What is sent of an event as it is; its exceptions, its words and what the caller passed as ``extra`` are looked at.
KEPT = {"environment", "event_id", "level", "logger", "platform", "release", "sdk", "server_name", "timestamp"}
# One finds a job's errors by them.
TAGS = "job", "task"
HIDDEN = re.compile(
    r"""
    (?<=\?) [\w.%~+-]+ = [^\s"'<>)]*                                # a query
    | (?<=://) [^\s/@"']+ (?=@)                                     # a name and a password in a URL
    | (?<![\w.+-]) [\w.+-]+ @ [\w-]+ (?:\.[\w-]+)+                 # an e-mail address
    | (?<![\w.]) \d{1,3} (?:\.\d{1,3}){3} (?![\w.]*\w)              # an IP address, of version 4
    | (?<![\w:]) (?: (?:[0-9a-f]{1,4}:){7} [0-9a-f]{1,4} |           # and of version 6
        (?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4})*)? :: (?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4})*)? (?:\.\d{1,3}){0,3} ) (?![\w:])
    | (?<=\[parameters:) (?s:.*) (?=\])                             # SQLAlchemy's, of a statement
    | (?<=DETAIL:) (?s:.*)                                          # PostgreSQL's, of a row
    """,
    re.VERBOSE | re.IGNORECASE,
)

logger = logging.getLogger(__name__)


class Account:
    """What one process sends, and what it does not."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        self.lock = threading.Lock()
        self.began = self.told = -PERIOD
        self.taken = self.lost = self.waiting = 0

    def takes(self) -> bool:
        """Whether one more may be sent now."""
        with self.lock:
            now = time.monotonic()
            if now >= self.began + PERIOD:
                self.began, self.taken = now, 0
            self.taken += 1
            return self.taken <= MOST

    def wait(self) -> None:
        """Count one that is to be sent."""
        with self.lock:
            self.waiting += 1

    def finish(self) -> None:
        """Count one that is no longer to be sent, whatever became of it."""
        with self.lock:
            self.waiting = max(0, self.waiting - 1)

    def lose(self, count: int = 1) -> None:
        """Count what is not sent, and say it now and then."""
        with self.lock:
            self.lost += count
            silent = time.monotonic() < self.told + PERIOD
        if not silent:
            self.tell()

    def give_up(self) -> None:
        """Count what is still to be sent as lost, and say it."""
        with self.lock:
            self.lost, self.waiting = self.lost + self.waiting, 0
        self.tell()

    def tell(self) -> None:
        """Say what was not sent since this was said last."""
        with self.lock:
            self.told = time.monotonic()
            lost, self.lost = self.lost, 0
        if lost:
            logger.warning("Errors that SENTRY_DSN does not have, and only this log has", extra={"count": lost})


account = Account()


class Sender(EventHandler):
    """Makes an event of a record of the log."""

    def filter(self, record: logging.LogRecord) -> bool | logging.LogRecord:
        """Refuse what is too much before it costs anything."""
        if account.takes():
            return super().filter(record)
        account.lose()
        return False

    def flush(self) -> None:
        """Send what is left; the log itself asks for it when the process ends."""
        if account.waiting:
            sentry_sdk.flush(PATIENCE)
        account.give_up()


class Transport(HttpTransport):
    """The library's own, which tells what it loses."""

    TIMEOUT = 5

    def capture_envelope(self, envelope: Any) -> None:
        account.wait()
        super().capture_envelope(envelope)

    def _send_envelope(self, envelope: Any) -> None:
        try:
            super()._send_envelope(envelope)
        finally:
            account.finish()

    def record_lost_event(self, reason: str, data_category: Any = None, item: Any = None, *, quantity: int = 1) -> None:
        if reason == "queue_overflow":
            account.finish()
        # An exception that was logged twice is sent once, and that is no loss.
        if reason != "event_processor":
            account.lose()

    def on_dropped_event(self, reason: str) -> None:
        if reason == "status_429":
            account.lose()


def start(dsn: str, release: str, environment: str, server_name: str) -> None:
    """Send every ERROR from now on."""

    def connect() -> None:
        # A process that was forked has a queue, a thread and connections of its own.
        account.begin()
        sentry_sdk.init(
            dsn,
            # By themselves they would import redis, patch what they find, and send all that is installed.
            default_integrations=False,
            integrations=[DedupeIntegration(), ExcepthookIntegration()],
            before_send=clean,
            environment=environment,
            include_local_variables=False,
            max_breadcrumbs=0,
            # Not None, or it would ask git.
            release=release,
            send_client_reports=False,
            server_name=server_name or None,
            transport=Transport,
        )

    # Otherwise imported where an address is first looked up: by a thread of the master's, perhaps, while that forks a
    # worker, in which the module would be locked for ever.
    "".encode("idna")
    connect()
    sender = Sender(logging.ERROR)
    # Gunicorn's does not hand its events on to the root.
    for name in None, "gunicorn.error":
        logging.getLogger(name).addHandler(sender)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=connect)


def clean(event: "Event", hint: "Hint") -> "Event":
    """What is sent of an event."""
    given: dict[str, Any] = {**event}
    cleaned: dict[str, Any] = {key: value for key, value in given.items() if key in KEPT and value}
    for key in "exception", "threads":
        if key in given:
            cleaned[key] = hide(given[key])
    if words := given.get("logentry"):
        cleaned["logentry"] = {"formatted": hide(words["formatted"])}
    extra = logs.fields(hint["log_record"]) if "log_record" in hint else {}
    cleaned["extra"] = hide(extra)
    cleaned["tags"] = {key: str(extra[key]) for key in TAGS if key in extra}
    if request_id := logs.request_id.get():
        cleaned["tags"]["request_id"] = request_id
        method, _, path = logs.target.get().partition(" ")
        if path:
            cleaned["request"] = {"method": method, "url": hide(path)}
            cleaned["transaction"] = hide(path)
    result: Event = cleaned  # type: ignore[assignment]
    return result


def hide(thing: Any) -> Any:
    """The same, without what nobody else should know. A stack has the project's own code only."""
    match thing:
        case str():
            return HIDDEN.sub("…", thing)
        case dict():
            return {key: value if key == "stacktrace" else hide(value) for key, value in thing.items()}
        case list():
            return [hide(value) for value in thing]
    return thing
