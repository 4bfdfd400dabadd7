"""A client's connection: what has come of its next request, and what is left to send of its last response.

Nothing here waits for the client, save an application that produces faster than its client reads. Bytes are kept until
a request is whole, its body in memory or in a file without a name, and Gunicorn's parser then reads them as it reads
any source. A connection is also the socket that Gunicorn writes a response to: it sends what the kernel takes, and
keeps the rest for whoever hears that the client takes more.
"""

import contextlib
import fcntl
import os
import re
import select
import socket
import struct
import tempfile
import termios
import time
from collections import deque
from collections.abc import Generator, Iterator
from enum import Enum, auto
from typing import IO, Any, ClassVar

from gunicorn import http
from gunicorn.http import errors

from runtime import timeouts

# What a request's head may have, all its fields together; routers let less through.
HEAD_BYTES = 128 * 1024
# What a body may have in memory, and what when so many others are under way.
BODY_BYTES, CROWD, CROWDED_BODY_BYTES = 1024 * 1024, 32, 64 * 1024
# What a response may have in memory before its application waits for the client.
RESPONSE_BYTES = 1024 * 1024
# A file of this size or less is sent together with the head before it.
SMALL_FILE = 128 * 1024
READ_BYTES = 64 * 1024
# Of send(2): do not wait; and what the same response ends with comes right after. As numbers, which are or-ed faster.
NOW = int(socket.MSG_DONTWAIT)
LAST = NOW | getattr(socket, "MSG_MORE", 0)  # Linux
# What sendmsg(2) takes at once, well below IOV_MAX.
BUFFERS = 64

