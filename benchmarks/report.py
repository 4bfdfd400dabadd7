"""Writes what was measured as Markdown and JSON."""

import json
import os
import platform
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import jobs, load, path, slow, spread, stops
from benchmarks.contenders import (
    AGAIN,
    AS_IT_IS,
    BOOTED,
    CLASSES,
    DECIDED_PAGES,
    GTHREAD,
    PAGES,
    PROJECT,
    SERVED,
    SERVERS,
    SYNC,
    UNDONE,
    Contender,
    peers,
)
from benchmarks.imports import Package
from benchmarks.measure import CLIENTS, CONNECTIONS, SLICES
from benchmarks.samples import Figure, Samples, short
from benchmarks.targets import Target, usual
from tests.projects import CHOICES, PYTHON

TITLES: dict[str, str] = CHOICES["_frameworks"]
MOST = 12  # rows of an import profile
# Who has less than this over the project is not ahead of it: two of a kind may be as far apart.
CHANCE = 0.03
# By what, where somebody is.
REASONS = {
    "sync": "one thread a worker, which reads, answers and closes without asking who else has come; a page that waits, "
    "or a slow client, stops all of the worker",
    "gthread": "hands each request from thread to thread; where only the application takes time, that hardly shows",
    "granian": "reads and writes HTTP in Rust, beside the interpreter's lock; its workers share no memory, and what a "
    "stop costs is below",
    "uvicorn": "reads HTTP in C on one loop a worker, and has more threads for pages that wait; its workers share no "
    "memory, and what slow clients and a stop cost is below",
    "waitress": "one process: the memory of one, and one interpreter's lock for all",
    "start": "has no request ids, no checks of hosts, no security headers and no services, and imports less",
}


@dataclass
class Run:
    """One run of the benchmark; ``packages`` and ``idle`` modules with their milliseconds, by framework."""

    rounds: int
    seconds: float
    workers: list[int]
    frameworks: list[str]
    samples: Samples
    packages: dict[str, list[Package]]
    idle: dict[str, list[tuple[str, float]]]
    targets: list[Target]


def machine() -> str:
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return f"{os.cpu_count()} × {model}, Linux {platform.release().partition('-')[0]}"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join("" if cell is None else str(cell) for cell in row) + " |"
    yield ""


def markdown(run: Run) -> str:
    lines = [
        "# What a project costs",
        "",
        f"Written by `make bench` on {datetime.now(UTC):%d %B %Y}: Python {PYTHON}, {machine()}; "
        f"load from {load.generator()}, on the same machine. "
        f"Medians of {run.rounds} rounds, with the lowest and the highest in brackets; what no target weighs is "
        "measured in the first round only.",
        "",
        "The machine is shared and noisy: trust the ratios, which compare what ran within the same seconds, more than "
        "any figure of its own, and the CPU time of a request more than the requests a second.",
        "",
        *(f"* **{each.name}**: {each.what}." for each in (*BOOTED, AGAIN, *SERVERS)),
        *(f"* **start**, {TITLES[name]}: {peers(name)[-1].what}." for name in run.frameworks),
        "",
        f"{CLIENTS} clients a worker, twice as many as it has threads, send their next request when they have the "
        f"answer to the last; `/wait` waits 50 ms on PostgreSQL. All log each request, as on the platform, save for "
        "`/healthz` under the project's configuration.",
        "",
        f"The contenders of a page are all up, and loaded in turn for {run.seconds:g} s, {SLICES} times in a round, "
        "there and back again. A ratio of requests or CPU time is the median of these pairs.",
        "",
        "![Requests a second, in multiples of Gunicorn's sync worker](throughput.svg)",
        "",
        "![Memory by the number of workers](memory.svg)",
        "",
        "## Targets",
        "",
        *targets(run),
        *ahead(run),
        *(line for framework in run.frameworks for line in serving(run, framework)),
        *on_the_path(run),
        *stopped(run),
        *slow_clients(run),
        *spreads(run),
        *decisions(run),
        *memory_and_boot(run),
        *worker(run),
        *(line for framework in run.frameworks for line in imports(run, framework)),
        *others(run),
    ]
    return "\n".join(lines)


def targets(run: Run) -> Iterator[str]:
    found = {(each.framework, each.what): each for each in run.targets}

    def cells(what: str) -> Iterator[object]:
        for framework in run.frameworks:
            each = found.get((framework, what))
            yield each and each.ratio
            yield each and ("yes" if each.met else "**no**")

    limits = {each.what: each.limit for each in run.targets}
    head = [cell for framework in run.frameworks for cell in (TITLES[framework], "Met")]
    yield from table(["Ratio", "Target", *head], ([what, limit, *cells(what)] for what, limit in limits.items()))


