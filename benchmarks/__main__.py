"""The command ``make bench``."""

import argparse
import contextlib
import os
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import NoReturn

from benchmarks import imports, jobs, measure, path, plots, report, slow, spread, stops
from benchmarks.contenders import (
    BARE,
    BARE_PAGES,
    BOOTED,
    CLASSES,
    GTHREAD,
    PAGES,
    PROJECT,
    SERVED,
    SERVERS,
    SYNC,
    WEIGHED,
    Build,
    peers,
)
from benchmarks.samples import Samples
from benchmarks.targets import targets, usual
from tests.projects import FRAMEWORKS, ROOT, clean_template
from tests.services import database_server, new_database


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each figure is measured")
    parser.add_argument("--seconds", type=float, default=0.3, help="how long a turn at a page is")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--frameworks", nargs="+", default=FRAMEWORKS, choices=FRAMEWORKS)
    parser.add_argument("--output", type=Path, default=ROOT / "docs", help="the folder to write to")
    return parser.parse_args()


def run(rounds: int, seconds: float, workers: list[int], frameworks: list[str]) -> report.Run:
    """Measure everybody in a first round, and what a target compares in each further one too."""
    samples = Samples()
    began = time.monotonic()

    def tell(what: str) -> None:
        print(f"{time.monotonic() - began:5.0f} s  {what}", file=sys.stderr, flush=True)

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        os.environ["HOME"] = str(folder)  # where Cookiecutter keeps its replay files
        server = stack.enter_context(database_server())
        builds = []
        for framework in frameworks:
            tell(f"{framework}: generate and install")
            builds.append(Build(framework, folder / framework, new_database(server)))
            measure.packages(samples, builds[-1])
        profiles = {build.framework: imports.profile(build) for build in builds}
        for number in range(1, rounds + 1):
            first = number == 1
            for build in builds:
                others = peers(build.framework)
                for count in workers:
                    tell(f"round {number} of {rounds}, {build.framework}, workers: {count}")
                    booted, served, pages = (*BOOTED, *others), CLASSES, BARE_PAGES
                    if count == usual(workers):
                        served, pages = (*SERVED, *others), PAGES
                    if not first:
                        booted = (PROJECT, BARE) if count == usual(workers) else ()
                        served = (*WEIGHED, BARE) if count == usual(workers) else WEIGHED
                    measure.boots(samples, build, booted, count)
                    if count == usual(workers):
                        measure.reboots(samples, build, count)
                    measure.serve(samples, build, served, pages, count, seconds, measure.CONNECTIONS)
                tell(f"round {number} of {rounds}, {build.framework}, slow clients")
                # Where nobody is served, once is long enough.
                slow.crowds(samples, build, *([GTHREAD, SYNC, *SERVERS] if first else []))
                spread.spread(samples, build, [PROJECT, GTHREAD] if first else [PROJECT])
                jobs.worker(samples, build)
                measure.generation(samples, build.framework, folder)
                if first:
                    tell(f"{build.framework}: decisions, stops, a request's path")
                    measure.decisions(samples, build, seconds)
                    stops.stops(samples, build, (*CLASSES, *others))
                path.path(samples, build)
        tell("done")
    packages = {framework: profile[0] for framework, profile in profiles.items()}
    idle = {framework: profile[1] for framework, profile in profiles.items()}
    found = [target for framework in frameworks for target in targets(samples, framework, workers, packages[framework])]
    return report.Run(rounds, seconds, workers, frameworks, samples, packages, idle, found)


def write(measured: report.Run, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in {
        "benchmarks.md": report.markdown(measured),
        "benchmarks.json": report.as_json(measured),
        "memory.svg": plots.memory(measured),
        "throughput.svg": plots.throughput(measured),
    }.items():
        (folder / name).write_text(content, "utf-8")


def stop(number: int, frame: FrameType | None) -> NoReturn:
    """End by an exception, so that no server is left behind."""
    # `timeout make bench` says it twice, through make and to all in its group: the first is being obeyed.
    for each in signal.SIGTERM, signal.SIGINT:
        signal.signal(each, signal.SIG_IGN)
    sys.exit("stopped")


def main() -> None:
    given = arguments()
    if not Path("/proc/self/smaps_rollup").exists():
        sys.exit("The benchmark reads memory from /proc/*/smaps_rollup, which only Linux has.")
    clean_template()
    # As pip does on the platform, before anything boots.
    os.environ["UV_COMPILE_BYTECODE"] = "1"
    for number in signal.SIGTERM, signal.SIGINT:
        signal.signal(number, stop)
    try:
        measured = run(given.rounds, given.seconds, sorted(set(given.workers)), given.frameworks)
    finally:
        # A server that was just about to be named.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            for process in list(measure.processes(os.getpid()))[1:]:
                os.kill(process, signal.SIGKILL)
    write(measured, given.output)
    print("\n".join(report.targets(measured)))
    print(f"Written: {given.output}/benchmarks.md and .json, memory.svg, throughput.svg")


if __name__ == "__main__":
    main()
