"""Counters that all worker processes share, in memory, for where there is no Redis.

Gunicorn's configuration imports this module, and so its master makes the table before it forks the workers: it outlives
each of them, and ends with the server. Its size is fixed. A flood that fills it pushes out the lowest counts first.
"""

import contextlib
import hashlib
import mmap
import os
import secrets
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Iterator

try:
    import fcntl
except ImportError:  # Windows, where no process is forked
    fcntl = None  # type: ignore[assignment]

# What is counted, when it ends, and how often it was seen.
SLOT = struct.Struct("=16sdQ")
SLOTS = 8


class Counts:
    """A hash table of counters that expire. An answer never depends on which process asks."""

    def __init__(self, buckets: int = 4096) -> None:
        self.buckets = buckets
        self.table = mmap.mmap(-1, buckets * SLOTS * SLOT.size)
        # Nobody can tell which keys share a bucket.
        self.secret = secrets.token_bytes(16)
        self.threads = threading.Lock()
        # Only to be locked: the kernel unlocks it for a process that is killed meanwhile.
        self.file = open_unnamed_file() if fcntl else -1

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count, for ``expiry`` seconds from the first time on, and return how often that was."""
        with self.locked():
            offset, name, ends, count = self.find(key)
            ends = ends if count else time.monotonic() + expiry
            SLOT.pack_into(self.table, offset, name, ends, count + amount)
        return count + amount

    def get(self, key: str) -> int:
        """How often it was counted."""
        with self.locked():
            return self.find(key)[3]

    def clear(self, key: str) -> None:
        """Start anew."""
        with self.locked():
            offset, name, _, count = self.find(key)
            if count:
                SLOT.pack_into(self.table, offset, name, 0.0, 0)

    def reset(self) -> None:
        """Start everything anew."""
        with self.locked():
            self.table[:] = bytes(len(self.table))

    def find(self, key: str) -> tuple[int, bytes, float, int]:
        """Where a key's counter is or may be put, its name, when it ends, and its count."""
        digest = hashlib.blake2b(key.encode(), key=self.secret, digest_size=24).digest()
        name = digest[:16]
        start = int.from_bytes(digest[16:]) % self.buckets * SLOTS * SLOT.size
        free, now = [], time.monotonic()
        for offset in range(start, start + SLOTS * SLOT.size, SLOT.size):
            other, ends, count = SLOT.unpack_from(self.table, offset)
            if ends <= now:
                count = 0
            elif other == name:
                return offset, name, ends, count
            free.append((count, ends, offset))
        return min(free)[2], name, 0.0, 0

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """No other thread and no other process counts meanwhile."""
        with self.threads:
            if fcntl:
                fcntl.lockf(self.file, fcntl.LOCK_EX)
            try:
                yield
            finally:
                if fcntl:
                    fcntl.lockf(self.file, fcntl.LOCK_UN)


def open_unnamed_file() -> int:
    """One that no disk has, where the system knows such files: there may be none to write to."""
    if sys.platform == "linux":
        return os.memfd_create("counts")
    file, path = tempfile.mkstemp()
    os.unlink(path)
    return file


memory = Counts()
