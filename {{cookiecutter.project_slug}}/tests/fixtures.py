"""What the tests share."""

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from runtime import logs
from tests.visitor import Visitor

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


@pytest.fixture(autouse=True)
def outside_a_request() -> None:
    """No request is under way when a test starts."""
    logs.request_id.set("")


@pytest.fixture
def web(application: "WSGIApplication") -> Visitor:
    """A visitor of the application."""
    return Visitor(application)


@pytest.fixture
def log() -> Iterator[list[str]]:
    """The events logged meanwhile, as the log has them."""
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(logs.Formatter().format(record))  # type: ignore[method-assign]
    logging.getLogger().addHandler(handler)
    yield lines
    logging.getLogger().removeHandler(handler)
