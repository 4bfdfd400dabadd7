"""Gunicorn's threaded worker, made to lose no request and to hide none.

What it changes, measured with Gunicorn 27.0.1:

* A request past its limit is logged with the stack of its thread; Gunicorn's own time-out is only a heartbeat here.
* A worker all of whose threads are past the limit is replaced, after it has answered whoever waits behind them.
* A stop, a reload or a recycling loses nobody: what the kernel has accepted is served, what it has not is refused.
* Connections spread over the workers, where one worker often took all of them, or had them all after another's end.
* A client that sends nothing, sends slowly or does not hang up holds none of the threads.
"""

import ctypes
import errno
import logging
import mmap
import os
import select
import signal
import socket
import struct
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from selectors import EVENT_READ
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

from gunicorn.http.parser import RequestParser
from gunicorn.workers.gthread import TConn, ThreadWorker

from config import logs, timeouts

if TYPE_CHECKING:
    from gunicorn.arbiter import Arbiter

# Both are shared by the master and all workers, which inherit them.
server_stops = mmap.mmap(-1, 1)
connections = memoryview(mmap.mmap(-1, 256))  # each worker's, plus one; 0: no such worker

# How long a worker that is told to leave still accepts, until it knows whether the whole server stops.
HESITATION = 1.0
# How long a crowded worker leaves a new connection to the others.
COURTESY = 0.002
# How long a client may take for the head of a request.
HEAD_TIMEOUT = 10.0
HUNG_UP = getattr(select, "POLLRDHUP", select.POLLHUP)
SO_ATTACH_FILTER = 26

logger = logging.getLogger(__name__)


class Connection(TConn):
    """A client's connection."""

    # Closing waits up to 2 s for the client to hang up, which neither the main loop nor a request's thread can spare.
    closers = ThreadPoolExecutor(16)

    def close(self, graceful: bool = False) -> None:
        if graceful:
            self.closers.submit(super().close, True)
        else:
            super().close()


class Running:
    """A request that a thread is answering."""

    def __init__(self, request: Any) -> None:
        self.request = request
        self.since = time.monotonic()
        self.reported = False


class Worker(ThreadWorker):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.running: dict[int, Running] = {}
        self.unfinished: list[tuple[float, TConn]] = []
        self.leaving = 0.0
        self.given_up = False

    # Starting and stopping

    def init_signals(self) -> None:
        super().init_signals()
        # Blocked since before the fork: a SIGTERM in between would be lost, and the stop take the whole grace period.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """SIGTERM: go on accepting until the master has turned new clients away, or is known to do no such thing."""
        if self.alive and not self.leaving:
            self.leaving = time.monotonic() + HESITATION
            self.method_queue.defer(lambda: None)

    def wait_for_and_dispatch_events(self, timeout: float | None) -> None:
        if self.alive and self.leaving:
            timeout = 0.01
            if server_stops[0] or time.monotonic() > self.leaving:
                self.alive = False
                return
        if self.unfinished:
            timeout = 0.05
        super().wait_for_and_dispatch_events(timeout)
        self.look_at_unfinished()
        self.publish()

    def set_accept_enabled(self, enabled: bool | None) -> None:
        super().set_accept_enabled(enabled)
        if not self.alive:
            for listener in self.sockets:
                # On a reload or a recycling the queue is the other workers'; on a stop there are none.
                accepted = -1
                while server_stops[0] and accepted != self.nr_conns:
                    accepted = self.nr_conns
                    self.accept(listener)
                # As long as one process has it open, the kernel accepts connections that nobody will serve.
                listener.close()

    # Connections

    def publish(self) -> None:
        """Tell the other workers how many connections this one has."""
        connections[self.age % len(connections)] = min(self.nr_conns + 1, 255) if self.alive else 0

    def surplus(self) -> int:
        """How many connections more this worker has than the one with the fewest."""
        return self.nr_conns + 1 - min(filter(None, connections), default=1)

    @property
    def max_keepalived(self) -> int:
        """How many idle connections a response may leave open: none while another worker could well take this one."""
        return 0 if self.surplus() > self.cfg.threads else self.most_keepalived

    @max_keepalived.setter
    def max_keepalived(self, most: int) -> None:
        self.most_keepalived = most

    def accept(self, listener: Any) -> None:
        """Take a new connection, unless a worker with fewer of them takes it first."""
        if self.alive and self.surplus() > 0:
            time.sleep(COURTESY)
        try:
            client, address = listener.accept()
        except OSError as error:
            if error.errno not in {errno.EAGAIN, errno.ECONNABORTED}:
                raise
            return
        self.nr_conns += 1
        connection = Connection(self.cfg, client, address, listener.getsockname())
        # To the poller first: a thread waits for no client.
        connection.timeout = time.monotonic() + self.cfg.keepalive
        self.pending_conns.append(connection)
        self.poller.register(client, EVENT_READ, partial(self.on_pending_socket_readable, connection))

    def enqueue_req(self, conn: TConn) -> None:
        """Give a connection to a thread, once the head of its request is there."""
        # A request may have been read ahead with the one before it.
        read_ahead = isinstance(conn.parser, RequestParser) and conn.parser.unreader.buf.getvalue()
        if self.cfg.is_ssl or read_ahead or has_head(conn.sock):
            super().enqueue_req(conn)
        else:
            self.unfinished.append((time.monotonic() + HEAD_TIMEOUT, conn))

    def look_at_unfinished(self) -> None:
        """See whether more of a head has come; the poller would call for each byte of it again and again."""
        waiting, self.unfinished = self.unfinished, []
        for deadline, conn in waiting:
            if has_head(conn.sock):
                super().enqueue_req(conn)
            elif time.monotonic() < deadline:
                self.unfinished.append((deadline, conn))
            else:
                self.nr_conns -= 1
                conn.close()

    # Requests

    def handle_request(self, req: Any, conn: TConn) -> Any:
        self.running[threading.get_ident()] = Running(req)
        try:
            return super().handle_request(req, conn)
        finally:
            del self.running[threading.get_ident()]

    def notify(self) -> None:
        """Called about once a second: watch the requests."""
        super().notify()
        now = time.monotonic()
        late = 0
        for thread, running in list(self.running.items()):
            if now - running.since < timeouts.REQUEST:
                continue
            late += 1
            if not running.reported:
                running.reported = True
                self.report(thread, running, now - running.since)
        if late >= self.cfg.threads and not self.given_up:
            self.give_up()
        if (
            self.given_up
            and self.nr_conns - len(self.keepalived_conns) - len(self.pending_conns) - len(self.unfinished) <= late
        ):
            logging.shutdown()
            # An exit of the usual kind would wait for the stuck threads.
            os._exit(0)

    def report(self, thread: int, running: Running, age: float) -> None:
        """Log a request past its limit, with its own id and the stack of its thread."""
        request = running.request
        error = TimeoutError(f"{request.method} {request.path} takes longer than {timeouts.REQUEST} s")
        token = logs.request_id.set(dict(request.headers).get("X-REQUEST-ID", ""))
        logger.error(
            "A request is past its limit (WEB_TIMEOUT).",
            exc_info=error.with_traceback(stack(thread)),
            extra={"method": request.method, "path": request.path, "age_s": round(age)},
        )
        logs.request_id.reset(token)

    def give_up(self) -> None:
        """Answer whoever waits behind the stuck threads with new ones, and leave; the master starts another worker."""
        self.given_up = True
        logger.critical(f"All {self.cfg.threads} threads of worker {os.getpid()} are past the limit: it is replaced.")
        self.tpool._max_workers += self.cfg.threads
        for _ in range(self.cfg.threads):
            self.tpool.submit(int)  # nothing: a thread is started for what is submitted
        self.alive = False


