"""What the tests share."""

import contextlib
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests import progress, services
from tests.browser import chromium  # noqa: F401 (one for all modules of a process: two cannot be driven by it)
from tests.dyno import SECRET_KEY, Dyno, running
from tests.ports import refusing_port as held_port
from tests.privileges import IS_ROOT, can_run
from tests.progress import variant_of
from tests.projects import (
    AHEAD,
    INTERPRETERS,
    ONLY,
    OPTIONS,
    PYTHON,
    PYTHONS,
    RUNNABLE,
    TESTED,
    THOROUGH,
    VARIANTS,
    Project,
    Variant,
    clean_template,
)

# Tests of a generated project, to run inside one.
collect_ignore = ["inside", "owners"]


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Say how far the tests are; and where they are root, keep their files where others may come.

    Pytest's own folder in /tmp is its owner's alone, and each run on the machine makes it so again.
    """
    config.pluginmanager.register(progress)
    if IS_ROOT and not config.option.basetemp:
        config.option.basetemp = str(new_base() / "tests")


def new_base() -> Path:
    """A folder that everybody can enter, made once those of earlier runs are gone, if they have ended."""
    import fcntl  # Windows, where nobody is root, has none.

    for lock in Path(tempfile.gettempdir()).glob("cookiecutter-procfile-*/lock"):
        with contextlib.suppress(BlockingIOError), lock.open() as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.parent, ignore_errors=True)
    base = Path(tempfile.mkdtemp(prefix="cookiecutter-procfile-"))
    base.chmod(0o755)
    # The process', until it ends; nobody sees it before it is locked.
    fcntl.flock(os.open(base / "new", os.O_CREAT), fcntl.LOCK_EX)
    return (base / "new").rename(base / "lock").parent


def pytest_sessionstart(session: pytest.Session) -> None:
    """Refuse to test nothing, and begin with a clean template."""
    if ONLY and (ONLY not in map(str, VARIANTS) or PYTHON not in INTERPRETERS):
        pytest.exit(f"TEST_VARIANT is {ONLY}, which is no variant or wants a Python that is not here.", returncode=2)
    if not hasattr(session.config, "workerinput"):
        clean_template()


def pytest_report_header() -> str:
    left_out = ", ".join(version for version in INTERPRETERS if version not in TESTED) or "none"
    missing = ", ".join(version for version in PYTHONS if version not in INTERPRETERS) or "none"
    return (
        f"projects run on Python {', '.join(TESTED)}, all tests on {PYTHON}; "
        f"only as a TEST_VARIANT: {left_out}; not on this machine: {missing}{f'; with {AHEAD}' if AHEAD else ''}"
    )


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Generator[None]:
    """Say once more, when everything else is said, where the tests ran, and which did not and why."""
    yield
    terminalreporter.write_line(pytest_report_header())
    places = [report.longrepr for report in terminalreporter.getreports("skipped")]
    skipped = Counter(f"{Path(module).name}: {why.removeprefix('Skipped: ')}" for module, _, why in places)
    for what, number in skipped.items():
        terminalreporter.write_line(f"not run: {number} of {what}", yellow=True)


# What takes longest begins first, so that no process is left with it at the end.
LONGEST = ["server", "attacks", "doctor", "commands", "push", "growth", "edits", "accounts", "docker", "browser"]
LONGEST += ["recipes", "contract", "faults", "files", "benchmarks", "errors", "stops", "inside", "serve", "lock"]


def is_wanted(item: pytest.Item) -> bool:
    """Whether TEST_VARIANT, where it is set, asks for a test."""
    module, variant = item.path.stem.removeprefix("test_"), variant_of(item.name)
    options = [option for option in OPTIONS if option in ONLY.split("-")]
    if options:
        return variant == ONLY or (module in options and ONLY.startswith(variant))
    return not ONLY or (module not in OPTIONS and ONLY.startswith(variant))


class OneModuleOfOneVariant(LoadScopeScheduling):
    """Keeps a module's tests of a variant in one process, which prepares what they share once.

    That is what ``--dist loadgroup`` is for, but pytest 9.2 takes no notice of its groups (pytest-xdist issue 1386).
    """

    def _split_scope(self, nodeid: str) -> str:
        module, _, test = nodeid.partition("::")
        return f"{module} {variant_of(test)}" if variant_of(test) else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> OneModuleOfOneVariant:
    config.option.loadscopereorder = False
    return OneModuleOfOneVariant(config, log)


def pytest_xdist_auto_num_workers() -> int:
    """More than one for each CPU, since many tests wait: for a time-out, for a server's end, for a browser."""
    return 2 * (os.cpu_count() or 1)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    config.hook.pytest_deselected(items=[item for item in items if not is_wanted(item)])
    order = {f"test_{name}": place for place, name in enumerate(LONGEST)}
    items[:] = sorted(filter(is_wanted, items), key=lambda item: order.get(item.path.stem, len(order)))


