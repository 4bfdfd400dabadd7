"""What a run says: a line when a module's tests are done, and a table at the end."""

import re
from collections import Counter, defaultdict
from collections.abc import Generator, Iterable
from pathlib import Path

import pytest

from tests.projects import FRAMEWORKS, OPTIONS

VARIANT = re.compile(rf"\[.*?\b((?:{'|'.join(FRAMEWORKS)})(?:-[0-9.]+(?:-(?:{'|'.join(OPTIONS)}))*)?)\b")
OUTCOMES = ["passed", "failed", "skipped"]
# The modules that the end names, of those that have taken longest.
NAMED = 5


def variant_of(test: str) -> str:
    """The variant or framework that a test's parameters name, if any."""
    found = VARIANT.search(test)
    return found[1] if found else ""


def module_of(test: str) -> str:
    return Path(test.partition("::")[0]).stem.removeprefix("test_")


class Progress:
    """Counts the tests of a run, in the process that reports them."""

    def __init__(self, terminal: pytest.TerminalReporter) -> None:
        self.terminal = terminal
        # By module: its tests, and what has become of them.
        self.expected: Counter[str] = Counter()
        self.modules: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.variants: defaultdict[str, Counter[str]] = defaultdict(Counter)
        # What the tests under way have come to so far: one may fail after it has passed.
        self.under_way: dict[str, Counter[str]] = {}

    def expect(self, tests: Iterable[str]) -> None:
        self.expected = Counter(map(module_of, tests))

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.expect(item.nodeid for item in session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: object, ids: list[str]) -> None:
        self.expect(ids)

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """No letters: what fails is told at once, by its name."""
        if report.when == "call" or report.skipped:
            return report.outcome, "", ""
        return ("error", "", "") if report.failed else None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        test = self.under_way.setdefault(report.nodeid, Counter())
        test.update({report.outcome: 1, "ms": round(1000 * report.duration)})
        if report.failed:
            self.terminal.write_line(f"failed: {report.nodeid}", red=True)
        if report.when == "teardown":
            del self.under_way[report.nodeid]
            outcome = next(outcome for outcome in ("failed", "skipped", "passed") if test[outcome])
            module = module_of(report.nodeid)
            for counts in self.modules[module], self.variants[variant_of(report.nodeid)]:
                counts.update({outcome: 1, "ms": test["ms"]})
            if total(self.modules[module]) == self.expected[module]:
                self.tell(module)

    def tell(self, module: str) -> None:
        counts = self.modules[module]
        part = 100 * sum(map(total, self.modules.values())) // self.expected.total()
        outcomes = ", ".join(f"{counts[outcome]} {outcome}" for outcome in OUTCOMES if counts[outcome])
        line = f"{part:3} %  {module}: {outcomes}, {minutes(counts)} min"
        self.terminal.write_line(line, red=bool(counts["failed"]))

    @pytest.hookimpl(wrapper=True)
    def pytest_terminal_summary(self) -> Generator[None]:
        """After everything else is said: what ran of each variant, and where the time went."""
        yield
        if not self.variants:
            return
        width = max(len("without a variant"), *map(len, self.variants))
        self.terminal.write_line("\n" + " " * width + "".join(f"{title:>9}" for title in [*OUTCOMES, "minutes"]))
        for variant, counts in sorted(self.variants.items()):
            cells = [*(counts[outcome] for outcome in OUTCOMES), minutes(counts)]
            self.terminal.write_line(
                f"{variant or 'without a variant':{width}}" + "".join(f"{cell:>9}" for cell in cells)
            )
        longest = sorted(self.modules, key=lambda module: -self.modules[module]["ms"])[:NAMED]
        named = ", ".join(f"{module} {minutes(self.modules[module])}" for module in longest)
        self.terminal.write_line(f"Minutes of all processes together, most of them for {named}.")


def total(counts: Counter[str]) -> int:
    return sum(counts[outcome] for outcome in OUTCOMES)


def minutes(counts: Counter[str]) -> str:
    return f"{counts['ms'] / 60_000:.1f}"


def pytest_sessionstart(session: pytest.Session) -> None:
    plugins = session.config.pluginmanager
    terminal = plugins.get_plugin("terminalreporter")
    # Who asks for more, or for less, is told by Pytest itself.
    if terminal and session.config.option.verbose == 0 and not hasattr(session.config, "workerinput"):
        plugins.register(Progress(terminal))
