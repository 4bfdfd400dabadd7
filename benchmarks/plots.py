"""Draws two plots as SVG, in colours that hold on a light and on a dark page."""

from collections.abc import Iterator
from dataclasses import replace

from benchmarks.contenders import BARE, BARE_PAGES, GTHREAD, PROJECT, SYNC, UNSHARED
from benchmarks.report import TITLES, Run
from benchmarks.samples import Figure, Summary, short
from benchmarks.targets import usual

STYLE = """<style>
text { font: 12px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600 } .end { text-anchor: end } .middle { text-anchor: middle } .faint { fill: #57606a }
.axis { stroke: #8c959f; stroke-width: 1 } .spread { stroke: #24292f; stroke-width: 1.5 }
.one { fill: #0969da; stroke: #0969da } .two { fill: #8c959f; stroke: #8c959f }
.three { fill: #bc4c00; stroke: #bc4c00 }
.line { fill: none; stroke-width: 2 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .faint { fill: #9198a1 } .spread { stroke: #e6edf3 }
.one { fill: #4493f8; stroke: #4493f8 } .three { fill: #f0883e; stroke: #f0883e }
}
</style>"""
COLOURS = ["one", "two", "three"]
NAMES = {"/wait": "waits 50 ms"}
PANEL = 400  # pixels from one framework to the next


def svg(title: str, width: int, height: int, parts: Iterator[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{title}">\n{STYLE}\n' + "\n".join(parts) + "\n</svg>\n"
    )


def text(x: float, y: float, words: str, kind: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}">{words}</text>'


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def legend(y: float, names: list[str]) -> Iterator[str]:
    x = 0.0
    for name, colour in zip(names, COLOURS, strict=False):
        yield f'<rect x="{x:.1f}" y="{y - 9:.1f}" width="10" height="10" class="{colour}"/>'
        yield text(x + 16, y, name)
        x += 30 + 6.6 * len(name)


def throughput(run: Run) -> str:
    """Bars: each page's requests a second, in multiples of what Gunicorn's sync worker answers."""
    workers = usual(run.workers)
    title = f"Requests a second with {workers} workers, in multiples of Gunicorn’s sync worker"
    bar, left, width = 14, 105, PANEL - 165

    def ratios(framework: str, page: str) -> list[Summary]:
        figure = Figure(framework, "requests/s", "", workers, page, "kept")
        found = [
            run.samples.ratio(replace(figure, contender=each.name), contender=SYNC.name)
            for each in (PROJECT, GTHREAD, BARE)
        ]
        return [each for each in found if each]

    most = max(each.most for framework in run.frameworks for page in BARE_PAGES for each in ratios(framework, page))
    scale = width / most

    def parts() -> Iterator[str]:
        yield text(0, 14, title, "title")
        yield from legend(36, ["the project", "with gthread", "the bare framework, same configuration"])
        for number, framework in enumerate(run.frameworks):
            x, y = number * PANEL + left, 72
            yield text(x, y - 8, TITLES[framework], "title")
            for page in BARE_PAGES:
                summaries = ratios(framework, page)
                yield text(x - 8, y + bar * len(summaries) / 2 + 4, NAMES.get(page, page), "end")
                for summary, colour in zip(summaries, COLOURS, strict=False):
                    right = x + summary.median * scale
                    yield (
                        f'<rect x="{x}" y="{y}" width="{summary.median * scale:.1f}" height="{bar - 2}" '
                        f'class="{colour}"/>'
                    )
                    middle = y + bar / 2 - 1
                    yield line(x + summary.least * scale, middle, x + summary.most * scale, middle, "spread")
                    yield text(max(right, x + summary.most * scale) + 6, middle + 4, short(summary.median), "faint")
                    y += bar
                y += 10
            yield line(x + scale, 68, x + scale, y - 4, "axis")
            yield text(x + scale, y + 10, "1", "middle faint")

    height = 72 + sum(bar * len(ratios(run.frameworks[0], page)) + 10 for page in BARE_PAGES) + 16
    return svg(title, PANEL * len(run.frameworks), height, parts())


def memory(run: Run) -> str:
    """Lines: memory after load by the number of workers."""
    title = "Memory of all processes after load, in MB (PSS)"
    contenders = [PROJECT, BARE, UNSHARED]
    left, top, width, height = 45, 60, PANEL - 100, 180

    def summaries(framework: str, contender: str) -> list[Summary]:
        figure = Figure(framework, "memory after load, MB", contender)
        found = [run.samples.summary(replace(figure, workers=workers)) for workers in run.workers]
        return [each for each in found if each]

    highest = max(
        each.most for framework in run.frameworks for one in contenders for each in summaries(framework, one.name)
    )
    step = 50 if highest > 120 else 20

    def parts() -> Iterator[str]:
        yield text(0, 14, title, "title")
        yield from legend(36, ["the project", "the bare framework, same packages", "the project without preload"])
        for number, framework in enumerate(run.frameworks):
            x = number * PANEL + left

            def across(workers: int, x: float = x) -> float:
                return x + width * workers / max(run.workers)

            def up(megabytes: float) -> float:
                return top + height * (1 - megabytes / highest)

            yield text(x, top, TITLES[framework], "title")
            yield line(x, up(0), x + width, up(0), "axis")
            for megabytes in range(0, int(highest) + 1, step):
                yield text(x - 8, up(megabytes) + 4, str(megabytes), "end faint")
            for workers in run.workers:
                name = f"{workers} worker{'s' * (workers > 1)}"
                yield text(across(workers), up(0) + 18, name, "middle faint")
            for contender, colour in zip(contenders, COLOURS, strict=True):
                points = list(zip(run.workers, summaries(framework, contender.name), strict=True))
                path = " ".join(f"{across(workers):.1f},{up(each.median):.1f}" for workers, each in points)
                yield f'<polyline points="{path}" class="{colour} line" style="fill: none"/>'
                for workers, each in points:
                    yield line(across(workers), up(each.least), across(workers), up(each.most), "spread")
                    yield f'<circle cx="{across(workers):.1f}" cy="{up(each.median):.1f}" r="3.5" class="{colour}"/>'
            lasts = sorted(summaries(framework, each.name)[-1].median for each in contenders)
            below = up(0) + 13
            for last in lasts:
                # Each above the one before it.
                below = min(up(last) + 4, below - 13)
                yield text(x + width + 8, below, short(last))

    return svg(title, PANEL * len(run.frameworks), top + height + 30, parts())
