"""A generated project's server under load, under attack and at its end."""

import contextlib
import http.client
import json
import os
import random
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from tests.conftest import thorough
from tests.dyno import PATIENCE, Dyno, free_port, running
from tests.load import Load
from tests.privileges import unprivileged
from tests.projects import Project

pytestmark = thorough

NEVER = sys.maxsize  # requests, in Gunicorn's own way to say it

# A kernel without IPv6, as Python sees it.
NO_IPV6 = """
import errno, socket

class Socket(socket.socket):
    def __init__(self, family=-1, *arguments, **options):
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
        super().__init__(family, *arguments, **options)

socket.socket = Socket
"""

# Shutdown and restart


def test_loses_no_request_when_it_stops(project: Project) -> None:
    for _ in range(4):  # a server that loses some of its requests sometimes loses none
        with running(project) as dyno, Load(dyno, clients=16) as load:
            assert dyno.stop() == 0
        assert (load.lost, load.refused) == ([], 16)


def test_loses_no_request_when_it_reloads(project: Project) -> None:
    with running(project) as dyno:
        with Load(dyno) as load:
            for reloads in range(1, 4):
                os.kill(dyno.process.pid, signal.SIGHUP)
                dyno.wait_for("Booting worker", times=2 + 2 * reloads)
                dyno.wait_for("Worker exiting", times=2 * reloads)
        assert (load.lost, load.refused) == ([], 0)


def test_loses_no_request_when_it_recycles_workers(project: Project) -> None:
    with running(project, WEB_MAX_REQUESTS="100") as dyno:
        with Load(dyno, path="/") as load:
            dyno.wait_for("Worker exiting", times=6)
        assert (load.lost, load.refused) == ([], 0)


def test_serves_while_its_only_worker_finishes_a_request_and_leaves(
    project: Project, probe: str, tmp_path: Path
) -> None:
    """Another takes its place when it has gone: until then it listens itself."""
    end = tmp_path / "end"
    with running(project, probe, WEB_CONCURRENCY="1", WEB_MAX_REQUESTS="1") as dyno, ThreadPoolExecutor(1) as pool:
        held = pool.submit(dyno.get, f"/hold?until={end}")
        dyno.wait_for("probe holds")
        dyno.wait_for("Autorestarting worker")
        for _ in range(3):
            assert dyno.get("/healthz").status_code == 200
        assert not held.done()
        end.touch()
        assert held.result().text == "held"
        assert dyno.stop() == 0


def test_survives_a_killed_worker(project: Project, probe: str) -> None:
    with running(project, probe) as dyno:
        with Load(dyno) as load:
            os.kill(dyno.get("/process").json()["pid"], signal.SIGKILL)
            dyno.wait_for("Booting worker", times=3)
        # Only what that worker had in hand.
        assert len(load.lost) <= 8
        assert load.refused == 0
        assert dyno.get("/").status_code == 200
        assert dyno.stop() == 0


def test_finishes_a_slow_request_before_it_stops(project: Project, probe: str) -> None:
    with running(project, probe) as dyno, ThreadPoolExecutor() as pool:
        idle = [http.client.HTTPConnection("127.0.0.1", dyno.port) for _ in range(4)]
        for connection in idle:
            connection.request("GET", "/healthz")
            connection.getresponse().read()
        slow = pool.submit(dyno.get, "/sleep?seconds=3")
        dyno.wait_for("probe sleeps")
        assert dyno.stop() == 0
        assert (slow.result().status_code, slow.result().text) == (200, "slept")
        for connection in idle:
            connection.close()


def test_hears_that_it_shall_stop_while_workers_start(project: Project, probe: str) -> None:
    with running(project, probe, PROBE_SLOW_FORK="on") as dyno:
        dyno.wait_for("probe is forked")
        assert dyno.stop() == 0
        # One that had not heard it would have been killed in the end.
        booted, left = ([line for line in dyno.log if event in line] for event in ("Booting worker", "Worker exiting"))
        assert len(booted) == len(left) >= 1


# Preload


