"""A client's connection: what has come of its next request, and what is left to send of its last response.

Nothing here waits for the client, save an application that produces faster than its client reads. Bytes are kept until
a request is whole, its body in memory or in a file without a name, and Gunicorn's parser then reads them as it reads
any source. A connection is also the socket that Gunicorn writes a response to: it sends what the kernel takes, and
keeps the rest for whoever hears that the client takes more.
"""

import os
import re
import select
import socket
import tempfile
import time
from collections import deque
from collections.abc import Generator, Iterator
from enum import Enum, auto
from itertools import islice, takewhile
from typing import IO, Any

from config import timeouts

# What a request's head may have, all its fields together; routers let less through.
HEAD_BYTES = 128 * 1024
# What a body may have in memory, and what it may have while many others are under way.
BODY_BYTES, CROWDED_BODY_BYTES = 1024 * 1024, 64 * 1024
# What a response may have in memory before its application waits for the client.
RESPONSE_BYTES = 1024 * 1024
# A file of this size or less is sent together with the head before it.
SMALL_FILE = 128 * 1024
READ_BYTES = 64 * 1024
# What sendmsg(2) takes at once, well below IOV_MAX.
BUFFERS = 64

CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})(?P<extension>[ \t]*;[^\r\n]*)?\r\n")


class State(Enum):
    """What the next event on a connection is for."""

    IDLE = auto()  # the first byte of a request
    HEAD = auto()
    BODY = auto()
    SENDING = auto()
    LINGERING = auto()  # the client's end, after ours


class Body:
    """A request's body, moved out of what a connection has received as it comes; chunked where its length is None.

    ``orderly`` is False where a proxy in between may have understood another end: what follows is then no request.
    """

    def __init__(self, received: bytearray, length: int | None, memory: int) -> None:
        self.received = received
        self.file: IO[bytes] = tempfile.SpooledTemporaryFile(memory)  # noqa: SIM115
        self.size = 0
        self.orderly = False
        self.collecting = self.collect_chunks() if length is None else self.collect(length)

    def is_whole(self) -> bool:
        """Move what has come. Raises ``OSError`` where the disk is full."""
        try:
            next(self.collecting)
        except StopIteration as end:
            self.orderly = bool(end.value)
            self.file.seek(0)
            return True
        return False

    def collect(self, count: int) -> Generator[None, None, bool]:
        """Move so many bytes, yielding whenever more have to come."""
        while count:
            while not self.received:
                yield
            count -= self.move(count)
        return True

    def collect_chunks(self) -> Generator[None, None, bool]:
        """Move a chunked body as it is; what is wrong with it is for Gunicorn's parser to say, when it is read."""
        orderly = True
        while size := CHUNK.fullmatch((yield from self.collect_line())):
            orderly = orderly and not size["extension"]
            if not (count := int(size[1], 16)):
                while (yield from self.collect_line()) != b"\r\n":
                    orderly = False  # a trailer
                return orderly
            yield from self.collect(count)
            while len(self.received) < 2:
                yield
            if not self.received.startswith(b"\r\n"):
                break
            self.move(2)
        self.move(READ_BYTES)
        return False

    def collect_line(self) -> Generator[None, None, bytes]:
        searched = 0
        while not (end := self.received.find(b"\n", searched) + 1) and len(self.received) < READ_BYTES:
            searched = len(self.received)
            yield
        line = bytes(self.received[: end or None])
        self.move(len(line))
        return line

    def move(self, most: int) -> int:
        with memoryview(self.received) as view, view[:most] as part:
            count = self.file.write(part)
        del self.received[:count]
        self.size += count
        return count


class File:
    """What is left to send of a file."""

    def __init__(self, descriptor: int, offset: int, left: int) -> None:
        self.descriptor, self.offset, self.left = descriptor, offset, left

    def send(self, client: int) -> int:
        sent = os.sendfile(client, self.descriptor, self.offset, self.left)
        if not sent:
            raise ConnectionAbortedError("a file has become shorter while it was sent")
        self.offset += sent
        self.left -= sent
        return sent

    def close(self) -> None:
        os.close(self.descriptor)