def serving(run: Run, framework: str) -> Iterator[str]:
    yield f"## {TITLES[framework]}: requests a second; p50 and p99 in ms; CPU ms a request, and as a ratio to sync"
    yield ""

    def cell(figure: Figure) -> str:
        rate = run.samples.summary(figure)
        if rate is None:
            return ""
        p50, p99, cpu = (
            short(each.median)
            for measure in ("p50, ms", "p99, ms", "CPU a request, ms")
            if (each := run.samples.summary(replace(figure, measure=measure)))
        )
        ratio = run.samples.ratio(replace(figure, measure="CPU a request, ms"), contender=SYNC.name)
        compared = f" = {ratio}" if ratio and figure.contender != SYNC.name else ""
        return f"{rate}; {p50}, {p99}; {cpu}{compared}"

    yield (
        "The CPU time is that of all processes of a server, in user mode and in the kernel. Sync ends each connection, "
        "whatever its client would like."
    )
    yield ""
    others = PROJECT, *peers(framework)
    for contenders, counts in (SERVED, run.workers), (others, [usual(run.workers)]):
        for kind in CONNECTIONS:
            rows = (
                [page, workers, *cells]
                for page in PAGES
                for workers in counts
                if any(
                    cells := [
                        cell(Figure(framework, "requests/s", each.name, workers, page, kind)) for each in contenders
                    ]
                )
            )
            yield from table([f"Page, connections {kind}", "Workers", *(each.name for each in contenders)], rows)


def ahead(run: Run) -> Iterator[str]:
    yield "## Where somebody is ahead of the project"
    yield ""
    yield (
        f"By more than {CHANCE:.0%}: what they take or give as a multiple of what the project does, by the number of "
        "workers."
    )
    yield ""
    others = {framework: (SYNC, GTHREAD, *peers(framework)) for framework in run.frameworks}
    # The measure, what it is of, and whether more of it is better.
    things = [
        *(
            (measure, page, kind, better)
            for page in PAGES
            for kind in CONNECTIONS
            for measure, better in [("requests/s", True), ("CPU a request, ms", False), ("p99, ms", False)]
        ),
        *((measure, "", "", False) for measure in ("memory idle, MB", "memory after load, MB")),
        *(("boot, s", page, "", False) for page in ("/healthz", "/")),
    ]

    def leads(figure: Figure, contenders: Iterable[Contender], more: bool) -> Iterator[str]:
        for each in contenders:
            found = []
            for workers in run.workers:
                theirs = replace(figure, contender=each.name, workers=workers)
                ratio = run.samples.ratio(theirs, contender=PROJECT.name)
                if ratio and (ratio.median > 1 + CHANCE if more else ratio.median < 1 - CHANCE):
                    found.append(f"{short(ratio.median)} ({workers})")
            if found:
                yield f"{each.name} {', '.join(found)}"

    rows = [
        [TITLES[framework], measure, page, kind, "; ".join(found)]
        for framework, contenders in others.items()
        for measure, page, kind, more in things
        if (found := list(leads(Figure(framework, measure, page=page, connections=kind), contenders, more)))
    ]
    yield from table(["Framework", "Measure", "Page", "Connections", "Who, by what, at how many workers"], rows)
    yield from (f"* **{name}** {why}." for name, why in REASONS.items() if any(f"{name} " in row[-1] for row in rows))
    yield ""


def on_the_path(run: Run) -> Iterator[str]:
    yield "## What is on the path of every request, in microseconds"
    yield ""
    yield "Called in one process, the fastest of several runs: without a network, a lock, or anybody else."
    yield ""
    columns = [(framework, way) for framework in run.frameworks for way in path.WAYS]

    def cells(step: str) -> Iterator[object]:
        for framework, way in columns:
            yield run.samples.summary(Figure(framework, "µs", path.PATH.name, 0, step, way))

    head = ["Step", *(" ".join([TITLES[framework], way]).strip() for framework, way in columns)]
    yield from table(head, ([f"{step}: {what}", *cells(step)] for step, what in path.STEPS.items()))


