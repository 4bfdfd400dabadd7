"""The project as it is, with a few more pages: one waits for the database, the others are for slow clients."""

import itertools
import os
import time
from collections.abc import Iterator

from flask import Response
from sqlalchemy import text

from config.database import db
from config.wsgi import application


@application.get("/wait")
def wait() -> str:
    db.session.execute(text("SELECT pg_sleep(0.05)"))
    return "waited"


@application.get("/large")
def large() -> Response:
    return Response(b"0123456789" * 500_000, mimetype="application/octet-stream")


@application.get("/stream")
def stream() -> Response:
    return Response(ticks(), mimetype="text/event-stream")


@application.get("/pid")
def pid() -> str:
    return str(os.getpid())


def ticks() -> Iterator[bytes]:
    """A stream without an end."""
    for number in itertools.count():
        yield b"data: %d\n\n" % number
        time.sleep(0.1)