def has_head(client: socket.socket) -> bool:
    """Whether a thread could read the head of a request, or an end or an error, from a connection without waiting."""
    client.setblocking(False)
    try:
        sent = client.recv(16384, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        return True
    if not sent or len(sent) == 16384 or b"\r\n\r\n" in sent or b"\n\n" in sent:
        return True
    # Half a request, and the client has hung up.
    poll = select.poll()
    poll.register(client, HUNG_UP)
    return bool(poll.poll(0))


def stack(thread: int) -> TracebackType | None:
    """Where a thread is, as the traceback of an exception raised there would show it."""
    frame = sys._current_frames().get(thread)
    traceback = None
    while frame:
        traceback = TracebackType(traceback, frame, frame.f_lasti, frame.f_lineno)
        frame = frame.f_back
    return traceback


def pre_fork(arbiter: "Arbiter", worker: Worker) -> None:
    """Let a SIGTERM wait until the new worker can handle it; the master unblocks it right after the fork."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})


def child_exit(arbiter: "Arbiter", worker: Worker) -> None:
    """Forget the connections of a worker that is gone, however it ended."""
    connections[worker.age % len(connections)] = 0


def prepare_master(arbiter: "Arbiter") -> None:
    """Have the master turn new clients away before it stops its workers."""
    os.register_at_fork(after_in_parent=partial(signal.pthread_sigmask, signal.SIG_UNBLOCK, {signal.SIGTERM}))
    stop = arbiter.stop

    def stop_accepting(graceful: bool = True) -> None:
        # The sockets are another master's too while one replaces the other.
        if arbiter.reexec_pid == arbiter.master_pid == 0:
            for listener in arbiter.LISTENERS:
                drop_handshakes(listener.sock)
            server_stops[0] = 1
        stop(graceful)

    arbiter.stop = stop_accepting  # type: ignore[method-assign]


def drop_handshakes(listener: socket.socket) -> None:
    """Complete no more connections on a listening socket, and leave those completed to whoever accepts them.

    A packet filter drops what would open one. The client's kernel sends it again after a second, when the socket is
    closed, and hears a clean refusal. Linux only; elsewhere the last connections may be reset.
    """
    if sys.platform == "linux":
        drop_everything = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))
        listener.setsockopt(
            socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", 1, ctypes.addressof(drop_everything))
        )
