"""What a project may cost, as ratios within one run, and whether it does."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from benchmarks import stops
from benchmarks.contenders import BARE, COMPARED_PAGES, GTHREAD, PROJECT, SYNC, UNSHARED
from benchmarks.imports import Package
from benchmarks.measure import CONNECTIONS
from benchmarks.samples import Figure, Samples, Summary
from benchmarks.slow import AT_WORKERS, CROWDS, VISITORS

# What most platforms start with, and so what a target holds for unless it says otherwise.
WORKERS = 2
# What a request may cost in CPU time where sync takes 1, by what becomes of its connection.
PRICES = {"kept": 0.95, "closed": 1.05}


def usual(counts: list[int]) -> int:
    return WORKERS if WORKERS in counts else counts[0]


@dataclass(frozen=True)
class Target:
    """A ratio and its limit: ``least`` or ``most``, both allowed."""

    framework: str
    what: str
    ratio: Summary
    least: float = -math.inf
    most: float = math.inf

    @property
    def met(self) -> bool:
        return self.least <= self.ratio.median <= self.most

    @property
    def limit(self) -> str:
        return f"≥ {self.least:g}" if self.most == math.inf else f"≤ {self.most:g}"


def targets(samples: Samples, framework: str, counts: list[int], packages: list[Package]) -> Iterator[Target]:
    """Every target that a run with so many workers, ``counts``, can tell anything about."""
    most_usual = usual(counts)

    def target(what: str, ratio: Summary | None, least: float = -math.inf, most: float = math.inf) -> Iterator[Target]:
        if ratio:
            yield Target(framework, what, ratio, least, most)

    for kind, price in PRICES.items():
        for page in COMPARED_PAGES:
            for workers in counts:
                figure = Figure(framework, "CPU a request, ms", PROJECT.name, workers, page, kind)
                what = f"{page}: CPU time, connections {kind}, workers: {workers}; Gunicorn's sync worker = 1"
                yield from target(what, samples.ratio(figure, contender=SYNC.name), most=price)
    for page in COMPARED_PAGES:
        for workers in counts:
            figure = Figure(framework, "requests/s", PROJECT.name, workers, page, "closed")
            what = f"{page}: requests/s, connections closed, workers: {workers}; Gunicorn's sync worker = 1"
            yield from target(what, samples.ratio(figure, contender=SYNC.name), least=0.9)
    failed = Figure(framework, "failed", PROJECT.name, AT_WORKERS, connections="with")
    for crowd in CROWDS:
        figure = replace(failed, page=crowd.name, measure="p50, ms")
        what = f"home page's median beside {crowd.name}; without = 1"
        yield from target(what, samples.ratio(figure, connections="without"), most=2)
    for measure, what in [
        ("failed", f"visitors of {len(CROWDS) * VISITORS} who were not served beside slow clients"),
        ("clients lost", "slow clients whom the server has let down"),
    ]:
        each_crowd = (samples.values(replace(failed, page=crowd.name, measure=measure)) for crowd in CROWDS)
        yield from target(what, Summary.of([sum(values) for values in zip(*each_crowd, strict=True)]), most=0)
    lost = Figure(framework, "lost", PROJECT.name, stops.AT_WORKERS, "stops")
    yield from target(f"requests lost at {stops.STOPS} stops", samples.summary(lost), most=0)
    rate = Figure(framework, "requests/s", PROJECT.name, most_usual)
    for page, than, least in [
        ("/healthz", "the bare framework's trivial view", 0.9),
        ("/", "a bare view with the same template", 0.6),
        ("static file", "bare WhiteNoise", 0.8),
    ]:
        for kind in CONNECTIONS:
            ratio = samples.ratio(replace(rate, page=page, connections=kind), contender=BARE.name)
            yield from target(f"{page}: requests/s, connections {kind}; {than} = 1", ratio, least=least)
    for when in "idle", "after load":
        figure = Figure(framework, f"memory {when}, MB", PROJECT.name, most_usual)
        what = f"memory {when}, {most_usual} workers; bare framework with the same packages = 1"
        yield from target(what, samples.ratio(figure, contender=BARE.name), most=1.10 if when == "after load" else 1.15)
    figure = Figure(framework, "memory after load, MB", PROJECT.name, most_usual)
    what = f"memory after load, {most_usual} workers; Gunicorn's threaded worker = 1"
    yield from target(what, samples.ratio(figure, contender=GTHREAD.name), most=1.05)
    for when in "idle", "after load":
        if len(counts) > 1:
            figure = Figure(framework, f"memory {when}, MB", PROJECT.name, counts[-1])
            shared = samples.per_worker(figure, counts[0])
            alone = samples.per_worker(replace(figure, contender=UNSHARED.name), counts[0])
            # Without preload, memory is measured in the first round only.
            ratio = Summary.of([mine / yours for mine, yours in zip(shared, alone, strict=False)])
            yield from target(f"memory {when} of each further worker; without preload = 1", ratio, most=0.4)
    figure = Figure(framework, "boot, s", PROJECT.name, most_usual, "/")
    what = "boot to the first home page; bare framework with the same packages = 1"
    yield from target(what, samples.ratio(figure, contender=BARE.name), most=1.10)
    needless = sum(each.needless for each in packages)
    yield from target("packages imported at the start without a use", Summary.of([needless]), most=0)
    for workers in counts:
        wait = Figure(framework, "requests/s", PROJECT.name, workers, "/wait", "kept")
        ratio = samples.ratio(wait, contender=SYNC.name)
        yield from target(f"50 ms page: requests/s, workers: {workers}; Gunicorn's sync worker = 1", ratio, least=3)
    for workers in counts:
        p99 = Figure(framework, "p99, ms", PROJECT.name, workers, "/wait", "kept")
        ratio = samples.ratio(p99, measure="p50, ms")
        yield from target(f"50 ms page: p99, workers: {workers}; p50 = 1", ratio, most=3)
    figure = Figure(framework, "generation, s", PROJECT.name)
    what = "generation; the same template with empty hooks = 1"
    yield from target(what, samples.ratio(figure, contender="idle hooks"), most=1.2)
