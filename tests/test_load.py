"""A generated project says in its log what its workers take, and how long requests wait for a thread."""

import re
import socket
import struct
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.conftest import thorough
from tests.crowd import until
from tests.dyno import Dyno, running
from tests.projects import Project
from tests.protocol import connect, get

LINE = r"level=info logger=runtime\.load .*pid=(?P<pid>\d+) .*requests="


def figures(dyno: Dyno, name: str) -> list[float]:
    """What each line says of something."""
    lines = [line for line in dyno.log if re.match(LINE, line)]
    return [float(re.findall(rf" {name}=(\S+)", line)[0]) for line in lines]


def milliseconds_since_it_sent(client: socket.socket) -> int:
    return int(struct.unpack_from("=I", client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 48), 44)[0])


@thorough
def test_says_how_long_requests_have_waited_for_a_thread(project: Project, probe: str, tmp_path: Path) -> None:
    end = tmp_path / "end"
    variables = {"WEB_CONCURRENCY": "1", "WEB_THREADS": "2", "PROBE_INTERVAL": "0"}
    with running(project, probe, **variables) as dyno, ThreadPoolExecutor(2) as pool:
        held = [pool.submit(dyno.get, f"/hold?until={end}") for _ in range(2)]
        dyno.wait_for("probe holds", times=2)
        with connect(dyno.port) as client:
            client.sendall(get(b"/process"))
            assert until(lambda: milliseconds_since_it_sent(client) >= 200)
            end.touch()
            assert client.recv(65536).startswith(b"HTTP/1.1 200")
        assert [one.result().text for one in held] == ["held", "held"]
        assert until(lambda: sum(figures(dyno, "requests")) == 3)
        # The kernel's clock has ticks.
        assert max(figures(dyno, "waited_most_ms")) >= 150
        assert max(figures(dyno, "busy_most")) == 2
        assert {*figures(dyno, "threads")} == {2}
        assert all(0 < own < 500 for own in figures(dyno, "own_mb"))
        assert all(0 < shared < 500 for shared in figures(dyno, "shared_mb"))


@thorough
def test_says_nothing_of_workers_that_have_nothing_to_do(project: Project, probe: str) -> None:
    with running(project, probe, WEB_CONCURRENCY="2", PROBE_INTERVAL="0") as dyno:
        pid = dyno.get("/process").json()["pid"]
        assert until(lambda: figures(dyno, "requests") == [1])
        assert figures(dyno, "pid") == [pid]
        assert dyno.stop() == 0
    assert figures(dyno, "requests") == [1]
