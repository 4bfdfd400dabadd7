"""Measures one round of each figure, contender after contender, so that a noisy machine disturbs all of them alike.

A machine that others share is faster in one second than in the next. So the contenders of a page are loaded in turn,
a slice of a second each, there and back again, and compared slice by slice with who came just before or after.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from benchmarks import load
from benchmarks.contenders import (
    AS_IT_IS,
    BARE,
    BARE_PAGES,
    DECIDED_PAGES,
    PROJECT,
    UNDONE,
    Build,
    Contender,
    Server,
    running,
)
from benchmarks.samples import Figure, Samples
from tests.projects import ROOT

# Clients a worker: twice as many as it has threads.
CLIENTS = 8
# How often a round measures what is short: generations, and boots, whose target is tight.
REPEATS, BOOTS = 3, 7
# The turns of each contender at a page, in a round.
SLICES = 4
# Seconds in which each thread answers something of each page.
WARM_UP = 0.2
CONNECTIONS = {"kept": True, "closed": False}


def processes(root: int) -> Iterator[int]:
    """A process and all below it."""
    yield root
    children = []
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a process or a thread that has just ended
        for task in Path(f"/proc/{root}/task").iterdir():
            children += (task / "children").read_text().split()
    for child in children:
        yield from processes(int(child))


def memory(root: int) -> float:
    """Megabytes that a process and all below it hold, what they share with others counted in proportion (PSS)."""
    total = 0
    for process in processes(root):
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def cpu(root: int) -> float:
    """Seconds of CPU time that a process and all below it, those that have ended included, have taken so far."""
    # Those that have ended; a tick, which is all that /proc tells of the others, is 10 ms.
    fields = Path(f"/proc/{root}/stat").read_text().rpartition(") ")[2].split()
    seconds = sum(map(int, fields[13:15])) / os.sysconf("SC_CLK_TCK")
    for process in processes(root):
        with contextlib.suppress(OSError):  # a worker that is replaced just now
            # The name that clock_getcpuclockid(3) gives to the clock of a process, which counts nanoseconds.
            seconds += time.clock_gettime(~process << 3 | 2)
    return seconds


def settle(root: int) -> None:
    """Wait until a server is idle: without preload it answers before the last of its workers is up."""
    before, now = -1.0, cpu(root)
    while now > before + 0.01:
        time.sleep(0.1)
        before, now = now, cpu(root)


def warm(server: Server, pages: Iterable[str]) -> None:
    """Have each thread answer each page, so that templates are compiled and connections opened."""
    for page in pages:
        headers = load.HEADERS | {"Connection": "close"}
        load.drive_with_python(server.port, server.path(page), CLIENTS * server.workers, WARM_UP, headers)


def time_boot(samples: Samples, server: Server) -> None:
    for page in "/healthz", "/":
        if page in server.contender.pages:
            figure = Figure(server.build.framework, "boot, s", server.contender.name, server.workers, page)
            samples.add(figure, server.boot(server.path(page)))


def reboots(samples: Samples, build: Build, workers: int) -> None:
    """Boot what is compared a few more times: a boot is short, and its target tight."""
    for contender in (PROJECT, BARE) * (BOOTS - 1):
        with running(build, contender, workers) as server:
            time_boot(samples, server)


def boots(samples: Samples, build: Build, contenders: Iterable[Contender], workers: int) -> None:
    """Boot each contender alone, and look at its memory before and after it has worked."""
    for contender in contenders:
        figure = Figure(build.framework, "", contender.name, workers)
        with running(build, contender, workers) as server:
            time_boot(samples, server)
            settle(server.process.pid)
            samples.add(replace(figure, measure="memory idle, MB"), memory(server.process.pid))
            warm(server, [page for page in BARE_PAGES if page in contender.pages])
            samples.add(replace(figure, measure="memory after load, MB"), memory(server.process.pid))


def serve(
    samples: Samples,
    build: Build,
    contenders: Iterable[Contender],
    pages: Iterable[str],
    workers: int,
    seconds: float,
    connections: Iterable[str],
) -> None:
    """Load page after page, the contenders in turn, ``seconds`` each; all are up, and all but one idle.

    How a connection ends makes no difference to a page that waits, for which a slice is too short.
    """
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(running(build, contender, workers)) for contender in contenders]
        for server in servers:
            server.boot("/")
            warm(server, server.contender.pages)
        for page in pages:
            for kind in connections:
                waits = page == "/wait"
                if waits and kind != "kept":
                    continue
                turn = [server for server in servers if page in server.contender.pages]
                slices: dict[str, list[dict[str, float]]] = {server.contender.name: [] for server in turn}
                for _ in range(1 if waits else SLICES):
                    for server in turn:
                        length = seconds * SLICES if waits else seconds
                        slices[server.contender.name].append(load_once(server, page, length, CONNECTIONS[kind]))
                    turn.reverse()
                for name, found in slices.items():
                    for measure in found[0]:
                        figure = Figure(build.framework, measure, name, workers, page, kind)
                        samples.add(figure, *(each[measure] for each in found))


def load_once(server: Server, page: str, seconds: float, keep_alive: bool) -> dict[str, float]:
    """What a page of one server gives and takes for some time."""
    began = cpu(server.process.pid)
    seen = load.drive(server.port, server.path(page), CLIENTS * server.workers, seconds, keep_alive)
    spent = cpu(server.process.pid) - began
    return {
        "requests/s": seen.rate,
        "CPU a request, ms": spent / seen.requests * 1000,
        "p50, ms": seen.p50 * 1000,
        "p99, ms": seen.p99 * 1000,
    }


def decisions(samples: Samples, build: Build, seconds: float) -> None:
    """The project beside itself with one decision undone, at 2 workers."""
    serve(samples, build, [AS_IT_IS, *UNDONE], DECIDED_PAGES, 2, seconds, ["kept"])


def templates(folder: Path) -> dict[str, Path]:
    """The templates whose generation is timed: ours, ours with hooks that do nothing, and one of a single file."""
    idle, trivial = folder / "idle-hooks", folder / "trivial"
    tree = "{{cookiecutter.project_slug}}"
    if not idle.exists():
        shutil.copytree(ROOT / tree, idle / tree)
        shutil.copy(ROOT / "cookiecutter.json", idle)
        (trivial / tree).mkdir(parents=True)
        (trivial / tree / "README.md").write_text("{{ cookiecutter.project_slug }}\n")
        (trivial / "cookiecutter.json").write_text('{"project_slug": "my-project"}')
        for template in idle, trivial:
            (template / "hooks").mkdir()
            for hook in "pre_gen_project.py", "post_gen_project.py":
                (template / "hooks" / hook).touch()
    return {"project": ROOT, "idle hooks": idle, "trivial": trivial}


def generation(samples: Samples, framework: str, folder: Path) -> None:
    """Seconds that the command ``cookiecutter`` takes, a few times: it is short."""
    for name, template in list(templates(folder).items()) * REPEATS:
        output = folder / "generated"
        command = [f"{sysconfig.get_path('scripts')}/cookiecutter", str(template), "--no-input", "--default-config"]
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, *command, "--output-dir", str(output), f"framework={framework}"],
            env=os.environ | {"HOME": str(folder)},
            check=True,
            capture_output=True,
        )
        samples.add(Figure(framework, "generation, s", name), time.perf_counter() - began)
        shutil.rmtree(output)


def packages(samples: Samples, build: Build) -> None:
    """How many packages a project installs, and their size on disk, bytecode included."""
    site = next(build.runtime.glob("lib/python*/site-packages"))
    size = sum(file.stat().st_size for file in site.rglob("*") if file.is_file() and not file.is_symlink())
    samples.add(Figure(build.framework, "packages"), len(list(site.glob("*.dist-info"))))
    samples.add(Figure(build.framework, "packages, MB"), size / 2**20)