def stopped(run: Run) -> Iterator[str]:
    yield f"## Requests lost at {stops.STOPS} stops"
    yield ""
    yield (
        f"{stops.CLIENTS} clients loop on the home page, every second one on a kept connection, when all processes get "
        f"SIGTERM at once, at {stops.AT_WORKERS} workers. A request is lost that was sent and got no answer; a new "
        f"connection that is refused is not. *Killed*: those of the stops that took longer than {stops.LIMIT:.0f} s."
    )
    yield ""

    def rows() -> Iterator[list[object]]:
        for framework in run.frameworks:
            for each in (*CLASSES, *peers(framework)):
                figure = Figure(framework, "", each.name, stops.AT_WORKERS, "stops")
                found = [
                    run.samples.summary(replace(figure, measure=measure))
                    for measure in ("answered", "lost", "killed", "longest stop, s")
                ]
                yield [TITLES[framework], each.name, *(short(summary.median) if summary else "" for summary in found)]

    yield from table(["Framework", "", "Answered", "Lost", "Killed", "Longest stop, s"], rows())


def slow_clients(run: Run) -> Iterator[str]:
    yield f"## Slow clients: the home page's p50 and p99 in ms, at {slow.AT_WORKERS} workers of 4 threads"
    yield ""
    yield (
        f"{slow.VISITORS} visitors come within {slow.VISITORS * slow.EVERY:.1f} s, each on a connection of its own, "
        "before the slow clients do and while they are there. Who has no answer in "
        f"{slow.GIVES_UP:g} s has failed, and counts as {slow.GIVES_UP:g} s. "
        f"A slow client moves a byte each {slow.PACE:g} s, or reads 1 kB. "
        "*Let down*: slow clients that the server has meanwhile hung up on, which is one way to be rid of them."
    )
    yield ""

    def cell(figure: Figure) -> str:
        p50, p99, failed, lost = (
            run.samples.summary(replace(figure, measure=measure))
            for measure in ("p50, ms", "p99, ms", "failed", "clients lost")
        )
        if not p50 or not p99 or not failed:
            return ""
        text = f"{short(p50.median)}, {short(p99.median)}"
        # The worst round: a failure is no matter of noise.
        text += f"; {failed.most:.0f} failed" if failed.most else ""
        return text + (f"; {lost.most:.0f} let down" if lost and lost.most else "")

    def rows() -> Iterator[list[object]]:
        for framework in run.frameworks:
            for crowd in slow.CROWDS:
                figure = Figure(framework, "p50, ms", PROJECT.name, slow.AT_WORKERS, crowd.name)
                yield [
                    TITLES[framework],
                    crowd.name,
                    cell(replace(figure, connections="without")),
                    *(cell(replace(figure, contender=each.name, connections="with")) for each in contenders),
                ]

    contenders = *CLASSES, *SERVERS
    head = ["Framework", "Beside", f"{PROJECT.name}, alone", *(each.name for each in contenders)]
    yield from table(head, rows())


def spreads(run: Run) -> Iterator[str]:
    yield "## How evenly kept connections spread over the workers"
    yield ""
    yield "The least and the most that one of them holds in any round, an even share being 1."
    yield ""

    def cell(figure: Figure) -> str:
        least, most = (
            run.samples.summary(replace(figure, measure=measure)) for measure in ("least share", "greatest share")
        )
        return f"{short(least.least)} to {short(most.most)}" if least and most else ""

    def rows() -> Iterator[list[object]]:
        for framework in run.frameworks:
            for workers in spread.AT_WORKERS:
                for clients in spread.CLIENTS:
                    for way in spread.WAYS:
                        figure = Figure(framework, "", "", workers, f"{clients} {way}")
                        yield [
                            TITLES[framework],
                            workers,
                            f"{clients}, opened {way}",
                            *(cell(replace(figure, contender=each.name)) for each in (PROJECT, GTHREAD)),
                        ]

    yield from table(["Framework", "Workers", "Connections", PROJECT.name, GTHREAD.name], rows())


def decisions(run: Run) -> Iterator[str]:
    yield "## What each decision gains or costs"
    yield ""
    yield "Requests a second of the project as it is, at 2 workers; each time the one that differs = 1."
    yield ""

    def rows() -> Iterator[list[object]]:
        for framework in run.frameworks:
            for each in UNDONE:
                figure = Figure(framework, "requests/s", AS_IT_IS.name, 2, "", "kept")
                yield [
                    TITLES[framework],
                    each.what,
                    *(run.samples.ratio(replace(figure, page=page), contender=each.name) for page in DECIDED_PAGES),
                ]

    yield from table(["Framework", "Against the project", *DECIDED_PAGES], rows())


