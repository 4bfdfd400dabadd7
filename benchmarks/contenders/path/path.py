"""Prints as JSON what each step of a request's path takes, in microseconds, called in one process without a network."""

import copy
import json
import os
import socket
import sys
import threading
import timeit
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from gunicorn import glogging
from gunicorn.app.wsgiapp import WSGIApplication
from gunicorn.config import Config
from gunicorn.http import wsgi
from gunicorn.http.parser import RequestParser

from runtime.load import Load, Place
from runtime.middleware import Middleware
from runtime.reserve import Reserve

# The fastest of so many runs, of so many calls each: whatever else a machine does only adds to it.
RUNS, CALLS = 25, int(sys.argv[1])
REQUEST = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: Mozilla/5.0\r\nAccept: text/html\r\n"
    b"X-Request-Id: 0123456789abcdef0123456789abcdef\r\nX-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\n\r\n"
)


def microseconds(call: Callable[[], object]) -> float:
    return min(timeit.repeat(call, number=CALLS, repeat=RUNS)) / CALLS * 1e6


def trivial(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", "2")])
    return [b"ok"]


def started(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
    pass


# As Gunicorn loads gunicorn.conf.py and the application; its log goes to a file, like a server's.
sys.argv = ["gunicorn"]
shown, sys.stdout = sys.stdout, open("path.log", "w")  # noqa: SIM115
gunicorn = WSGIApplication("%(prog)s", prog="gunicorn")
configuration, application = gunicorn.cfg, gunicorn.wsgi()
middleware = getattr(application, "wsgi_app", application)
assert isinstance(middleware, Middleware)
around_nothing = copy.copy(middleware)
around_nothing.application = trivial

listener = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(listener.getsockname())
connection, address = listener.accept()
client.sendall(REQUEST)
request = next(RequestParser(configuration, connection, address))
response, environ = wsgi.create(request, connection, address, listener.getsockname(), configuration)
around_nothing(environ.copy(), response.start_response)
age = timedelta(milliseconds=1)

own = configuration.logger_class(configuration)
plain_configuration = Config()
plain_configuration.set("accesslog", "-")
plain = glogging.Logger(plain_configuration)
load, reserve, thread = Load(Place(2, 4, 512, 2)), Reserve(), threading.get_ident()


def run(wsgi: Callable[..., Any]) -> None:
    body = wsgi(environ.copy(), started)
    for _ in body:
        pass
    if hasattr(body, "close"):
        body.close()


def reserved() -> None:
    """What a worker's thread asks and notes for each event, and for each request."""
    reserve.stand_by(thread)
    reserve.begin(thread)
    reserve.count(thread, reserve.latest)
    reserve.end(thread)


def hooks() -> None:
    configuration.pre_request(None, request)
    configuration.post_request(None, request, environ, response)


found = {
    "log line": microseconds(lambda: own.access(response, request, environ, age)),
    "Gunicorn's own log line": microseconds(lambda: plain.access(response, request, environ, age)),
    "middleware": microseconds(lambda: run(around_nothing)) - microseconds(lambda: run(trivial)),
    "hooks": microseconds(hooks),
    "load": microseconds(lambda: load.count(1, connection)),
    "reserve": microseconds(reserved),
    "application": microseconds(lambda: run(application)),
}
print(json.dumps(found), file=shown)
shown.flush()
# Whatever threads an application has, nothing is left to do.
os._exit(0)