@pytest.mark.parametrize("preload", ["on", "off"])
def test_gives_each_request_its_own_row(preload: str, project: Project, probe: str, database_url: str) -> None:
    """Even where somebody's code queries the database while it is imported, before the fork."""
    variables = {"DATABASE_URL": database_url, "PROBE_QUERIES": "on", "WEB_PRELOAD": preload}
    with running(project, probe, **variables) as dyno, ThreadPoolExecutor(8) as pool:
        numbers = [str(number) for number in range(200)]
        rows = list(pool.map(lambda number: dyno.get(f"/row?n={number}").text, numbers))
        assert rows == numbers


def test_uses_no_connection_that_was_opened_before_the_fork(project: Project, probe: str, database_url: str) -> None:
    with running(project, probe, DATABASE_URL=database_url, PROBE_QUERIES="on") as dyno:
        backend = int(dyno.wait_for("probe connected to backend")[0].split()[-1])
        with psycopg.connect(database_url) as connection:
            gone = "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = %s"
            deadline = time.monotonic() + PATIENCE
            while not connection.execute(gone, [backend]).fetchone()[0]:
                assert time.monotonic() < deadline
                connection.rollback()
                time.sleep(0.05)


# Time-outs


def test_reports_requests_past_their_limit(project: Project, probe: str) -> None:
    def get(sent: str | None) -> str:
        response = dyno.get("/sleep?seconds=8", headers={"X-Request-Id": sent})
        assert response.status_code == 200
        request_id = response.headers["X-Request-Id"]
        assert (request_id == sent) is (sent == "the-slow-one")
        return request_id

    with running(project, probe, WEB_TIMEOUT="5") as dyno, ThreadPoolExecutor() as pool:
        request_ids = set(pool.map(get, ["the-slow-one", "forged level=error", None]))
        lines = dyno.wait_for("level=error .*past its limit", times=3)
        assert len(lines) == len(request_ids) == 3
        for request_id in request_ids:
            (line,) = (line for line in lines if f"request_id={request_id} " in line)
            assert "method=GET path=/sleep age_s=" in line
            assert [entry for entry in dyno.log if f"request_id={request_id} | " in entry and "probe.py" in entry]


def test_replaces_a_worker_whose_threads_are_all_stuck(project: Project, probe: str) -> None:
    variables = {"WEB_TIMEOUT": "5", "WEB_THREADS": "2", "WEB_CONCURRENCY": "1"}
    with running(project, probe, **variables) as dyno, ThreadPoolExecutor(8) as pool:
        stuck = dyno.get("/process").json()["pid"]
        forever = [pool.submit(dyno.get, "/sleep?seconds=600") for _ in range(2)]
        waiting = [pool.submit(dyno.get, "/process") for _ in range(4)]
        dyno.wait_for("level=critical .*it is replaced")
        assert {future.result().status_code for future in waiting} == {200}
        assert all(future.exception() for future in forever)
        assert dyno.get("/process").json()["pid"] != stuck
        dyno.wait_for("level=error .*past its limit", times=2)
        assert dyno.stop() == 0


def test_cuts_a_statement_below_the_limit_of_a_request(project: Project, probe: str, database_url: str) -> None:
    with running(project, probe, DATABASE_URL=database_url, WEB_TIMEOUT="5") as dyno:
        assert dyno.get("/setting?name=statement_timeout").text == "3s"
        assert dyno.get("/setting?name=idle_in_transaction_session_timeout").text == "5s"


# Keep-alive


def test_keeps_an_idle_connection_longer_than_the_router(project: Project, probe: str) -> None:
    with running(project, probe, WEB_CONCURRENCY="1") as dyno:
        idle = http.client.HTTPConnection("127.0.0.1", dyno.port)
        idle.request("GET", "/healthz")
        idle.getresponse().read()
        # Less what this machine has been busy with: the router closes after 90 s, and not a second later.
        left = dyno.get("/worker").json()["idle"]
        assert len(left) == 1
        assert 90 < left[0] <= 95
        idle.close()


def test_spreads_kept_connections_over_its_workers(project: Project, probe: str) -> None:
    for _ in range(3):  # chance alone is fair once in a while
        with running(project, probe) as dyno:
            ready: set[int] = set()
            while len(ready) < 2:
                ready.add(dyno.get("/process").json()["pid"])
            pids = []
            kept = [http.client.HTTPConnection("127.0.0.1", dyno.port) for _ in range(16)]
            for connection in kept:
                closes = True
                while closes:  # one is opened again where the worker has sent it to another
                    connection.request("GET", "/process", headers={"Host": "localhost", "X-Forwarded-Proto": "https"})
                    response = connection.getresponse()
                    pid, closes = json.loads(response.read())["pid"], response.will_close
                pids.append(pid)
            for connection in kept:
                connection.close()
        shares = [pids.count(pid) for pid in set(pids)]
        assert len(shares) == 2
        assert min(shares) >= 7


