"""Slows down whoever guesses passwords, or has us send mail to others.

Attempts are counted in Redis where REDIS_URL is set, and so over all dynos. Without it, or while it does not answer,
they are counted in memory that all workers of a dyno share: with N dynos there are up to N times as many attempts, and
a restart forgets them.
"""

import functools
import hashlib
import ipaddress
import logging
from collections.abc import Mapping
from typing import Any

from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import RedisStorage

from runtime import services
from runtime.counts import memory
from runtime.framework import setting

# A client is told to wait first, and so does not lock the owner of an address out. Many people may share one: a school,
# an office, a mobile network. From many clients at once an address is guessed at more often, but not without end.
LIMITS = {
    "log in": {
        "client": parse("100 per 15 minutes"),
        "client and address": parse("10 per 15 minutes"),
        "address": parse("100 per 15 minutes"),
    },
    "send mail": {"client": parse("30 per 15 minutes"), "address": parse("3 per 15 minutes")},
}
# A browser that has logged in to the account before.
DEVICE_LIMIT = parse("10 per 15 minutes")

logger = logging.getLogger(__name__)


def redis() -> RedisStorage | None:
    """Where attempts are counted over all dynos."""
    return connect(url) if (url := setting("REDIS_URL")) else None


@functools.cache
def connect(url: str) -> RedisStorage:
    return RedisStorage(url, wrap_exceptions=True, **services.REDIS_OPTIONS)


def attempt(action: str, address: str, environ: Mapping[str, Any], device: str = "") -> bool:
    """Count an attempt at one of LIMITS, and tell whether it may go on.

    ``environ`` is its request's, and ``device`` the name of a browser that is known to the account.
    """
    keys = counted(action, address, environ, device).values()
    try:
        if shared := redis():
            return all(shared.incr(key, limit.get_expiry()) <= limit.amount for key, limit in keys)
    except StorageError as error:
        logger.warning(f"Attempts are counted in memory, because Redis does not answer: {error}")
    return all(memory.incr(key, limit.get_expiry()) <= limit.amount for key, limit in keys)


def forget(action: str, address: str, environ: Mapping[str, Any], device: str = "") -> None:
    """Start counting anew for an address whose owner has just proved to be its owner, but not for the client."""
    keys = [key for what, (key, _) in counted(action, address, environ, device).items() if what != "client"]
    for key in keys:
        memory.clear(key)
    try:
        if shared := redis():
            for key in keys:
                shared.clear(key)
    except StorageError as error:
        logger.warning(f"Attempts were not forgotten, because Redis does not answer: {error}")


def counted(action: str, address: str, environ: Mapping[str, Any], device: str) -> dict[str, tuple[str, RateLimitItem]]:
    """What an attempt is counted by: for each the key, and the limit."""
    names = {"client": client(environ), "address": digest(address), "device": device}
    names["client and address"] = f"{names['client']} {names['address']}"
    limits = {"device": DEVICE_LIMIT} if device else LIMITS[action]
    return {what: (limit.key_for(action, what, names[what]), limit) for what, limit in limits.items()}


def digest(address: str) -> str:
    """Stands for an address where it need not be known."""
    return hashlib.sha256(address.strip().lower().encode()).hexdigest()


def client(environ: Mapping[str, Any]) -> str:
    """Where a request comes from, as a network that one person may well have alone: an address, or an IPv6 /64."""
    try:
        # The visitor's, as `runtime/middleware.py` has found it.
        address = ipaddress.ip_address(environ.get("REMOTE_ADDR", ""))
    except ValueError:
        return "unknown"
    prefix = 32 if isinstance(address, ipaddress.IPv4Address) else 64
    return str(ipaddress.ip_network((address, prefix), strict=False))