class Connection:
    """One client. A thread has it in hand from an event on it until it lets it wait for the next."""

    def __init__(self, client: socket.socket, address: Any, server: Any) -> None:
        self.socket, self.address, self.server = client, address, server
        self.descriptor = client.fileno()
        self.state = State.IDLE
        # When it ends unless something happens, and the same, but 0 while a thread has it in hand.
        self.until = self.deadline = 0.0
        self.watched = False
        self.received = bytearray()
        self.searched = 0
        self.ended = False
        self.request: Any = None
        self.body: Body | None = None
        # The status of a request that the application shall not see.
        self.refusal = ""
        # What came, or will come, is no next request.
        self.unread = False
        self.requests = 0
        self.parts: deque[Any] = deque()
        self.unsent = 0
        self.stays = True
        self.gone = False
        # When the application began, and when it last produced something; whether it waits for the client.
        self.began = self.produced = 0.0
        self.pauses = self.reported = False

    # Receiving

    def receive(self) -> bool:
        """Take what has come, and tell whether anything has, be it the client's end."""
        try:
            data = self.socket.recv(READ_BYTES, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        self.received += data
        self.ended = not data
        return True

    def take_head(self) -> bytes:
        """The next request's head, or what the parser must refuse as one; empty until there is either."""
        received = self.received
        end = received.find(b"\r\n\r\n", max(0, self.searched - 3)) + 4
        if end == 3:
            since = max(0, self.searched - 1)
            bare = received.count(b"\n", since) != received.count(b"\r\n", since)
            end = len(received) if bare or self.ended or len(received) > HEAD_BYTES else 0
        self.searched = 0 if end else len(received)
        head = bytes(received[:end])
        del received[:end]
        return head

    def source(self, head: bytes) -> Iterator[bytes]:
        """What Gunicorn's parser reads: the head, and the body once it is there."""
        yield head
        while self.body and not self.refusal and (block := self.body.file.read(READ_BYTES)):
            yield block

    def start_answer(self) -> None:
        self.state = State.IDLE
        self.stays = self.reported = False
        self.unread = bool(self.refusal)
        self.requests += 1
        self.began = self.produced = time.monotonic()

    # Sending, in the words of a socket

    def send(self, data: bytes) -> int:
        """Gunicorn's own ``100 Continue``, too late: the body is there."""
        return len(data)

    def sendall(self, data: bytes) -> None:
        if self.unsent > RESPONSE_BYTES:
            self.pause()
        self.parts.append(data)
        self.unsent += len(data)
        # An interim response is worth nothing later.
        if data.startswith(b"HTTP/1.1 1"):
            self.flush()

    def sendfile(self, file: IO[bytes], offset: int = 0, count: int | None = None) -> int:
        size = os.fstat(file.fileno()).st_size - offset if count is None else count
        if size <= SMALL_FILE:
            self.sendall(os.pread(file.fileno(), size, offset))
        else:
            # sendfile(2) has no other way not to wait.
            self.socket.setblocking(False)
            self.parts.append(File(os.dup(file.fileno()), offset, size))
            self.unsent += size
        return size

    def gettimeout(self) -> float:
        return 0.0

    def flush(self) -> bool:
        """Send what the client takes now, and tell whether that was all. Raises ``OSError`` where it has gone."""
        parts = self.parts
        try:
            while parts:
                if isinstance(parts[0], File):
                    sent = parts[0].send(self.descriptor)
                    if not parts[0].left:
                        parts.popleft().close()
                else:
                    bytes_only = takewhile(lambda part: not isinstance(part, File), parts)
                    sent = self.socket.sendmsg([*islice(bytes_only, BUFFERS)], (), socket.MSG_DONTWAIT)
                    self.drop_sent(sent)
                self.unsent -= sent
        except BlockingIOError:
            return False
        except OSError:
            self.gone = True
            raise
        return True

    def drop_sent(self, count: int) -> None:
        while count:
            part = self.parts.popleft()
            if len(part) > count:
                self.parts.appendleft(memoryview(part)[count:])
            count -= min(count, len(part))

    def pause(self) -> None:
        """Hold an application that produces faster than the client reads."""
        writable = select.poll()
        writable.register(self.descriptor, select.POLLOUT)
        self.pauses = True
        try:
            while not self.flush() and self.unsent > RESPONSE_BYTES // 2:
                if not writable.poll(timeouts.STALL * 1000):
                    self.gone = True
                    raise TimeoutError("the client takes no more of the response")
        finally:
            self.produced = time.monotonic()
            self.pauses = False

    def close(self) -> None:
        self.socket.close()
        self.forget_request()
        for part in self.parts:
            if isinstance(part, File):
                part.close()
        self.parts.clear()

    def forget_request(self) -> None:
        if self.body:
            self.body.file.close()
        self.request = self.body = None
        self.refusal = ""