def test_spreads_the_connections_that_one_worker_was_left_with(project: Project, probe: str) -> None:
    headers = {"Host": "localhost", "X-Forwarded-Proto": "https"}
    with running(project, probe, WEB_MAX_REQUESTS="0") as dyno:
        dyno.wait_for("Booting worker", times=2)
        absent = dyno.get("/process").json()["pid"]
        kept = [http.client.HTTPConnection("127.0.0.1", dyno.port) for _ in range(16)]
        os.kill(absent, signal.SIGSTOP)
        # Until the first of its threads has noticed, another might take a client yet.
        deadline = time.monotonic() + PATIENCE
        while any(" T " not in (task / "stat").read_text() for task in Path(f"/proc/{absent}/task").iterdir()):
            assert time.monotonic() < deadline
        for connection in kept:
            connection.request("GET", "/process", headers=headers)
            assert json.loads(connection.getresponse().read())["pid"] != absent
        os.kill(absent, signal.SIGCONT)
        shares = [0]
        deadline = time.monotonic() + PATIENCE
        while min(shares) < 6 and time.monotonic() < deadline:
            pids = []
            for connection in kept:
                # A client opens another connection where the last response has closed one.
                connection.request("GET", "/process", headers=headers)
                pids.append(json.loads(connection.getresponse().read())["pid"])
            shares = [pids.count(absent), len(pids) - pids.count(absent)]
        assert min(shares) >= 6
        for connection in kept:
            connection.close()


@pytest.fixture
def silent(dyno: Dyno) -> Iterator[list[socket.socket]]:
    """Sixteen clients that connect and send nothing, or half a request."""
    clients = [socket.create_connection(("127.0.0.1", dyno.port)) for _ in range(16)]
    for client in clients[::2]:
        client.sendall(b"GET / HT")
    yield clients
    for client in clients:
        client.close()


def test_is_not_held_up_by_clients_that_send_nothing(silent: list[socket.socket], dyno: Dyno) -> None:
    """All of them would have to give up first, if each held a thread."""
    with ThreadPoolExecutor(8) as pool:
        assert {response.status_code for response in pool.map(dyno.get, ["/healthz"] * 32)} == {200}
    for client in silent:
        client.setblocking(False)
        with pytest.raises(BlockingIOError):
            client.recv(1)


def test_answers_a_newcomer_while_kept_connections_keep_it_busy(project: Project, probe: str) -> None:
    """Each of them has its next request in the queue before the newcomer's turn comes."""
    over = threading.Event()

    def loop() -> None:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", dyno.port, timeout=PATIENCE)) as kept:
            while not over.is_set():
                kept.request("GET", "/sleep?seconds=0.1", headers={"Host": "localhost", "X-Forwarded-Proto": "https"})
                assert kept.getresponse().read() == b"slept"

    with running(project, probe, WEB_CONCURRENCY="1", WEB_THREADS="1") as dyno, ThreadPoolExecutor(8) as pool:
        loops = [pool.submit(loop) for _ in range(8)]
        try:
            dyno.wait_for("probe sleeps", times=40)
            for _ in range(3):
                assert dyno.get("/healthz").status_code == 200
        finally:
            over.set()
        for each in loops:
            each.result()


def test_serves_a_steady_reader_however_much_the_kernel_holds_for_it(project: Project, probe: str) -> None:
    """It may be long until there is room again for the server, which hears of nothing meanwhile."""
    with running(project, probe, PROBE_STALL="1", WEB_CONCURRENCY="1") as dyno, socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        client.settimeout(PATIENCE)
        client.connect(("127.0.0.1", dyno.port))
        client.sendall(b"GET /large" + HEAD + b"Connection: close\r\n\r\n")
        received = 0
        while part := client.recv(65536):
            received += len(part)
            time.sleep(0.1)  # as a slow network does
        assert received > 12_000_000


