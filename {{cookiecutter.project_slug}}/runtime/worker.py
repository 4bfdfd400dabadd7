"""A Gunicorn worker whose threads run the application and never wait for the network.

All threads wait on one epoll together. Each descriptor is armed for one event, and whichever thread is woken does what
there is to do: it accepts, reads, runs the application once a request is whole, sends, and arms or closes. Nothing is
handed from thread to thread, and a client that sends or reads slowly holds none. The main thread keeps signals, the
heartbeat and deadlines, and watches the requests.

Of Gunicorn it needs what workers have always used: ``workers.base.Worker``, ``http.get_parser``, ``http.wsgi.create``,
the configured hooks and the logger; the tests list each name. Linux only, since epoll is.
"""

import contextlib
import itertools
import logging
import math
import mmap
import os
import resource
import select
import shutil
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from types import FrameType, TracebackType
from typing import IO, TYPE_CHECKING, Any

from gunicorn.http import errors, wsgi
from gunicorn.workers import base

from runtime import logs, timeouts
from runtime.connection import CROWDED_BODY_BYTES, Connection, State
from runtime.load import Load, Place, sizes_kb
from runtime.reserve import Reserve

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# The master and all workers share both: whether the server stops, and how many connections each worker has, plus one.
server_stops = mmap.mmap(-1, 1)
shares = memoryview(mmap.mmap(-1, 512)).cast("H")

# Of Linux. Elsewhere the configuration takes another worker, and only imports this one.
READABLE, WRITABLE, EXCLUSIVE, ONESHOT = (
    getattr(select, f"EPOLL{name}", 0) for name in ("IN", "OUT", "EXCLUSIVE", "ONESHOT")
)
# Descriptors that the application may open itself: database connections, files.
SPARE_DESCRIPTORS = 24
# Seconds between two rounds of the main thread.
ROUND = 0.25
# Clients whom a worker without an idle thread lets in at once.
AT_ONCE = 16
# Requests between two looks at the memory.
LOOK = 1200
# Bodies of the largest size that a worker has room for; it has more of others.
LARGEST_BODIES = 8
# Who ends first where there are too many connections.
ENDS_FIRST = (State.LINGERING, State.HEAD, State.IDLE, State.BODY, State.SENDING)
TIMED_OUT = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

logger = logging.getLogger(__name__)


