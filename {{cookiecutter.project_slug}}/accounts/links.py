"""Links of mails that were used: a sign-up link works once, even when the account that it made is gone again.

What is used is kept where attempts are counted, in Redis or in this server's memory, for as long as the link would
work. So without Redis a restart within that hour, or another dyno, knows only the account. Links that reset a password
need no such memory: what they were made for changes as they are used.
"""

import hashlib
import logging

from limits.errors import StorageError

from accounts import letters, throttle
from runtime.counts import memory

logger = logging.getLogger(__name__)


def use(token: str) -> None:
    """Remember that a link was used."""
    memory.incr(key(token), letters.LINK_SECONDS)
    try:
        if shared := throttle.redis():
            shared.incr(key(token), letters.LINK_SECONDS)
    except StorageError as error:
        logger.warning(f"A used link is remembered by this server only, because Redis does not answer: {error}")


def is_used(token: str) -> bool:
    """Whether a link was used before."""
    try:
        shared = throttle.redis()
        return memory.get(key(token)) > 0 or bool(shared and shared.get(key(token)))
    except StorageError as error:
        logger.warning(f"Only this server's links are known, because Redis does not answer: {error}")
        return False


def key(token: str) -> str:
    return f"used link/{hashlib.sha256(token.encode()).hexdigest()}"
