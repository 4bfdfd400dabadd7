"""What a boot imports, how long each package takes, and which of it no request has any use for."""

import ast
import json
import re
import sys
import uuid
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from benchmarks.contenders import PROJECT, Build, Contender, Server, running
from tests.visitor import Visitor

WATCHED = Contender("watched", "the project, watched", "watched", "python watched.py probe:application", ())
PASSWORD, NEW_PASSWORD = "a fine old horse", "another fine horse"
TIMED = re.compile(r"import time: +(?P<self>\d+) \| +\d+ \| +(?P<module>\S+)$", re.MULTILINE)
OWN = {"__config__", "__mp_main__", "accounts", "config", "pages", "probe", "runtime", "watched"}
REPEATS = 5
STANDARD_LIBRARY = "standard library"
ITSELF = "the project itself"


@dataclass(frozen=True)
class Package:
    """A package of which a boot imports something.

    ``ran`` of its ``modules`` have run some function while all pages were visited; ``compiled`` ones would do so
    unseen. ``wanted``: the project itself imports it by name. ``used``: the project calls it when it starts.
    """

    name: str
    milliseconds: float
    modules: int
    ran: int
    compiled: int
    wanted: bool
    used: bool

    @property
    def idle(self) -> bool:
        """Whether no request has run anything of it."""
        return not self.ran and not self.compiled

    @property
    def needless(self) -> bool:
        """Whether the project could do without the import."""
        return self.idle and self.wanted and not self.used


def package(module: str) -> str:
    """The package that a module is counted to."""
    first = module.partition(".")[0]
    if first in sys.stdlib_module_names or first == "__main__" or first.startswith("_sysconfigdata"):
        return STANDARD_LIBRARY
    return ITSELF if first in OWN else first


def times(build: Build) -> dict[str, float]:
    """The fewest milliseconds, of a few runs, that each module alone took when Gunicorn imported the project."""
    command = "python", "-X", "importtime", "-m", "gunicorn", "--check-config", "config.wsgi"
    least: dict[str, float] = {}
    for _ in range(REPEATS):
        for found in TIMED.finditer(build.run(*command, cwd=build.folder_of(PROJECT)).stderr):
            taken = int(found["self"]) / 1000
            least[found["module"]] = min(taken, least.get(found["module"], taken))
    return least


def wanted(file: Path) -> set[str]:
    """The packages that a module imports by name when it is imported."""
    found = set()
    for node in ast.parse(file.read_text()).body:
        for each in [node, *(node.body if isinstance(node, ast.If) else [])]:
            if isinstance(each, ast.Import):
                found |= {package(alias.name) for alias in each.names}
            elif isinstance(each, ast.ImportFrom):
                found.add(package(each.module or ""))
    return found


def visit_everything(server: Server) -> None:
    """Sign up, look around, and leave."""
    visitor = Visitor(server)  # type: ignore[arg-type]
    for path in "/healthz", "/readyz", "/", server.static, "/nowhere", "/admin/":
        visitor.get(path)
    address = f"{uuid.uuid4().hex}@example.com"

    def follow_link(**fields: str) -> None:
        link = re.findall(r"https://localhost(/accounts/\S+)", server.log.read_text())[-1]
        visitor.submit(link, **fields)

    visitor.submit("/accounts/signup/", email=address)
    follow_link(new_password1=PASSWORD, new_password2=PASSWORD)
    visitor.get("/accounts/")
    fields = {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    visitor.submit("/accounts/password/", old_password=PASSWORD, **fields)
    visitor.submit("/accounts/", action="/accounts/logout/")
    visitor.submit("/accounts/reset/", email=address)
    follow_link(**fields)
    visitor.submit("/accounts/login/", username=address, password=NEW_PASSWORD)
    if visitor.submit("/accounts/delete/", password=NEW_PASSWORD).headers.get("Location") != "/":
        raise RuntimeError(f"somebody could not leave:\n{server.log.read_text()}")


def profile(build: Build) -> tuple[list[Package], list[tuple[str, float]]]:
    """Each package, and each module of which no request has run anything, with milliseconds; the slowest first."""
    milliseconds = times(build)
    with running(build, WATCHED, 1) as server:
        server.boot("/healthz")
        visit_everything(server)
        seen = json.loads(server.get("/watched")[1])
    files, called, ran = seen["imported"], set(seen["called"]), set(seen["ran"])
    modules = defaultdict(list)
    for module in files:
        modules[package(module)].append(module)
    own = [Path(files[module]) for module in modules[ITSELF] if files[module].endswith(".py")]
    by_name = set().union(*map(wanted, own))
    packages = [
        Package(
            name,
            sum(milliseconds.get(module, 0) for module in members),
            len(members),
            sum(files[module] in ran for module in members),
            sum(not files[module].endswith(".py") and files[module] != "" for module in members),
            name in by_name,
            any(files[module] in called for module in members),
        )
        for name, members in modules.items()
        if any(module in milliseconds for module in members)
    ]
    idle = [(module, milliseconds.get(module, 0)) for module, file in files.items() if file not in ran]
    return sorted(packages, key=lambda each: -each.milliseconds), sorted(idle, key=lambda each: -each[1])