def memory_and_boot(run: Run) -> Iterator[str]:
    yield "## Memory in MB (PSS of all processes) and boot in seconds"
    yield ""

    def rows() -> Iterator[list[object]]:
        for framework in run.frameworks:
            for each in (*BOOTED, *peers(framework)):
                for workers in run.workers:
                    figure = Figure(framework, "", each.name, workers)
                    yield [
                        TITLES[framework],
                        each.name,
                        workers,
                        run.samples.summary(replace(figure, measure="memory idle, MB")),
                        run.samples.summary(replace(figure, measure="memory after load, MB")),
                        run.samples.summary(replace(figure, measure="boot, s", page="/healthz")),
                        run.samples.summary(replace(figure, measure="boot, s", page="/")),
                    ]

    head = ["Framework", "", "Workers", "Idle", "After load", "Boot to `/healthz`", "Boot to `/`"]
    yield from table(head, rows())


def worker(run: Run) -> Iterator[str]:
    yield "## The worker process, with 4 threads"
    yield ""
    yield (
        f"Memory in MB (PSS) before and after its jobs; the median of {jobs.ONE_BY_ONE} from a job's deferral to its "
        f"first line, the worker being idle; and how many of {jobs.TOGETHER} that come at once it does in a second, "
        "from empty tables that PostgreSQL knows to be empty."
    )
    yield ""
    measures = "memory idle, MB", "memory after load, MB", "defer to start, ms", "jobs/s"
    yield from table(
        ["", "Idle", "After load", "Defer to start, ms", "Jobs a second"],
        (
            [
                TITLES[framework],
                *(run.samples.summary(Figure(framework, measure, jobs.CHORES.name)) for measure in measures),
            ]
            for framework in run.frameworks
        ),
    )


def imports(run: Run, framework: str) -> Iterator[str]:
    packages = run.packages[framework]
    total = sum(each.milliseconds for each in packages)
    yield f"## {TITLES[framework]}: what a boot imports"
    yield ""
    yield (
        f"{total:.0f} ms by `-X importtime`. A module ran if a visitor who signed up, logged in, changed and reset the "
        "password and left, and looked at each other page, has had any function of it run."
    )
    yield ""
    yield from table(
        ["Package", "ms", "Modules", "that ran", "not in Python"],
        (
            [each.name, short(each.milliseconds), each.modules, each.ran, each.compiled or ""]
            for each in packages[:MOST]
        ),
    )
    idle = [each for each in packages if each.idle]
    named = ", ".join(f"{each.name} ({short(each.milliseconds)} ms)" for each in idle)
    needless = ", ".join(each.name for each in idle if each.needless)
    yield f"Nothing ran of {named or 'none'}."
    yield f"Imported by the project itself, and not called at the start either: {needless or 'none of them'}."
    yield ""
    modules = ", ".join(f"`{module}` {short(taken)}" for module, taken in run.idle[framework][:MOST])
    yield f"The slowest modules of which nothing ran, in ms: {modules}."
    yield ""


def others(run: Run) -> Iterator[str]:
    yield "## Generation and packages"
    yield ""

    def rows() -> Iterator[list[object]]:
        for framework in run.frameworks:
            figure = Figure(framework, "generation, s")
            yield [
                TITLES[framework],
                *(
                    run.samples.summary(replace(figure, contender=name))
                    for name in ("project", "idle hooks", "trivial")
                ),
                run.samples.summary(Figure(framework, "packages")),
                run.samples.summary(Figure(framework, "packages, MB")),
            ]

    head = ["", "Generation, s", "with empty hooks", "a template of one file", "Packages installed", "MB on disk"]
    yield from table(head, rows())


def as_json(run: Run) -> str:
    """Everything that was measured, one figure a line."""
    parts: dict[str, Any] = {
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "python": PYTHON,
        "load": load.generator(),
        "rounds": run.rounds,
        "seconds": run.seconds,
        "workers": run.workers,
        "targets": [
            {"framework": each.framework, "what": each.what, "limit": each.limit, "met": each.met} | asdict(each.ratio)
            for each in run.targets
        ],
        "packages": [
            {"framework": framework} | asdict(each) for framework in run.frameworks for each in run.packages[framework]
        ],
        "figures": list(run.samples.rows()),
    }

    def lines(value: Any) -> str:
        if not isinstance(value, list) or not isinstance(value[0], dict):
            return json.dumps(value, ensure_ascii=False)
        return "[\n" + ",\n".join(json.dumps(each, ensure_ascii=False) for each in value) + "\n]"

    return "{\n" + ",\n".join(f'"{name}": {lines(value)}' for name, value in parts.items()) + "\n}\n"
