"""What Gunicorn decides when it starts."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from runtime import server, timeouts

CPU_V1 = "sys/fs/cgroup/cpu"
HUGE = "9223372036854771712"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The root of a machine with 8 CPUs and 64 GB of memory, and no control groups yet."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(os, "sysconf", {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 64 * 2**30 // 4096}.__getitem__)
    monkeypatch.delenv("WEB_CONCURRENCY", raising=False)
    return tmp_path


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"{text}\n")


@pytest.mark.parametrize(
    ("files", "count", "why"),
    [
        ({}, 17, "physical"),
        ({"sys/fs/cgroup/memory.max": "max"}, 17, "physical"),
        ({"sys/fs/cgroup/memory.max": str(512 * 2**20)}, 2, "cgroup v2"),
        ({"sys/fs/cgroup/memory.max": str(100 * 2**20)}, 1, "cgroup v2"),
        ({"sys/fs/cgroup/memory.max": str(2**40)}, 17, "physical"),
        ({"sys/fs/cgroup/memory/memory.limit_in_bytes": str(1024 * 2**20)}, 4, "cgroup v1"),
        ({"sys/fs/cgroup/memory/memory.limit_in_bytes": HUGE}, 17, "physical"),
        ({"sys/fs/cgroup/cpu.max": "max 100000"}, 17, "CPUs: 8"),
        ({"sys/fs/cgroup/cpu.max": "150000 100000"}, 5, "CPUs: 2"),
        ({"sys/fs/cgroup/cpu.max": "10000 100000"}, 3, "CPUs: 1"),
        ({f"{CPU_V1}/cpu.cfs_quota_us": "-1", f"{CPU_V1}/cpu.cfs_period_us": "100000"}, 17, "CPUs: 8"),
        ({f"{CPU_V1}/cpu.cfs_quota_us": "100000", f"{CPU_V1}/cpu.cfs_period_us": "100000"}, 3, "CPUs: 1"),
        (
            {
                "proc/self/cgroup": "0::/app/web",
                "sys/fs/cgroup/app/memory.max": str(768 * 2**20),
                "sys/fs/cgroup/app/web/memory.max": "max",
            },
            3,
            "cgroup v2",
        ),
        (
            {
                "proc/self/cgroup": "5:cpu,cpuacct:/app\n3:memory:/app",
                "sys/fs/cgroup/memory/app/memory.limit_in_bytes": str(512 * 2**20),
            },
            2,
            "cgroup v1",
        ),
    ],
)
def test_workers_follow_what_the_process_may_use(files: dict[str, str], count: int, why: str, machine: Path) -> None:
    write(machine, files)
    chosen, reason = server.workers(machine)
    assert chosen == count
    assert why in reason


def test_web_concurrency_decides(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEB_CONCURRENCY", "6")
    assert server.workers(machine) == (6, "as WEB_CONCURRENCY says")


def test_a_platforms_port_is_open_to_all_and_ours_to_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PORT", raising=False)
    assert server.bind() == "127.0.0.1:8000"
    monkeypatch.setenv("PORT", "5000")
    assert server.bind() in {"[::]:5000", "0.0.0.0:5000"}


def test_without_ipv6_ipv4_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_ipv6(*_: object) -> socket.socket:
        raise OSError("Address family not supported by protocol")

    monkeypatch.setattr(socket, "socket", no_ipv6)
    monkeypatch.setenv("PORT", "5000")
    assert server.bind() == "0.0.0.0:5000"


def test_a_port_in_use_is_refused_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(SystemExit, match=rf"^Port {port} is in use\. Choose another: PORT=8001"):
            server.refuse_taken_port("127.0.0.1", port)


def test_each_limit_is_below_the_next() -> None:
    limits = [timeouts.CONNECT, timeouts.STATEMENT, timeouts.REQUEST, timeouts.GRACEFUL, timeouts.ROUTER]
    assert sorted(set(limits)) == limits


def test_gunicorns_configuration_loads() -> None:
    subprocess.run([sys.executable, "-m", "gunicorn", "--check-config"], check=True)
