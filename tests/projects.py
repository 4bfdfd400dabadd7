"""Generated projects: rendered, installed from their locks, and built as a platform builds them."""

import contextlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import combinations, product
from pathlib import Path

import yaml
from cookiecutter.main import cookiecutter
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.privileges import hand_over, publish, reachable_python, unprivileged

ROOT = Path(__file__).parent.parent
TEMPLATE = ROOT / "{{cookiecutter.project_slug}}"
CHOICES = json.loads((ROOT / "cookiecutter.json").read_text())
FRAMEWORKS: list[str] = CHOICES["framework"]
PYTHONS: list[str] = CHOICES["python_version"]
# A layer may also be what an option adds to one framework, as in files-django.
OPTIONS = sorted({layer.name for layer in (TEMPLATE / "layers").iterdir()} & {*CHOICES} - {*FRAMEWORKS})
# Every set of them, in their order, as in docker-files.
CHOSEN = ["-".join(chosen) for count in range(len(OPTIONS) + 1) for chosen in combinations(OPTIONS, count)]


def by_age(versions: Iterable[str]) -> list[str]:
    """These versions of Python, the oldest first."""
    return sorted(versions, key=lambda version: [int(number) for number in version.split(".")])


def find_python(version: str) -> str | None:
    """The path of that Python on this machine, found the way a generated project finds it."""
    command = ["sh", str(TEMPLATE / "bin" / "find-python"), version]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or None


def pins(lock: Path, requirement: str) -> bool:
    """Whether a lock has a version of what is required."""
    name = canonicalize_name(Requirement(requirement).name)
    return re.search(rf"^{name}(\[.*\])?==", lock.read_text(), re.MULTILINE) is not None


INTERPRETERS = {version: path for version in PYTHONS if (path := find_python(version))}


@dataclass(frozen=True)
class Variant:
    """One combination of answers."""

    framework: str
    python: str
    options: str = ""

    def __str__(self) -> str:
        return "-".join(filter(None, [self.framework, self.python, self.options]))

    @property
    def lock(self) -> Path:
        """What its tests and all that it runs are pinned in."""
        return TEMPLATE / "layers" / self.framework / "requirements-test.txt"

    def render(self, output: Path) -> Path:
        options = {option: "yes" if option in self.options.split("-") else "no" for option in OPTIONS}
        return render(output, framework=self.framework, python_version=self.python, **options)


VARIANTS = [Variant(*answers) for answers in product(FRAMEWORKS, PYTHONS, CHOSEN)]
# One variant only, as in flask-3.14 or django-3.12-docker, whose tests are those that the option adds.
ONLY = os.environ.get("TEST_VARIANT", "")
# What takes long, and does not hang on the version of Python, is tested with one: that variant's, or the default.
PYTHON = next((version for version in PYTHONS if version in (ONLY.split("-") if ONLY else INTERPRETERS)), PYTHONS[0])
# The rest with the oldest and the newest as well: what lies between them is tested as a variant alone, as CI does.
# A requirement that is installed over what the locks pin, as in "flask @ git+https://…": what is to be released next.
AHEAD = os.environ.get("TEST_AHEAD", "")
EXTREMES = [*by_age(INTERPRETERS)[:1], *by_age(INTERPRETERS)[-1:]]
TESTED = [version for version in INTERPRETERS if version == PYTHON or (version in EXTREMES and not (ONLY or AHEAD))]
# What an option adds has tests of its own, which also run what is rendered with it.
RUNNABLE = [
    variant
    for variant in VARIANTS
    if variant.python in TESTED and not variant.options and (not AHEAD or pins(variant.lock, AHEAD))
]
THOROUGH = [variant for variant in RUNNABLE if variant.python == PYTHON]
WITH_FILES = [replace(variant, options="files") for variant in THOROUGH]


def render(output: Path, **answers: str) -> Path:
    """Generate a project in ``output`` as ``cookiecutter . --no-input`` does, and return its folder."""
    return Path(cookiecutter(str(ROOT), no_input=True, default_config=True, output_dir=output, extra_context=answers))