def test_reads_a_request_that_comes_in_pieces(dyno: Dyno) -> None:
    with socket.create_connection(("127.0.0.1", dyno.port), timeout=PATIENCE) as client:
        for piece in (b"GET /heal", b"thz HTTP/1.1\r\nHo", b"st: localhost\r\nConnection: close\r\n", b"\r\n"):
            client.sendall(piece)
            time.sleep(0.1)  # a packet of its own
        assert b"".join(iter(lambda: client.recv(4096), b"")).startswith(b"HTTP/1.1 200 OK")


# Environment and precedence


def test_takes_as_many_workers_as_fit(project: Project, probe: str) -> None:
    """On one CPU of this machine's; what memory allows is a test of the project's own."""
    cpu = min(os.sched_getaffinity(0))
    with running(project, f"taskset --cpu-list {cpu} {probe}", WEB_CONCURRENCY="") as dyno:
        line = dyno.wait_for(r"Serving with workers: \d+ \(\d+ MB of (cgroup v[12]|physical memory), CPUs: 1\)")[0]
        workers, memory = map(int, re.findall(r"workers: (\d+) \((\d+) MB", line)[0])
        assert workers == max(1, min(memory // 256, 3))
        dyno.wait_for("Booting worker", times=workers)
        assert len(dyno.wait_for("Serving with")) == 1


@pytest.mark.parametrize(
    ("max_requests", "least", "most"),
    [("", NEVER, NEVER), ("80", 80, 100), ("0", NEVER, NEVER)],
    ids=["by default", "as told", "never"],
)
def test_replaces_a_worker_after_its_requests(
    max_requests: str, least: int, most: int, project: Project, probe: str
) -> None:
    with running(project, probe, WEB_MAX_REQUESTS=max_requests) as dyno:
        worker = dyno.get("/worker").json()
        assert least <= worker["max_requests"] <= most
        # Either the count or the memory decides.
        assert (worker["memory_mb"] is None) is bool(max_requests)


def test_replaces_a_worker_that_has_outgrown_its_memory(project: Project, probe: str) -> None:
    with running(project, probe, WEB_CONCURRENCY="1", WEB_MEMORY_MB="200") as dyno:
        first = dyno.get("/process").json()["pid"]
        for leak in (0, 250):
            assert dyno.get(f"/leak?mb={leak}").text == "leaked"
            with Load(dyno) as load:
                if leak:
                    dyno.wait_for("that it may have: it is replaced")
                    dyno.wait_for("Worker exiting")
                else:
                    while load.answered < 1300:
                        load.over.wait(0.05)
            assert (load.lost, load.refused) == ([], 0)
            # One that has not grown serves on.
            assert (dyno.get("/process").json()["pid"] == first) is not leak


def test_refuses_to_end_tls_itself(project: Project) -> None:
    """In a line that names who can."""
    refused = project.run("gunicorn --certfile Procfile --keyfile Procfile config.wsgi", PORT=str(free_port()))
    assert refused.returncode == 1
    assert "--worker-class gthread" in refused.stderr.splitlines()[-1]
    assert "Traceback" not in refused.stdout + refused.stderr


NO_EPOLL = """
import runpy, select, sys
for name in [name for name in vars(select) if name.lower().startswith("epoll")]:
    delattr(select, name)
sys.platform = "darwin"
print(runpy.run_path("gunicorn.conf.py")["worker_class"])
"""


def test_takes_gunicorns_own_threads_where_there_is_no_epoll(project: Project) -> None:
    shown = project.run(f"python -c {shlex.quote(NO_EPOLL)}")
    assert shown.stdout.splitlines()[-1] == "gthread", shown.stderr


def test_stays_below_the_platforms_limits(project: Project, probe: str) -> None:
    with running(project, probe) as dyno:
        worker = dyno.get("/worker").json()
        assert worker["timeout"] < worker["graceful_timeout"] < 30
        assert worker["reuse_port"] is False


def test_listens_on_ipv4_where_ipv6_is_off(project: Project, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(NO_IPV6)
    variables = {"GUNICORN_CMD_ARGS": "--access-logfile -", "PYTHONPATH": f"{tmp_path}{os.pathsep}{project.path}"}
    with running(project, **variables) as dyno:
        dyno.wait_for(f"Listening at: http://0.0.0.0:{dyno.port} ")
        assert dyno.get("/healthz").status_code == 200


def test_lets_gunicorns_own_arguments_win(project: Project) -> None:
    port = free_port()
    arguments = f"--bind 127.0.0.1:{port} --workers 3 --threads 2 --access-logfile /dev/null"
    arguments += " --max-requests 7 --max-requests-jitter 0"
    with running(project, PORT=str(port), GUNICORN_CMD_ARGS=arguments) as dyno:
        dyno.wait_for(r"Serving with workers: 3 \(as the command line says\), threads of each: 2")
        for _ in range(40):
            dyno.get("/")
        dyno.wait_for("Autorestarting worker after current request")
        assert not [line for line in dyno.log if "gunicorn.access" in line]


def test_believes_a_proxy_that_ends_tls_where_nobody_names_one(project: Project) -> None:
    with running(project, FORWARDED_ALLOW_IPS="") as dyno:
        for scheme, status in ("https", 200), ("http", 301):
            # Gunicorn believes 127.0.0.1 and ::1 anyway.
            proxy = http.client.HTTPConnection("127.0.0.1", dyno.port, source_address=("127.0.0.2", 0))
            proxy.request("GET", "/", headers={"Host": "localhost", "X-Forwarded-Proto": scheme})
            assert proxy.getresponse().status == status
            proxy.close()


def test_cannot_be_moved_by_a_visitors_header(dyno: Dyno) -> None:
    response = dyno.get("/no-such-page", headers={"SCRIPT_NAME": "/no-such-page", "PATH_INFO": "/"})
    assert response.status_code == 404


def test_keeps_its_heartbeat_in_memory(project: Project) -> None:
    with running(project) as dyno:
        dyno.wait_for("Booting worker", times=2)
        # As the server's own user, since a container's root may not look at another's.
        look = unprivileged(["sh", "-c", f"readlink /proc/{dyno.process.pid}/fd/*"])
        files = subprocess.run(**look, capture_output=True, text=True, check=True).stdout
        assert "/dev/shm/wgunicorn-" in files


# Reload


def test_reloads_what_a_developer_changes(project: Project) -> None:
    module = project.path / "changing.py"

    def save(version: int) -> None:
        """In one step: a worker that read half a file would find no application in it, and end the server."""
        new = module.with_suffix(".new")
        new.write_text(f"from config.wsgi import application\n\nprint('version {version}', flush=True)\n")
        new.replace(module)

    save(1)
    try:
        with running(project, "gunicorn changing:application", DEBUG="on", WEB_CONCURRENCY="1") as dyno:
            dyno.wait_for("version 1")
            deadline = time.monotonic() + PATIENCE
            # Again and again: the reloader takes what it sees first for what the worker has imported.
            while "version 2" not in dyno.log and time.monotonic() < deadline:
                save(2)
                time.sleep(0.2)
            dyno.wait_for("version 2")
            assert dyno.get("/").status_code == 200
            assert dyno.stop() == 0
    finally:
        module.unlink()


# Bad requests

HEAD = b" HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-Proto: https\r\n"
MALFORMED = [
    *(method + b" /" + HEAD + b"\r\n" for method in [b"", b" ", b"G\x00T", b"get it", b"\xff\xfe", b"G" * 5000]),
    *(
        b"GET " + target + HEAD + b"\r\n"
        for target in [b"", b"x", b"\x00", b"/\r\nX: y", b"http://[", b"/" + b"a" * 9000]
    ),
    *(b"GET /" + bytes([byte]) + HEAD + b"\r\n" for byte in [*range(33), *range(127, 256)]),
    *(b"GET / HTTP/" + version + b"\r\n\r\n" for version in [b"", b"0.9", b"1.", b"1.11", b"2.0", b"x", b"-1.1"]),
    *(b"GET /" + HEAD + header + b"\r\n\r\n" for header in [b":", b"a", b" a: b", b"a b: c", b"a\x00: b", b"a: \x00"]),
    *(b"GET /" + HEAD + b"H%d: x\r\n" % number * 101 + b"\r\n" for number in range(3)),
    b"GET /" + HEAD + b"A: " + b"a" * 9000 + b"\r\n\r\n",
    b"GET /" + HEAD + b"Host: other\r\n\r\n",
    b"GET http://evil.example/" + HEAD.replace(b"localhost", b"evil.example") + b"\r\n",
    *(
        b"POST /" + HEAD + b"Content-Length: " + length + b"\r\n\r\nx"
        for length in [b"-1", b"x", b"1, 2", b"+1", b"0x1", b""]
    ),
    b"POST /" + HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
    b"POST /" + HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /evil HTTP/1.1\r\n\r\n",
    *(
        b"POST /" + HEAD + b"Transfer-Encoding: " + coding + b"\r\n\r\n0\r\n\r\n"
        for coding in [b"xchunked", b"chunked, identity", b"chunked\r\nTransfer-Encoding: x", b"\x0bchunked", b"gzip"]
    ),
    *(
        b"POST /" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunk
        for chunk in [
            b"zz\r\n",
            b"-1\r\nx",
            b"5\r\nx\r\n0\r\n\r\n",
            b"1\nx\n0\n\n",
            b"f" * 20 + b"\r\n",
            b"1;\x00\r\nx\r\n",
        ]
    ),
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    *(bytes(random.Random(seed).randbytes(200)) + b"\r\n\r\n" for seed in range(20)),
]


def answer(dyno: Dyno, request: bytes) -> bytes:
    """What a request gets until the server closes the connection; the client has hung up its own side."""
    with socket.create_connection(("127.0.0.1", dyno.port), timeout=PATIENCE) as client:
        try:
            client.sendall(request)
            client.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: client.recv(65536), b""))
        except (BrokenPipeError, ConnectionResetError):
            return b""


def test_survives_malformed_requests(project: Project) -> None:
    assert len(set(MALFORMED)) >= 200
    with running(project) as dyno:
        # The second may take longer to start than all of these to be answered.
        dyno.wait_for("Booting worker with pid", times=2)
        dyno.get("/")
        for request in MALFORMED:
            status = answer(dyno, request).partition(b" ")[2][:3]
            # A client's fault, never ours; a strange path may be a page, a request may just end, and 501 is what
            # RFC 9112 wants for a transfer coding that nobody knows.
            assert status in {b"", b"200", b"301", b"501"} or status.startswith(b"4"), (request[:80], status)
        before = memory(dyno)
        for request in MALFORMED:
            answer(dyno, request)
        assert memory(dyno) < before * 1.1
        assert dyno.get("/").status_code == 200
        assert len([line for line in dyno.log if "Booting worker" in line]) == 2
        assert [line for line in dyno.log if "Traceback" in line or not line.startswith("level=")] == []


def memory(dyno: Dyno) -> int:
    """What the workers have resident, in kB."""
    children = Path(f"/proc/{dyno.process.pid}/task/{dyno.process.pid}/children").read_text().split()
    statuses = [Path(f"/proc/{child}/status").read_text() for child in children]
    return sum(int(line.split()[1]) for status in statuses for line in status.splitlines() if line.startswith("VmRSS"))


def test_marks_nothing_with_the_id_of_a_request_that_is_over(project: Project) -> None:
    with running(project, WEB_CONCURRENCY="1", WEB_THREADS="1") as dyno:
        dyno.get("/", headers={"X-Request-Id": "long-gone"})
        answer(dyno, b"not HTTP\r\n\r\n")
        assert "long-gone" not in dyno.wait_for("Invalid request")[0]


@pytest.mark.parametrize("bytes_sent", [b"%0d%0alevel=error", b"%1b[2J", b"%22%20status=200", b"%ff%fe"])
def test_logs_a_strange_path_in_one_line(bytes_sent: bytes, dyno: Dyno) -> None:
    seen = len(dyno.log)
    answer(dyno, b"GET /strange" + bytes_sent + HEAD + b'X-Forwarded-For: 1" status=200\r\nConnection: close\r\n\r\n')
    dyno.wait_for('path="?/strange' + re.escape(bytes_sent.decode("latin-1")))
    new = dyno.log[seen:]
    # Another connection may have something to say meanwhile, but in a line of its own, and nothing is an error.
    assert [line for line in new if not re.match(r"level=(info|warning) logger=\S+ ", line)] == []