TOO_LARGE = "413 Content Too Large"
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

    ``orderly`` is False where a proxy in between may have understood another end: what follows is then no request. It
    is None where a chunk is malformed, and the end unknown.
    """

    under_way: ClassVar[set["Body"]] = set()

    def __init__(self, received: bytearray, length: int | None) -> None:
        self.received = received
        memory = BODY_BYTES if len(self.under_way) < CROWD else CROWDED_BODY_BYTES
        self.file: IO[bytes] = tempfile.SpooledTemporaryFile(memory)  # noqa: SIM115
        self.under_way.add(self)
        self.size = 0
        self.orderly: bool | None = False
        # Chunks may be of a byte each, and then as many as these take long to look at.
        self.at_once = READ_BYTES if length is None else BODY_BYTES
        self.collecting = self.collect_chunks() if length is None else self.collect(length)

    def is_whole(self) -> bool:
        """Move what has come. Raises ``OSError`` where the disk is full."""
        try:
            next(self.collecting)
        except StopIteration as end:
            self.orderly = end.value
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

    def collect_chunks(self) -> Generator[None, None, bool | None]:
        """Move a chunked body as it is; Gunicorn's parser takes the chunks apart when it is read."""
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
        return None

    def collect_line(self) -> Generator[None, None, bytes]:
        searched = 0
        while not (end := self.received.find(b"\n", searched) + 1) and len(self.received) < READ_BYTES:
            searched = len(self.received)
            yield
        line = bytes(self.received[: end or None])
        self.move(len(line))
        return line

    def close(self) -> None:
        self.under_way.discard(self)
        # On a full disk there may be something left that it cannot write.
        with contextlib.suppress(OSError):
            self.file.close()

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
        if not (sent := os.sendfile(client, self.descriptor, self.offset, self.left)):
            raise EOFError("the file has become shorter")
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
        # When it ends unless something happens, and the same, but 0 while a thread has it in hand; and later, if the
        # client has taken some of what the kernel holds for it.
        self.until = self.deadline = self.renewed = 0.0
        self.queued = 0
        self.watched = False
        # The next request: its bytes, how many were searched for its head's end, and whether the client sends no more.
        self.received = bytearray()
        self.searched = 0
        self.ended = False
        # Whether anything has come since the last request was taken up.
        self.fresh = False
        self.request: Any = None
        self.body: Body | None = None
        # The status of a request that the application shall not see, and whether what comes after it is none.
        self.refusal = ""
        self.unread = False
        self.requests = 0
        # The last response, and whether the connection stays open after it.
        self.parts: deque[Any] = deque()
        self.unsent = self.from_files = 0
        self.stays = self.gone = False
        # When the application began and when it last produced something, and whether it waits for the client.
        self.began = self.produced = 0.0
        self.pauses = self.reported = False

    def close(self) -> None:
        self.socket.close()
        self.forget_request()
        for part in self.parts:
            if isinstance(part, File):
                part.close()
        self.parts.clear()

    # Receiving

    def receive(self) -> bool:
        """Take what has come, and tell whether anything has, be it the client's end."""
        try:
            data = self.socket.recv(self.body.at_once if self.body else READ_BYTES, NOW)
        except BlockingIOError:
            return False
        self.received += data
        self.ended, self.fresh = not data, True
        return True

    def next_request(self, cfg: Any, most: int) -> Any:
        """The next request once it is whole, its body of at most ``most`` bytes included.

        None while more has to come. Raises Gunicorn's errors where there is no request, ``NoMoreData`` or
        ``StopIteration`` among them where the client has ended.
        """
        if self.request is None:
            head = self.take_head()
            if not head and not self.ended:
                return None
            if len(head) > HEAD_BYTES:
                raise errors.LimitRequestHeaders(f"more than {HEAD_BYTES} bytes")
            self.request = next(http.get_parser(cfg, self.source(head), self.address))
            self.expect_body(most)
        return self.request if not self.body or self.refusal or self.has_all(self.body, most) else None

    @property
    def lacks(self) -> State:
        """What the next request lacks."""
        return State.BODY if self.request else State.HEAD if self.received else State.IDLE

    def take_head(self) -> bytes:
        """The next request's head, or what the parser must refuse as one; empty until there is either."""
        received, searched = self.received, self.searched
        end = received.find(b"\r\n\r\n", max(0, searched - 3)) + 4
        if end == 3:
            bare = received.count(b"\n", searched) != received.count(b"\r\n", max(0, searched - 1))
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

    def expect_body(self, most: int) -> None:
        length: int | None = 0
        continues = False
        for name, value in self.request.headers:
            if name == "TRANSFER-ENCODING":
                length = None
            elif name == "CONTENT-LENGTH":
                length = int(value)
            elif name == "EXPECT":
                continues = value.lower() == "100-continue" and self.request.version >= (1, 1)
        if length == 0:
            return
        self.body = Body(self.received, length)
        if length and length > most:
            self.refusal = TOO_LARGE
        elif continues and not self.received:
            with contextlib.suppress(OSError):  # a client that has gone, which is noticed soon enough
                self.socket.send(b"HTTP/1.1 100 Continue\r\n\r\n", NOW)

    def has_all(self, body: Body, most: int) -> bool:
        """Whether nothing of the body is to be waited for, since all has come, or too much."""
        try:
            whole = body.is_whole()
        except OSError:
            self.refusal = TOO_LARGE
            return True
        if body.size > most:
            self.refusal = TOO_LARGE
        elif whole and body.orderly is None:
            raise errors.InvalidChunkSize(b"malformed")
        elif self.ended and not whole:
            raise errors.InvalidHeader("a body shorter than it says", req=self.request)
        return whole or bool(self.refusal)

    def forget_request(self) -> None:
        if self.body:
            self.body.close()
        self.request = self.body = None
        self.refusal = ""

    # Sending, in the words of a socket

    def start_response(self) -> None:
        self.state = State.IDLE
        self.stays = self.reported = False
        self.unread = bool(self.refusal)
        self.from_files = 0
        self.requests += 1
        self.began = self.produced = time.monotonic()

    def send(self, data: bytes) -> int:
        """Gunicorn's own ``100 Continue``, too late: the body is there."""
        return len(data)

    def sendall(self, data: bytes) -> None:
        if self.unsent > RESPONSE_BYTES:
            self.pause()
        self.produced = time.monotonic()
        if data:
            self.parts.append(data)
            self.unsent += len(data)
        # An interim response is worth nothing later.
        if data.startswith(b"HTTP/1.1 1"):
            self.flush()

    def sendfile(self, file: IO[bytes], offset: int, count: int) -> None:
        if count > SMALL_FILE:
            # sendfile(2) has no other way not to wait.
            self.socket.setblocking(False)
            self.parts.append(File(os.dup(file.fileno()), offset, count))
            self.unsent += count
        else:
            self.sendall(data := os.pread(file.fileno(), count, offset))
            count = len(data)
        self.from_files += count

    def gettimeout(self) -> float:
        return 0.0

    def flush(self, ends: bool = False) -> bool:
        """Send what the client takes now, and tell whether that was all. Raises ``OSError`` where it has gone.

        Where the response ``ends`` the connection, the end goes with its last bytes, in one packet.
        """
        parts = self.parts
        flags = LAST if ends else NOW
        try:
            while parts:
                if isinstance(parts[0], File):
                    self.unsent -= parts[0].send(self.descriptor)
                    if not parts[0].left:
                        parts.popleft().close()
                else:
                    self.drop_sent(self.socket.sendmsg(self.buffers(), (), flags))
            if ends:
                self.socket.shutdown(socket.SHUT_WR)
        except BlockingIOError:
            return False
        except OSError:
            self.gone = True
            raise
        return True

    def buffers(self) -> list[Any]:
        """What is to be sent before the next file."""
        found: list[Any] = []
        for part in self.parts:
            if isinstance(part, File) or len(found) == BUFFERS:
                break
            found.append(part)
        return found

    def drop_sent(self, count: int) -> None:
        self.unsent -= count
        if not self.unsent:
            # As nearly always, and then there is no file behind it either.
            self.parts.clear()
            return
        while count:
            part = self.parts.popleft()
            if len(part) > count:
                self.parts.appendleft(memoryview(part)[count:])
            count -= min(count, len(part))

    def has_moved(self) -> bool:
        """Whether the client has taken anything since this was asked last; the kernel may hold megabytes for it."""
        before = self.queued
        with contextlib.suppress(OSError):
            (self.queued,) = struct.unpack("i", fcntl.ioctl(self.descriptor, termios.TIOCOUTQ, bytes(4)))
        return self.queued < before

    def has_event(self) -> bool:
        """Whether what it waits for is there already, and only the threads are busy."""
        events = select.poll()
        events.register(self.descriptor, select.POLLOUT if self.state is State.SENDING else select.POLLIN)
        return bool(events.poll(0))

    def pause(self) -> None:
        """Hold an application that produces faster than the client reads."""
        writable = select.poll()
        writable.register(self.descriptor, select.POLLOUT)
        self.pauses = True
        try:
            while not self.flush() and self.unsent > RESPONSE_BYTES // 2:
                self.has_moved()
                if not writable.poll(timeouts.STALL * 1000) and not self.has_moved():
                    self.gone = True
                    raise TimeoutError("the client takes no more of the response")
        finally:
            self.produced = time.monotonic()
            self.pauses = False