def refuse(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Answer with the status of ``worker.refusal`` a request that the application shall not see."""
    status = environ["worker.refusal"]
    start_response(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(status)))])
    return [status.encode()]


class Worker(base.Worker):
    """See the module's text. A project's gunicorn.conf.py may set the first four attributes."""

    # What a request's body may have.
    body_mb = 32
    # What a worker may have before another takes its place; None: whatever it takes.
    memory_mb: int | None = None
    # The memory (MB) and the CPUs of all workers together, against which the log holds what one takes; None: not.
    resources: tuple[int, int] | None = None
    # Answers what the application shall not see; None: the application does, which knows of ``worker.refusal``.
    refusals: "WSGIApplication | None" = staticmethod(refuse)

    @classmethod
    def check_config(cls, cfg: Any, log: Any) -> None:
        """Refuse what this worker does not speak; Gunicorn calls it before it starts one."""
        if cfg.is_ssl or cfg.proxy_protocol != "off" or cfg.protocol != "http":
            raise SystemExit(
                "This worker speaks plain HTTP to a platform's router. For TLS or another protocol take Gunicorn's "
                "own: GUNICORN_CMD_ARGS='--worker-class gthread'"
            )

    # The main thread

    def run(self) -> None:
        self.connections: dict[int, Connection] = {}
        # Whose request the application is answering, by thread.
        self.running: dict[int, Connection] = {}
        self.reserve = Reserve()
        self.load = Load(Place(self.cfg.workers, self.cfg.threads, *self.resources)) if self.resources else None
        self.numbers = itertools.count(1)
        self.surplus = self.late = 0
        self.leaves = math.inf  # since when
        self.told = self.given_up = self.over = False
        self.patience = {
            State.IDLE: self.cfg.keepalive or timeouts.HEAD,
            State.HEAD: timeouts.HEAD,
            State.BODY: timeouts.STALL,
            State.SENDING: timeouts.STALL,
            State.LINGERING: timeouts.LINGER,
        }
        # Read once: a setting of Gunicorn is looked up by its name each time.
        self.most_threads: int = self.cfg.threads
        self.keeps = bool(self.cfg.keepalive)
        descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[0] - len(os.listdir("/proc/self/fd"))
        # Each may have a file as well: a body on the disk, or one that is being sent.
        self.most = max(1, min(self.cfg.worker_connections, (descriptors - SPARE_DESCRIPTORS) // 2))
        # Not select(2), which knows no descriptor above 1023.
        self.signals = select.poll()
        self.signals.register(self.PIPE[0], select.POLLIN)
        self.epoll = select.epoll()
        self.wakes_all = os.eventfd(0)
        self.epoll.register(self.wakes_all, READABLE)
        self.listeners = {listener.fileno(): listener for listener in self.sockets}
        self.names = {number: listener.getsockname() for number, listener in self.listeners.items()}
        self.turn = threading.Lock()
        self.rests = True
        self.queues = select.poll()
        for listener in self.sockets:
            listener.setblocking(False)
            self.queues.register(listener.fileno(), select.POLLIN)
        self.threads: list[threading.Thread] = []
        self.start_threads()
        while self.alive:
            self.go_on(ROUND)
        self.leave()

    def start_threads(self) -> None:
        for _ in range(self.most_threads):
            self.threads.append(threading.Thread(target=self.serve, daemon=True))
            self.threads[-1].start()

    def go_on(self, seconds: float) -> None:
        """A round of the main thread, whatever fails in it."""
        try:
            self.look_after(seconds)
        except Exception:
            logger.exception("The server goes on after this.")
            time.sleep(seconds)

    def look_after(self, seconds: float) -> None:
        """Heartbeat, deadlines, watchdog; and then a wait for a signal."""
        self.notify()
        if self.alive and self.ppid != os.getppid():
            self.log.info("Parent changed, shutting down: %s", self)
            self.alive = False
        now = time.monotonic()
        self.end_overdue(now)
        self.free_disk()
        self.watch(now)
        self.reserve.look(now)
        if self.load:
            self.load.look(now)
        self.balance()
        # Anew, for a client whom the kernel has left to a worker that is stuck.
        if self.rests or (self.has_idle_thread() and self.queues.poll(0)):
            self.listen()
        if self.signals.poll(seconds * 1000):
            os.read(self.PIPE[0], 4096)

    def end_overdue(self, now: float) -> None:
        """End the connections that have waited for too long, and say how many were in the middle of something."""
        waiting = [(one, one.state) for one in list(self.connections.values())]
        overdue = [(one, state) for one, state in waiting if self.is_overdue(one, one.deadline, state, now)]
        for connection, _ in overdue:
            self.end(connection)
        if slow := sum(state in {State.HEAD, State.BODY, State.SENDING} for _, state in overdue):
            logger.info(f"Clients that were too slow and were let go: {slow}")

    def free_disk(self) -> None:
        """Have all unfinished bodies take no more than a few of the largest may: those that have stalled end first."""
        bodies = [(one, one.body.size) for one in list(self.connections.values()) if one.body]
        surplus = sum(size for _, size in bodies) - LARGEST_BODIES * self.body_mb * 1024 * 1024
        if surplus <= 0:
            return
        waiting = [(one.deadline, one, size) for one, size in bodies if one.deadline and size > CROWDED_BODY_BYTES]
        for _, connection, size in sorted(waiting, key=lambda body: body[0]):
            if surplus > 0:
                self.end(connection)
                surplus -= size

    def is_overdue(self, connection: Connection, deadline: float, state: State, now: float) -> bool:
        """Whether a connection has waited for long enough; one that a leaving worker has kept, for a shorter time."""
        if not deadline:
            return False
        kept = state in {State.IDLE, State.HEAD} and deadline > now + timeouts.LINGER
        if kept and now > self.leaves + timeouts.LINGER:
            return True
        if now < max(deadline, connection.renewed) or (state is not State.LINGERING and connection.has_event()):
            return False
        if state is State.SENDING and connection.has_moved():
            connection.renewed = now + timeouts.STALL
            return False
        return True

    def balance(self) -> None:
        """Tell the other workers how many connections this one has, and see how many it should leave to them."""
        own = shares[self.age % len(shares)] = min(len(self.connections) + 1, 65535) if self.alive else 0
        fewest = min(filter(None, shares), default=own)
        self.surplus = (own - fewest) // 2 if own - fewest > max(2, fewest // 4) else 0

    def watch(self, now: float) -> None:
        """Report what has produced nothing for too long, and give up when every thread is at such a request."""
        late = [
            (thread, connection)
            for thread, connection in list(self.running.items())
            if now - connection.produced > timeouts.REQUEST and not connection.pauses
        ]
        self.late = len(late)
        for thread, connection in late:
            # None where it has just ended.
            if not connection.reported and (request := connection.request):
                connection.reported = True
                report(thread, request, now - connection.began)
        if len(late) >= self.most_threads and not self.given_up:
            logger.critical(f"All {len(late)} threads of worker {os.getpid()} are past the limit: it is replaced.")
            self.given_up = True
            # Whoever waits behind them is answered by others.
            self.start_threads()
            self.retire()

    # Stopping

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """SIGTERM: the whole server is about to stop, or only this worker."""
        self.told = True
        super().handle_exit(sig, frame)

    def retire(self) -> None:
        """Leave, so that another worker takes this one's place."""
        self.alive = False
        os.write(self.PIPE[1], b"1")

    def leave(self) -> None:
        """Accept no more, finish what is in hand, and return."""
        self.leaves = time.monotonic()
        self.patience |= {State.IDLE: timeouts.LINGER, State.HEAD: timeouts.LINGER}
        # Whoever closes a listening socket last drops who is in its queue: that must not be a master who has heard
        # nothing yet. See server.stop_accepting.
        while self.told and not server_stops[0] and time.monotonic() < self.leaves + timeouts.HESITATION:
            self.go_on(0.02)
        patience = self.leaves + self.cfg.graceful_timeout - 1
        # Its place is taken when it has gone: until then somebody has to listen.
        self.balance()
        while not self.told and not self.given_up and self.is_busy(patience) and not any(shares):
            self.go_on(0.02)
        self.stop_listening()
        patience = max(patience, time.monotonic() + timeouts.LINGER)
        while self.is_busy(patience):
            self.go_on(0.02)
        self.over = True
        os.eventfd_write(self.wakes_all, 1)
        for request in [connection.request for connection in list(self.running.values()) if connection.request]:
            self.log.warning("Cut off: %s %s", request.method, request.path)
        if self.running:
            logging.shutdown()
            # An exit of the usual kind could end in the middle of what their threads write.
            os._exit(0)
        for thread in self.threads:
            thread.join(timeouts.LINGER)

    def is_busy(self, until: float) -> bool:
        """Whether there is anybody to wait for: not those whom no thread will answer any more."""
        return len(self.connections) > (self.late if self.given_up else 0) and time.monotonic() < until

    # Listening

    def listen(self) -> None:
        """Accept clients if there is room, last of all workers: the kernel wakes whoever has listened for longest."""
        with self.turn:
            self.rests = True
            if len(self.connections) >= self.most:
                return
            try:
                for number in self.listeners:
                    with contextlib.suppress(FileNotFoundError):
                        self.epoll.unregister(number)
                    self.epoll.register(number, READABLE | EXCLUSIVE)
                self.rests = False
            except OSError as error:
                logger.warning(f"Worker {os.getpid()} can take no more connections just now: {error}")

    def rest(self) -> bool:
        """Leave clients in the queue, or to other workers, until there is room; tell whether that is news."""
        with self.turn:
            news, self.rests = not self.rests, True
            for number in self.listeners:
                with contextlib.suppress(FileNotFoundError):
                    self.epoll.unregister(number)
            return news

    def has_idle_thread(self) -> bool:
        """Whether a client who comes now is taken at once. Where not, to listen anew would only lose the turn."""
        return len(self.running) < self.most_threads

    def stop_listening(self) -> None:
        """Take whom the kernel has accepted already, and let go of the listening sockets."""
        with self.turn:
            listeners, self.listeners = self.listeners, {}
            for number, listener in listeners.items():
                # The master has it open as well, so closing it alone would leave it in the epoll.
                with contextlib.suppress(FileNotFoundError):
                    self.epoll.unregister(number)
                with contextlib.suppress(OSError):
                    while True:
                        self.wait(self.admit(number, *listener.accept()), State.IDLE)
                listener.close()

    def accept(self, number: int, listener: Any) -> None:
        has_idle_thread = self.has_idle_thread()
        try:
            # In one turn, or a worker that leaves would not know of a client between the two.
            with self.turn:
                if number not in self.listeners:
                    return
                connection = self.admit(number, *listener.accept())
        except (BlockingIOError, ConnectionAbortedError):
            return  # another thread was faster, or the client has gone
        except OSError as error:
            if self.rest():
                logger.warning(f"Worker {os.getpid()} can take no more connections just now: {error}")
                self.make_room()
            return
        # Behind those whom busy threads have yet to answer, one client at a time would be let in only.
        if not has_idle_thread:
            with contextlib.suppress(OSError), self.turn:
                for _ in range(AT_ONCE if number in self.listeners else 0):
                    self.wait(self.admit(number, *listener.accept()), State.IDLE)
        if len(self.connections) > self.most:
            self.make_room()
        self.proceed(connection)

    def admit(self, number: int, client: socket.socket, address: Any) -> Connection:
        connection = self.connections[client.fileno()] = Connection(client, address, self.names[number])
        return connection

    def make_room(self) -> None:
        """End some of those who wait: first who has sent nothing yet, then who is slow, then who is kept.

        Last who has only just come, and whoever has sent what nobody has read yet not at all.
        """
        just_come = time.monotonic() + self.patience[State.IDLE] - ROUND

        def place(one: Connection) -> tuple[bool, bool, int, float]:
            silent = not (one.requests or one.received)
            return silent and one.deadline > just_come, not silent, ENDS_FIRST.index(one.state), one.deadline

        waiting = sorted((one for one in list(self.connections.values()) if one.deadline), key=place)
        overdue = (one for one in waiting if one.state is State.LINGERING or not one.has_event())
        for connection in itertools.islice(overdue, max(1, self.most // 20)):
            self.end(connection)

    # Connections

    def serve(self) -> None:
        """What each thread does until the worker is over."""
        thread = threading.get_ident()
        while not self.over:
            try:
                self.reserve.stand_by(thread)
                for number, _ in self.epoll.poll(None, 1):
                    self.reserve.begin(thread)
                    if connection := self.connections.get(number):
                        self.proceed(connection)
                    elif listener := self.listeners.get(number):
                        self.accept(number, listener)
            except Exception:
                logger.exception("The server goes on after this.")
            finally:
                self.reserve.end(thread)

    def wait(self, connection: Connection, state: State) -> None:
        """Let a connection wait for its next event; whoever is woken by it has it in hand, and the caller no more."""
        # A head, and a client's end, have to come in time, whatever moves; anything else has only to move.
        if state is not connection.state or state not in {State.HEAD, State.LINGERING}:
            connection.until = time.monotonic() + self.patience[state]
        if state is State.SENDING:
            connection.has_moved()
        connection.state, connection.deadline = state, connection.until
        events = ONESHOT | (WRITABLE if state is State.SENDING else READABLE)
        if connection.watched:
            self.epoll.modify(connection.descriptor, events)
        else:
            # Before, since it may be another thread's right after.
            connection.watched = True
            self.epoll.register(connection.descriptor, events)

    def proceed(self, connection: Connection) -> None:
        """Do for a connection whatever can be done without waiting for its client."""
        connection.deadline = 0.0
        try:
            self.advance(connection)
        except OSError as error:
            self.log.debug("Closing connection. %s", error)
            self.drop(connection)
        except Exception:
            logger.exception("A connection is closed after this.")
            self.drop(connection)

    def advance(self, connection: Connection) -> None:
        if connection.state is State.SENDING:
            if not self.has_sent(connection):
                return
        elif not connection.receive():
            return self.wait(connection, connection.state)
        elif connection.state is State.LINGERING:
            connection.received.clear()
            return self.drop(connection) if connection.ended else self.wait(connection, State.LINGERING)
        while self.has_request(connection):
            self.answer(connection)
            connection.forget_request()
            if not self.has_sent(connection):
                return None
            if connection.received:
                # Behind whoever waits: a client may have sent hundreds of requests at once.
                return self.wait(connection, State.SENDING)
        return None

    def has_request(self, connection: Connection) -> bool:
        """Whether the next request is whole; else the connection waits for more of it, or has come to its end."""
        try:
            if connection.next_request(self.cfg, self.body_mb * 1024 * 1024):
                return True
        except (errors.NoMoreData, StopIteration):
            self.drop(connection)
        except Exception as error:
            connection.start_response()
            connection.unread = True
            self.show_error(connection, error)
            self.has_sent(connection)
        else:
            self.wait(connection, connection.lacks)
        return False

    def has_sent(self, connection: Connection) -> bool:
        """Whether the response is sent and the connection free for the next request; else it waits, or is closed."""
        if not connection.flush():
            self.wait(connection, State.SENDING)
        elif connection.stays:
            return True
        elif (connection.unread or connection.received) and not connection.ended:
            # Closed now, the kernel would answer what was not read by a reset, and that may overtake the response.
            connection.socket.shutdown(socket.SHUT_WR)
            self.wait(connection, State.LINGERING)
        else:
            self.drop(connection)
        return False

    def end(self, connection: Connection) -> None:
        """Have a waiting connection closed, by the thread that its end wakes."""
        connection.deadline = 0.0
        with contextlib.suppress(OSError):
            if connection.state in {State.HEAD, State.BODY}:
                connection.socket.send(TIMED_OUT, socket.MSG_DONTWAIT)
            connection.socket.shutdown(socket.SHUT_RDWR)

    def drop(self, connection: Connection) -> None:
        # Another client may have its number by now, if this is not the first time.
        if self.connections.get(connection.descriptor) is connection:
            del self.connections[connection.descriptor]
        connection.close()
        if self.rests:
            self.listen()

    # Requests

    def answer(self, connection: Connection) -> None:
        """Run the application for a request that is whole."""
        request, thread = connection.request, threading.get_ident()
        client: Any = connection
        response: Any = None
        environ: Any = {}
        connection.start_response()
        if self.load:
            self.load.count(len(self.running) + 1, connection.socket if connection.fresh else None)
        connection.fresh = False
        self.running[thread] = connection
        try:
            self.cfg.pre_request(self, request)
            if connection.body and not (connection.body.orderly or connection.refusal):
                # What the parser refuses in it is the client's fault, and no framework shall take it for an error.
                request.body = decoded(request.body)
            response, environ = wsgi.create(request, client, connection.address, connection.server, self.cfg)
            environ["wsgi.multithread"] = self.most_threads > 1
            if connection.refusal:
                environ["worker.refusal"] = connection.refusal
            self.count_request()
            # What takes over a connection wants the client's own.
            environ["gunicorn.socket"] = connection.socket
            if connection.requests == 1 and not request.should_close():
                # One who stays, or is sent to another worker.
                self.balance()
                if self.has_idle_thread():
                    self.listen()
            disorderly = connection.unread or (connection.body and not connection.body.orderly)
            if disorderly or not self.alive or not self.keeps or self.has_surplus():
                response.force_close()
            connection.stays = self.respond(connection, environ, response)
        except StopIteration:
            self.log.debug("The application has taken over the connection, and closed it.")
        except BaseException as error:
            if connection.gone:
                raise ConnectionAbortedError from error
            if response and response.headers_sent:
                # The client learns by the missing end that something is missing.
                self.log.exception("Error handling request %s %s", request.method, request.path)
            else:
                self.show_error(connection, error)
        finally:
            del self.running[thread]
            self.reserve.count(thread, connection.began)
            try:
                self.cfg.post_request(self, request, environ, response)
            except Exception:
                self.log.exception("Exception in post_request hook")

    def respond(self, connection: Connection, environ: "WSGIEnvironment", response: Any) -> bool:
        """Write what the application returns, and tell whether another response may follow it."""

        def start_response(*arguments: Any) -> Callable[[bytes], object]:
            write = response.start_response(*arguments)
            return lambda data: (write(data), connection.flush())

        application: Any = (connection.refusal and self.refusals) or self.wsgi
        result = application(environ, start_response)
        try:
            if isinstance(result, environ["wsgi.file_wrapper"]):
                if response.response_length is None:
                    # Gunicorn ends the chunks of an empty file twice.
                    response.force_close()
                response.write_file(result)
            else:
                for item in result:
                    response.write(item)
                    # The next piece may take a while, unless this was the last.
                    if response.response_length is None or response.sent < response.response_length:
                        connection.flush()
            response.close()
            # Less than it said, and the client would take the next response for the rest.
            has_body = connection.request.method != "HEAD" and response.status_code not in {204, 304}
            is_whole = not has_body or response.sent + connection.from_files >= (response.response_length or 0)
            stays = is_whole and not response.should_close()
            # The client does not wait for what is done after it, either.
            connection.flush(ends=not stays)
        finally:
            age = timedelta(seconds=time.monotonic() - connection.began)
            self.log.access(response, connection.request, environ, age)
            if hasattr(result, "close"):
                result.close()
        return stays

    def show_error(self, connection: Connection, error: BaseException) -> None:
        client: Any = connection
        self.handle_error(connection.request, client, connection.address, error)
        # Python 3.14 takes the carriage return from the empty line with which Gunicorn 27 ends the head.
        if connection.parts:
            connection.parts[-1] = connection.parts[-1].replace(b"\r\n\n", b"\r\n\r\n", 1)

    def count_request(self) -> None:
        """Retire where Gunicorn's ``max_requests`` or the memory says so."""
        number = next(self.numbers)
        if not self.alive:
            return
        if number >= self.max_requests:
            self.log.info("Autorestarting worker after current request.")
            self.retire()
        elif self.memory_mb and number % LOOK == 0 and (taken := memory_mb()) > self.memory_mb:
            self.log.info(f"Worker {os.getpid()} has {taken} MB, of {self.memory_mb} that it may have: it is replaced.")
            self.retire()

    def has_surplus(self) -> bool:
        self.surplus -= 1
        return self.surplus >= 0


def decoded(body: Any) -> IO[bytes]:
    """All of a chunked body that has more than chunks. Raises Gunicorn's errors where that is malformed."""
    file: IO[bytes] = tempfile.SpooledTemporaryFile(CROWDED_BODY_BYTES)  # noqa: SIM115  # closed when it is forgotten
    shutil.copyfileobj(body, file)
    file.seek(0)
    return file


def memory_mb() -> int:
    """What this process has in memory, its part of what it shares with others included (PSS)."""
    # Not every kernel tells.
    return sizes_kb().get("Pss", 0) // 1024


def report(thread: int, request: Any, age: float) -> None:
    """Log a request past its limit, with its own id and the stack of its thread."""
    error = TimeoutError(f"{request.method} {request.path} has produced nothing for {timeouts.REQUEST} s")
    token = logs.request_id.set(dict(request.headers).get("X-REQUEST-ID", ""))
    logs.target.set(f"{request.method} {request.path}")
    logger.error(
        "A request is past its limit (WEB_TIMEOUT).",
        exc_info=error.with_traceback(stack(thread)),
        extra={"method": request.method, "path": request.path, "age_s": round(age)},
    )
    logs.request_id.reset(token)


def stack(thread: int) -> TracebackType | None:
    """Where a thread is, as the traceback of an exception raised there would show it."""
    frame = sys._current_frames().get(thread)
    traceback = None
    while frame:
        traceback = TracebackType(traceback, frame, frame.f_lasti, frame.f_lineno)
        frame = frame.f_back
    return traceback
