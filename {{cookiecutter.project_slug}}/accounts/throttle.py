"""Slows down whoever guesses passwords, or has us send mail to others.

Attempts are counted in Redis where REDIS_URL is set, and so over all processes. Without it, or while it does not
answer, each worker process counts for itself: with N workers there are up to N times as many attempts.
"""

import hashlib
import ipaddress
import logging
from collections.abc import Mapping
from typing import Any

from limits import parse
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage, Storage
from limits.strategies import FixedWindowRateLimiter

from config import env, services, settings

# Per address and per client. Many people may share a client's address: a school, an office, a mobile network.
LIMITS = {
    "log in": (parse("10 per 15 minutes"), parse("100 per 15 minutes")),
    "send mail": (parse("3 per 15 minutes"), parse("30 per 15 minutes")),
}

logger = logging.getLogger(__name__)


def open_storage() -> Storage:
    if settings.REDIS_URL is None:
        return MemoryStorage()
    return RedisStorage(settings.REDIS_URL, wrap_exceptions=True, **services.REDIS_OPTIONS)


shared = FixedWindowRateLimiter(open_storage())
own = FixedWindowRateLimiter(MemoryStorage())


def attempt(action: str, address: str, environ: Mapping[str, Any]) -> bool:
    """Count an attempt at one of LIMITS, and tell whether it may go on; ``environ`` is its request's."""
    limit_of_address, limit_of_client = LIMITS[action]
    counted = [
        # First the client: one that is told to wait shall not lock the owners of addresses out.
        (limit_of_client, action, "client", client(environ)),
        (limit_of_address, action, "address", digest(address)),
    ]
    try:
        return all(shared.hit(*key) for key in counted)
    except StorageError as error:
        logger.warning(f"Attempts are counted by each process, because Redis does not answer: {error}")
        return all(own.hit(*key) for key in counted)


def forget(action: str, address: str) -> None:
    """Start counting anew for an address whose owner has just proved to be its owner."""
    key = (LIMITS[action][0], action, "address", digest(address))
    own.clear(*key)
    try:
        shared.clear(*key)
    except StorageError as error:
        logger.warning(f"Attempts were not forgotten, because Redis does not answer: {error}")


def digest(address: str) -> str:
    """Stands for an address where it need not be known."""
    return hashlib.sha256(address.strip().lower().encode()).hexdigest()


def client(environ: Mapping[str, Any]) -> str:
    """Where a request comes from, as a network that one person may well have alone: an address, or an IPv6 /64.

    The last X-Forwarded-For entry is the router's own; a client can write the ones before it.
    """
    sender = environ.get("REMOTE_ADDR", "")
    forwarded = environ.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
    if forwarded and {"*", sender} & {*env.words("FORWARDED_ALLOW_IPS", ["*"])}:
        sender = forwarded
    try:
        address = ipaddress.ip_address(sender)
    except ValueError:
        return "unknown"
    alone = isinstance(address, ipaddress.IPv4Address) or address.ipv4_mapped
    prefix = address.max_prefixlen if alone else 64
    return str(ipaddress.ip_network((address, prefix), strict=False))
