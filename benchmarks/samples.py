"""What was measured: for each figure one value a round, or several of one round that are compared in pairs."""

import statistics
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Figure:
    """What a value says; ``measure`` ends in its unit."""

    framework: str
    measure: str
    contender: str = "project"
    workers: int = 0
    page: str = ""
    connections: str = ""


@dataclass(frozen=True)
class Summary:
    """The median of several rounds, and the lowest and the highest of them."""

    median: float
    least: float
    most: float

    def __str__(self) -> str:
        median, least, most = map(short, (self.median, self.least, self.most))
        return median if least == most else f"{median} ({least} to {most})"

    @classmethod
    def of(cls, values: list[float]) -> "Summary":
        return cls(statistics.median(values), min(values), max(values))


def short(value: float) -> str:
    """A number to three digits, or whole."""
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


class Samples:
    """All figures of a run."""

    def __init__(self) -> None:
        self.rounds: dict[Figure, list[list[float]]] = defaultdict(list)

    def add(self, figure: Figure, *values: float) -> None:
        """What one round has found."""
        self.rounds[figure].append([*values])

    def values(self, figure: Figure) -> list[float]:
        """One value a round, the median of what it has found; none where nobody has measured it."""
        return [statistics.median(values) for values in self.rounds.get(figure, [])]

    def summary(self, figure: Figure) -> Summary | None:
        values = self.values(figure)
        return Summary.of(values) if values else None

    def ratio(self, figure: Figure, **other: Any) -> Summary | None:
        """The figure divided by another one, which differs in what is named: of each round the median of its pairs.

        Not everybody is measured in each round, but whoever is at all is in the first.
        """
        above, below = self.rounds.get(figure), self.rounds.get(replace(figure, **other))
        if not above or not below:
            return None
        return Summary.of(
            [
                statistics.median(each / other for each, other in zip(mine, yours, strict=True))
                for mine, yours in zip(above, below, strict=False)
            ]
        )

    def per_worker(self, figure: Figure, fewer: int) -> list[float]:
        """What each worker beyond ``fewer`` has added to a figure."""
        pairs = zip(self.values(figure), self.values(replace(figure, workers=fewer)), strict=False)
        return [(more - less) / (figure.workers - fewer) for more, less in pairs]

    def rows(self) -> Iterator[dict[str, Any]]:
        """Every value, the measures of one thing in one row."""
        rows: dict[Figure, dict[str, Any]] = {}
        for figure in self.rounds:
            thing = replace(figure, measure="")
            row = rows.setdefault(thing, {name: value for name, value in asdict(thing).items() if value})
            row[figure.measure] = [float(f"{value:.4g}") for value in self.values(figure)]
        yield from rows.values()