def clean_template() -> None:
    """Remove what a tool has cached inside the template: projects would get it too."""
    subprocess.run(["git", "clean", "-Xdfq", "."], cwd=TEMPLATE, check=False)


def registry_settings() -> dict[str, str]:
    """The variables of this machine that pip and uv may need to download anything; they compile none of it."""
    kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "UV_"))}
    return kept | {"PIP_COMPILE": "0"}


def uv(*arguments: str | Path) -> None:
    subprocess.run([sys.executable, "-m", "uv", "--quiet", *map(str, arguments)], check=True)


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Only one process at a time is in this context."""
    import fcntl  # Windows, where projects are rendered but not run, has none.

    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def python_for_all(version: str, shared: Path) -> str:
    """The path of that Python, or of a copy in ``shared`` where only root could run it."""
    folder = shared / f"python-{version}"
    folder.mkdir(exist_ok=True)
    found = folder / "path"
    with alone_in(folder):
        if not found.exists():
            found.write_text(reachable_python(INTERPRETERS[version], version, folder / "copy"))
    return found.read_text()


class Project:
    """A generated project with two environments: what the platform installs, and what its tests need besides.

    Whoever comes first renders, installs and builds it in ``shared``; everybody has a copy of its folder in ``own``.
    Without its tools it runs as on a platform, where a process may write to its home only.
    """

    def __init__(self, variant: Variant, shared: Path, own: Path) -> None:
        self.variant = variant
        folder = shared / str(variant)
        folder.mkdir(exist_ok=True)
        self.runtime, self.tools, self.bytecode = folder / "runtime", folder / "tools", folder / "bytecode"
        self.home = own / "home"
        self.home.mkdir()
        with alone_in(folder):
            built = folder / "built"
            if not built.exists():
                self.path = variant.render(own)
                self.build(python_for_all(variant.python, shared))
                self.path.rename(built)
        self.path = shutil.copytree(built, own / "my-project")
        hand_over(self.home)
        self.processes: dict[str, str] = yaml.safe_load((self.path / "Procfile").read_text())

    def build(self, python: str) -> None:
        for lock, folder in ("requirements.txt", self.runtime), ("requirements-test.txt", self.tools):
            uv("venv", "--clear", "--python", python, folder)
            uv("pip", "install", "--python", folder, "--no-deps", "--require-hashes", "--requirement", self.path / lock)
            if AHEAD and pins(self.path / lock, AHEAD):
                uv("pip", "install", "--python", folder, "--prerelease", "allow", AHEAD)
        self.bytecode.mkdir()
        hand_over(self.bytecode)
        self.finish_build()
        for folder in self.path, self.runtime:
            publish(folder)

    def finish_build(self) -> None:
        """What the buildpack does where it finds a manage.py, then with a hook of the project's; no variable is set."""
        commands = {"manage.py": ["python", "manage.py", "collectstatic", "--noinput"], "bin/post_compile": []}
        for name, command in commands.items():
            if (self.path / name).exists():
                variables = self.environment({"PYTHONDONTWRITEBYTECODE": "1"})
                command = command or [str(self.path / name)]
                subprocess.run(command, cwd=self.path, env=variables, check=True, stdout=subprocess.DEVNULL)

    def environment(self, variables: dict[str, str], tools: bool = False) -> dict[str, str]:
        """A process's whole environment: nothing of this machine but a PATH."""
        folder = self.tools if tools else self.runtime
        path = f"{folder}/bin{os.pathsep}{os.defpath}"
        own = {"HOME": str(self.home), "PATH": path, "TMPDIR": str(self.home)}
        # A platform has compiled what it boots; here the first process does it, for all others and outside the project.
        own |= {"PYTHONPYCACHEPREFIX": f"{self.bytecode}-of-tools" if tools else str(self.bytecode)}
        return own | variables

    def run(
        self, command: str, tools: bool = False, folder: Path | None = None, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the project's folder, or in a copy of it, to its end."""
        arguments = shlex.split(command)
        return subprocess.run(
            **({"args": arguments} if tools else unprivileged(arguments)),
            cwd=folder or self.path,
            env=self.environment(variables, tools),
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