thorough = pytest.mark.parametrize("project", THOROUGH, indirect=True, ids=str)
"""Marks what tests one version of Python only, of each framework."""


@pytest.fixture(scope="session")
def tmp_path_factory(tmp_path_factory: pytest.TempPathFactory) -> pytest.TempPathFactory:
    """Makes folders that a server without privileges can enter; Pytest means them for their owner alone."""
    if IS_ROOT:
        os.umask(0o022)
        base = tmp_path_factory.getbasetemp()
        for folder in [base, *([base.parent] if "PYTEST_XDIST_WORKER" in os.environ else [])]:
            folder.chmod(0o755)
        if not can_run("ls", base):
            pytest.exit(f"Only root can enter {base}: choose another folder with --basetemp.", returncode=2)
        mktemp = tmp_path_factory.mktemp

        def mktemp_for_all(basename: str, numbered: bool = True) -> Path:
            folder = mktemp(basename, numbered)
            folder.chmod(0o755)
            return folder

        tmp_path_factory.mktemp = mktemp_for_all
    return tmp_path_factory


@pytest.fixture(scope="session", autouse=True)
def clean_home(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Cookiecutter keeps its replay files in a home of the tests' own; what was downloaded once is kept."""
    browsers = Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "ms-playwright"
    os.environ.setdefault("PLAYWRIGHT_BROWSERS_PATH", str(browsers))
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    os.environ.setdefault("PIP_CACHE_DIR", str(cache / "pip"))
    os.environ.setdefault("UV_CACHE_DIR", str(cache / "uv"))
    os.environ["HOME"] = str(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of all processes of this test run."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="module", params=VARIANTS, ids=str)
def rendered(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a freshly generated project, of every variant."""
    variant: Variant = request.param
    return variant.render(tmp_path_factory.mktemp("rendered"))


@pytest.fixture(scope="module", params=RUNNABLE, ids=str)
def project(request: pytest.FixtureRequest, shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A generated project, installed and built, of every variant whose Python this machine has."""
    variant: Variant = request.param
    return Project(variant, shared, tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def probe(project: Project) -> str:
    """The command that serves the project with misbehaving pages added."""
    probes = Path(__file__).parent / "probes"
    shutil.copy(probes / f"{project.variant.framework}.py", project.path / "probe.py")
    shutil.copy(probes / "worker.py", project.path / "probe_worker.py")
    shutil.copy(probes / "scripts.html", project.path / "pages" / "templates" / "scripts.html")
    return "gunicorn probe:application"


@pytest.fixture
def failing_migration(project: Project) -> Iterator[str]:
    """The table that a migration makes before it fails."""
    folder = next(project.path.rglob("0001_*.py")).parent
    migration = folder / "0002_failing.py"
    shutil.copy(Path(__file__).parent / "probes" / f"failing_{project.variant.framework}.py", migration)
    yield "half_way"
    migration.unlink()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a PostgreSQL server."""
    with services.database_server() as url:
        yield url


@pytest.fixture(scope="session")
def new_database(postgres: str) -> Callable[[], str]:
    """Makes an empty database and returns its address."""
    return lambda: services.new_database(postgres)


@pytest.fixture
def refusing_port() -> Iterator[int]:
    """A port that refuses whoever connects, for as long as the test lasts."""
    with held_port() as port:
        yield port


@pytest.fixture(scope="module")
def database_url(project: Project, new_database: Callable[[], str]) -> str:
    """The address of a database that the project's release step has prepared."""
    url = new_database()
    project.run(project.processes["release"], DATABASE_URL=url).check_returncode()
    return url


@pytest.fixture(scope="module")
def dyno(project: Project, database_url: str) -> Iterator[Dyno]:
    """The project's web process with everything attached."""
    with running(project, DATABASE_URL=database_url, SECRET_KEY=SECRET_KEY) as dyno:
        yield dyno
        assert dyno.stop() == 0
        assert dyno.strays() == []


@pytest.fixture(scope="module")
def bare_dyno(project: Project) -> Iterator[Dyno]:
    """The project's web process with nothing attached."""
    with running(project) as dyno:
        yield dyno
        assert dyno.stop() == 0
