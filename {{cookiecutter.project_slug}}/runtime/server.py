"""What Gunicorn decides when it starts: how many workers, which address, what the log says.

Used by ``gunicorn.conf.py``. Sources: https://docs.kernel.org/admin-guide/cgroup-v2.html and …/cgroup-v1/memory.html.
"""

import contextlib
import errno
import logging
import math
import os
import signal
import socket
import sys
from collections.abc import Iterator, MutableMapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from gunicorn import glogging

from runtime import counts, env, logs  # noqa: F401  # Counters are shared when they are made before the fork.
from runtime.worker import server_stops, shares

if TYPE_CHECKING:
    from gunicorn.arbiter import Arbiter

# What Heroku's classic dynos give a worker too (RAM / 256 MB), so that a project behaves alike where nobody counts.
WORKER_MEMORY_MB = 256
# Linux's own numbers, for which Python has no names.
IP_MINTTL, IPV6_MINHOPCOUNT = 21, 73

logger = logging.getLogger(__name__)


def workers(root: Path = Path("/")) -> tuple[int, str]:
    """How many worker processes, and why in a few words. ``root`` is where ``/sys`` and ``/proc`` are."""
    if env.text("WEB_CONCURRENCY"):
        return env.number("WEB_CONCURRENCY", 2, least=1, most=1000), "as WEB_CONCURRENCY says"
    memory, source = memory_mb(root)
    cpus = usable_cpus(root)
    count = max(1, min(memory // WORKER_MEMORY_MB, 2 * cpus + 1))
    return count, f"{memory} MB of {source}, CPUs: {cpus}"


def memory_mb(root: Path = Path("/")) -> tuple[int, str]:
    """The memory all workers together may use, and who says so: WEB_MEMORY_MB, the cgroup, or else the machine."""
    if env.text("WEB_MEMORY_MB"):
        return env.number("WEB_MEMORY_MB", 512, least=64, most=10_000_000), "WEB_MEMORY_MB"
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    for controller, file in ("", "memory.max"), ("memory", "memory.limit_in_bytes"):
        limits = [int(value) // 2**20 for value in cgroup_values(root, controller, file) if value.isdigit()]
        # Where nobody set a limit, version 1 reports a number beyond any machine.
        if limits and min(limits) < physical:
            return min(limits), f"cgroup {'v1' if controller else 'v2'}"
    return physical, "physical memory"


def usable_cpus(root: Path = Path("/")) -> int:
    """The CPUs this process may keep busy: its affinity, or less where a cgroup has a quota; at least 1."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quotas = [value.split() for value in cgroup_values(root, "", "cpu.max")]
    quotas += [
        [quota, period]
        for quota, period in zip(
            cgroup_values(root, "cpu", "cpu.cfs_quota_us"), cgroup_values(root, "cpu", "cpu.cfs_period_us"), strict=True
        )
    ]
    limits = [math.ceil(int(quota) / int(period)) for quota, period in quotas if quota.isdigit()]
    return max(1, min([cpus, *limits]))


def cgroup_values(root: Path, controller: str, file: str) -> Iterator[str]:
    """What ``file`` says in this process's control group and in every one above it, of version 1 with a controller."""
    base = root / "sys/fs/cgroup" / controller
    try:
        groups = [line.split(":", 2) for line in (root / "proc/self/cgroup").read_text().splitlines()]
    except OSError:
        groups = []
    own = next((path for _, names, path in groups if controller in names.split(",")), "/")
    # A container sees its own group as the root of the tree, whatever its name outside.
    for folder in {base / own.lstrip("/"), *(base / own.lstrip("/")).parents, base}:
        if folder.is_relative_to(base) and (folder / file).is_file():
            yield (folder / file).read_text().strip()


def port() -> int:
    return env.number("PORT", 8000, least=1, most=65535)


def bind() -> str:
    """The address to listen on: every one of the host where a platform sets PORT, else only this machine's."""
    if not env.text("PORT"):
        return f"127.0.0.1:{port()}"
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::", 0))
    except OSError:
        return f"0.0.0.0:{port()}"
    return f"[::]:{port()}"


def local_port() -> int:
    """The port to serve on for this machine alone; ends the process with one line if it is taken."""
    refuse_taken_port("127.0.0.1", port())
    return port()


def refuse_taken_port(host: str, port: int) -> None:
    """End the process with one line if another program listens there already."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno in {errno.EADDRINUSE, errno.EACCES}:
                reason = "in use" if error.errno == errno.EADDRINUSE else "not for you to use"
                env.refuse(f"Port {port} is {reason}.", "Choose another: PORT=8001 before the same command.")


def on_starting(arbiter: "Arbiter") -> None:
    """Refuse a port in use, and tell the owner what is missing; in the master, once a boot."""
    # The master that an upgrade starts inherits the open sockets.
    if "GUNICORN_FD" not in os.environ:
        for address in arbiter.cfg.address:
            if isinstance(address, tuple):
                refuse_taken_port(*address)
    env.give_advice()
    if sys.platform != "linux":
        logger.info("There is no epoll here: Gunicorn's own threads serve (gthread), which slow clients can hold up.")


def when_ready(arbiter: "Arbiter") -> None:
    """Close what was opened before the fork: a connection shared by two workers gives one the other's answers."""
    os.register_at_fork(after_in_parent=partial(signal.pthread_sigmask, signal.SIG_UNBLOCK, {signal.SIGTERM}))
    queue_signal = signal.getsignal(signal.SIGTERM)

    def stop(number: int, frame: FrameType | None) -> None:
        stop_accepting(arbiter)
        if callable(queue_signal):
            queue_signal(number, frame)

    signal.signal(signal.SIGTERM, stop)
    if arbiter.cfg.preload_app:
        from runtime import framework

        framework.disconnect()
    count, reason = workers()
    if count != arbiter.cfg.workers:
        count, reason = arbiter.cfg.workers, "as the command line says"
    logger.info(
        f"Serving with workers: {count} ({reason}), threads of each: {arbiter.cfg.threads}, "
        f"database connections: up to {count * arbiter.cfg.threads}."
    )


def stop_accepting(arbiter: "Arbiter") -> None:
    """Complete no more connections, and leave those completed to the workers, who hear of it.

    What opens one is dropped for its hop limit, which is 64 where not something stranger; the client's kernel sends it
    again after a second, when the socket is closed, and hears a clean refusal. Without it, whoever closes a socket last
    drops whom the kernel has accepted since the queue was last looked at.
    """
    # The sockets are another master's too while one replaces the other.
    if arbiter.reexec_pid == arbiter.master_pid == 0:
        for listener in arbiter.LISTENERS:
            for level, option in (socket.IPPROTO_IP, IP_MINTTL), (socket.IPPROTO_IPV6, IPV6_MINHOPCOUNT):
                with contextlib.suppress(OSError):  # another family's
                    listener.setsockopt(level, option, 255)
        server_stops[0] = 1


def pre_fork(arbiter: "Arbiter", worker: object) -> None:
    """Let a SIGTERM wait until the new worker, of whichever class, can handle it; the master until it has forked."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})


def post_worker_init(worker: object) -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


def child_exit(arbiter: "Arbiter", worker: Any) -> None:
    """Forget the connections of a worker that is gone, however it ended."""
    shares[worker.age % len(shares)] = 0


def pre_request(worker: object, req: Any) -> None:
    """Give a request its id before anything else happens to it, so that whatever is logged of it has the same."""
    sent = ",".join(value for name, value in req.headers if name == "X-REQUEST-ID")
    others = [(name, value) for name, value in req.headers if name != "X-REQUEST-ID"]
    req.headers = [*others, ("X-REQUEST-ID", logs.accept_request_id(sent))]


def post_request(worker: object, req: object, environ: object, resp: object) -> None:
    """Forget the request's id, lest the thread mark with it what it does next."""
    logs.request_id.set("")


class Atoms(glogging.SafeAtoms):
    """The parts of an access line, each fit to stand after ``key=``."""

    def __init__(self, atoms: dict[str, Any]) -> None:
        dict.__init__(self, atoms)  # as they are: they are quoted when they are written

    def __getitem__(self, name: str) -> str:
        if name == "U":  # the path as it was sent, still percent-encoded, and without the query's secrets
            return logs.quote(super().__getitem__("{raw_uri}e").partition("?")[0])
        return logs.quote(super().__getitem__(name))


class Logger(glogging.Logger):
    """Gunicorn's logger with this project's format, on standard output, silent about health checks."""

    atoms_wrapper_class = Atoms

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        # Gunicorn's own way to have none is another.
        self.access_log.setLevel(max(logging.INFO, self.error_log.level))
        for handler in self.error_log.handlers + self.access_log.handlers:
            handler.setFormatter(logs.Formatter())
            if isinstance(handler, logging.StreamHandler) and handler.stream is sys.stderr:
                handler.setStream(sys.stdout)

    def access(self, resp: Any, req: Any, environ: MutableMapping[str, Any], request_time: timedelta) -> None:
        if environ.get("PATH_INFO") not in logs.SILENT_PATHS:
            super().access(resp, req, environ, request_time)
