"""``make doctor``: what would fail on a push or at the first boot, and the cure. Changes nothing, needs no network.

Looks at the project as the platform will: committed files only where there is a repository, no ``.env``, no DEBUG.
The rest of the runtime is imported by the checks: what it refuses in the environment is then what they have found.
"""

import argparse
import importlib.metadata
import json
import logging
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import urlsplit

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from runtime import logs, programs
from runtime.checks import CheckError

# Where `make` runs it, and the platform each process.
ROOT = Path.cwd()
APPLICATION = "config.wsgi"
APP_JSON = Path(__file__).with_name("app-json.schema.json")
# Of what the platform takes, what the dependencies run on; the first is what the template generates.
SUPPORTED_PYTHONS = ("3.14", "3.13", "3.12", "3.15")
LOCKS = {"requirements.txt", "Pipfile.lock", "poetry.lock", "uv.lock"}
PIN = "Pin anew: make lock"


def git(*arguments: str) -> list[str]:
    """The lines that a Git command prints; none where this is no repository of its own, or where there is no Git."""
    return run_git(*arguments, **without_programs()).splitlines() if is_repository() else []


@cache
def is_repository() -> bool:
    return (ROOT / ".git").exists() and bool(shutil.which("git"))


def run_git(*arguments: str, **variables: str) -> str:
    result = subprocess.run(  # noqa: S603
        ["git", *arguments],  # noqa: S607
        cwd=ROOT,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        # A file may have any name.
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    return result.stdout


@cache
def without_programs() -> dict[str, str]:
    """The variables with which Git starts no program that the repository's own settings name, and asks no server."""
    words = run_git("config", "--list", "--show-scope", "--name-only", "-z").split("\0")
    own = [name for scope, name in zip(words[::2], words[1::2], strict=False) if scope in {"local", "worktree"}]
    filters = {name.rpartition(".")[0] for name in own if name.startswith("filter.")}
    settings = {"core.fsmonitor": "false"}
    for name in filters:
        settings |= {f"{name}.clean": "", f"{name}.process": "", f"{name}.required": "false"}
    # After those that the environment has already.
    first = int(os.environ.get("GIT_CONFIG_COUNT") or 0)
    variables = {"GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1"}
    for number, (name, value) in enumerate(settings.items(), first):
        variables |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return variables | {"GIT_CONFIG_COUNT": str(first + len(settings))}


def templates() -> Iterator[Path]:
    """Every HTML template of the project's own."""
    for folder in filter(is_own, ROOT.glob("*/templates")):
        yield from (path for path in folder.rglob("*.html") if is_own(path) and path.is_file())


def is_own(path: Path) -> bool:
    """Whether it lies in the project, and no link leads out of it."""
    return path.resolve().is_relative_to(ROOT.resolve())


def package_manager() -> None:
    found = sorted(name for name in LOCKS if (ROOT / name).exists())
    if found != ["requirements.txt"]:
        extra = " ".join(sorted({*found} - {"requirements.txt"}))
        cure = f"Delete: git rm {extra}" if extra else "Write it: make lock"
        raise CheckError(f"The platform wants one lock file, requirements.txt, and finds {found or 'none'}.", cure)


def python_version() -> None:
    cure = f"Write one line: echo {SUPPORTED_PYTHONS[0]} > .python-version"
    if (ROOT / "runtime.txt").exists():
        raise CheckError("runtime.txt is deprecated and wins over .python-version.", "Delete it: git rm runtime.txt")
    if not (ROOT / ".python-version").is_file():
        raise CheckError("There is no .python-version: the platform would choose.", cure)
    text = (ROOT / ".python-version").read_bytes().decode("utf-8", "replace")
    versions = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if len(versions) != 1 or not re.fullmatch(r"\d+\.\d+(\.\d+)?", versions[0]):
        raise CheckError(f".python-version says {text.strip()!r}, which is not one version.", cure)
    if ".".join(versions[0].split(".")[:2]) not in SUPPORTED_PYTHONS:
        raise CheckError(f"Python {versions[0]} is not one of {', '.join(SUPPORTED_PYTHONS)}.", cure)
    if git("check-ignore", ".python-version"):
        raise CheckError(".gitignore names .python-version: the platform would not see it.", "Delete it from there.")


def repository() -> None:
    committed = git("ls-files")
    for name in "venv", ".venv", ".env", ".heroku/python":
        if any(path == name or path.startswith(f"{name}/") for path in committed):
            raise CheckError(f"{name} is committed.", f"Take it out: git rm -r --cached {name}")
    if committed:
        for name in "requirements.txt", "Procfile", ".python-version", "gunicorn.conf.py":
            if name not in committed and (ROOT / name).exists():
                raise CheckError(f"{name} is not committed.", f"Add it: git add --force {name}")
    # Without locks: nothing is written, not even to Git's index. Nor is a repository within it, which has its own
    # settings, looked into.
    if changed := git("--no-optional-locks", "status", "--porcelain", "--ignore-submodules=dirty"):
        names = [line[3:] for line in changed[:3]] + ["…"] * (len(changed) > 3)
        raise CheckError(f"Not committed as it is: {', '.join(names)}.", "Commit: git add --all && git commit")


def locks() -> None:
    if not (ROOT / "pyproject.toml").is_file():
        raise CheckError("There is no pyproject.toml.", "Take it from Git: git checkout pyproject.toml")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wanted: list[str] = project["project"]["dependencies"]
    for name, requirements in (
        ("requirements.txt", wanted),
        ("requirements-test.txt", wanted + project["dependency-groups"]["test"]),
    ):
        if not (ROOT / name).is_file():
            raise CheckError(f"{name} is missing.", "Write it: make lock")
        pins = pinned((ROOT / name).read_text("utf-8"))
        for requirement in map(Requirement, requirements):
            if reason := unmet(requirement, pins):
                raise CheckError(f"{name} does not follow pyproject.toml: {reason}.", PIN)
        for package in pins:
            for requirement in needs(package):
                if canonicalize_name(requirement.name) not in pins:
                    raise CheckError(f"{name} lacks {requirement.name}, which {package} needs.", PIN)


def pinned(lock: str) -> dict[str, str]:
    """The version of each package in a lock; every one must have hashes."""
    pins: dict[str, str] = {}
    for line in lock.replace("\\\n", " ").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        match = re.match(r"([\w.-]+)(?:\[[^]]*\])?==([^\s;]+)", line)
        if not match or "--hash=" not in line:
            raise CheckError(f"{line.split()[0]!r} is not pinned with its hashes.", PIN)
        pins[canonicalize_name(match[1])] = match[2]
    return pins


def unmet(requirement: Requirement, pins: dict[str, str]) -> str | None:
    version = pins.get(canonicalize_name(requirement.name))
    if version is None:
        return f"{requirement.name} is missing"
    return None if requirement.specifier.contains(version, prereleases=True) else f"{requirement} is at {version}"


def needs(package: str) -> Iterator[Requirement]:
    """What an installed package cannot do without on this Python."""
    try:
        requires = importlib.metadata.requires(package) or []
    except importlib.metadata.PackageNotFoundError:  # one for another platform
        return
    for requirement in map(Requirement, requires):
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield requirement


def process_types() -> dict[str, str]:
    """The commands of the Procfile, by the name of their process."""
    if not (ROOT / "Procfile").is_file():
        raise CheckError("There is no Procfile.", "Write one: echo 'web: gunicorn config.wsgi' > Procfile")
    from runtime import processes

    names = []
    for line in (ROOT / "Procfile").read_text("utf-8").splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = re.fullmatch(r"([A-Za-z0-9_-]+): ([^\s\"'&*!|>%@`{\[#].*)", line)
        # Several platforms read it as YAML.
        if not match or ": " in match[2] or " #" in match[2]:
            raise CheckError(
                f"The Procfile's line {line!r} is not YAML.", "Write it as `name: command`, without `: ` or ` #`."
            )
        if match[1] in names:
            raise CheckError(f"The Procfile has two lines for {match[1]}.", "Join them with && or delete one.")
        names.append(match[1])
    if names[:1] != ["web"]:
        raise CheckError("The Procfile does not begin with the web process.", "Begin with: web: gunicorn config.wsgi")
    return processes.read()


def procfile() -> None:
    for name, line in process_types().items():
        try:
            for words in programs.commands(line):
                resolve(words)
        except ValueError as error:
            raise CheckError(f"A shell cannot read the {name} process: {error}.", "Correct the Procfile.") from error
        except CheckError as error:
            raise CheckError(f"The {name} process runs {error}", "") from error


def resolve(words: list[str]) -> None:
    """Raise if a program, or what it is told to run, does not exist; as far as that can be told without running it."""
    program, arguments = programs.find(words)
    if word := unknown_command(program, arguments):
        raise CheckError(f"{program} {word}, and there is no such command.", "Correct the Procfile.")


def unknown_command(program: str, arguments: list[str]) -> str | None:
    """The argument that names no command of the framework's, where the program is the framework's."""
    if not arguments or not re.fullmatch(r"(\./)?manage\.py|django(-admin)?|flask", program):
        return None
    from runtime import framework

    return framework.unknown_command(application(), Path(program).name, arguments)


def gunicorn() -> None:
    for words in programs.commands(process_types()["web"]):
        # As far as a shell is not needed to know them.
        words = [Template(word).safe_substitute({"PORT": "8000"} | os.environ) for word in words]
        if Path(words[0]).name == "gunicorn" and "$" not in "".join(words):
            check_configuration(words)


def check_configuration(command: list[str]) -> None:
    """Let Gunicorn load the application with the arguments that the Procfile gives it."""
    # Read by Gunicorn before it reads our configuration.
    if not re.fullmatch(r"[0-9]+", workers := os.environ.get("WEB_CONCURRENCY", "1")):
        raise CheckError(
            f"WEB_CONCURRENCY is {workers!r}, and Gunicorn crashes on anything but a number.",
            "Unset it: heroku config:unset WEB_CONCURRENCY",
        )
    result = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "gunicorn", *command[1:], "--check-config"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        last = (result.stderr.strip() or result.stdout.strip() or "no reason given").splitlines()[-1]
        raise CheckError(f"The web process does not start: {last}", f"See more: {shlex.join(command)} --check-config")


def app_json() -> str | None:
    """Hold app.json against its schema, and its formation against the Procfile."""
    if not (ROOT / "app.json").is_file():
        return None
    reference = "See https://devcenter.heroku.com/articles/app-json-schema"
    try:
        content = json.loads((ROOT / "app.json").read_text("utf-8"))
    except ValueError as error:
        raise CheckError(f"app.json is no JSON: {error}.", reference) from error
    remark = None
    try:
        import fastjsonschema
    except ImportError:  # as where only requirements.txt is installed
        remark = "only its formation was looked at, since fastjsonschema is not installed"
    else:
        validate = fastjsonschema.compile(json.loads(APP_JSON.read_text("utf-8")))
        try:
            validate(content, name_prefix="app.json")
        except fastjsonschema.JsonSchemaValueException as error:
            raise CheckError(f"{error.message}.", reference) from error
    formation(content)
    return remark


def formation(content: dict[str, Any]) -> None:
    """Raise unless app.json starts what the Procfile names, and nothing else."""
    if not (ROOT / "Procfile").is_file():
        return
    from runtime import processes

    # Run once a release, never started.
    names = processes.read().keys() - {"postdeploy", "release"}
    started = content.get("formation", dict.fromkeys(names))
    if missing := sorted(names - started.keys()):
        raise CheckError(
            f"app.json's formation lacks {', '.join(missing)}, which the Procfile names.",
            f'Add it: "{missing[0]}": {{"quantity": 1}}',
        )
    # The test runner's dyno is of its own kind.
    environments = content.get("environments", {}).values()
    for others in [started, *(environment.get("formation", {}) for environment in environments)]:
        if unknown := sorted(others.keys() - names - {"test"}):
            raise CheckError(
                f"app.json's formation has {', '.join(unknown)}, which the Procfile does not name.",
                "Delete it there, or add it to the Procfile.",
            )


def secret_key() -> None:
    from runtime import env

    # Anywhere but on the platform its absence is only worth a note.
    if env.text("DYNO") and not env.text("SECRET_KEY"):
        raise CheckError("SECRET_KEY is not set.", "Set one: heroku config:set SECRET_KEY=$(openssl rand -hex 32)")
    if env.text("SECRET_KEY") in env.secret_key_fallbacks():
        raise CheckError(
            "SECRET_KEY is one of SECRET_KEY_FALLBACKS, so that nothing has replaced it.",
            "Set another: heroku config:set SECRET_KEY=$(openssl rand -hex 32)",
        )


def canonical_host() -> None:
    from runtime import env, hosts

    canonical, named = hosts.canonical_host(), env.words("ALLOWED_HOSTS", [])
    if canonical in hosts.LOCAL_HOSTS:
        raise CheckError(
            f"CANONICAL_HOST is {canonical}, so that every visitor is led to their own machine.",
            "Name the site: heroku config:set CANONICAL_HOST=www.example.com",
        )
    if canonical and named and not hosts.is_allowed(canonical, [host.lower() for host in named]):
        raise CheckError(
            f"Every visitor is led to CANONICAL_HOST, {canonical}, which is none of ALLOWED_HOSTS.",
            f"Correct it, or name it there too: heroku config:set ALLOWED_HOSTS={','.join([canonical, *named])}",
        )


def error_tracking() -> str:
    from runtime import errors

    address = errors.dsn()
    return f"sent to {urlsplit(address).hostname}" if address else "SENTRY_DSN is not set, so they are in the log only"


def static_files() -> str | None:
    from runtime import framework

    texts = {path.relative_to(ROOT): path.read_text("utf-8") for path in templates()}
    return framework.check_static_files(application(), texts)


def migrations() -> str | None:
    from runtime import framework

    return framework.check_migrations(application())


def deployment() -> None:
    from runtime import framework

    framework.check_deployment(application())


@cache
def application() -> Any:
    """The project's, by the name that Gunicorn takes it by."""
    from runtime import framework

    return framework.load(APPLICATION)


def connections(limit: int | None) -> str:
    from runtime import server, services, work

    workers, _ = server.workers()
    for_jobs = work.connections()
    needed = workers * services.THREADS + for_jobs
    if limit is not None and needed > limit:
        raise CheckError(
            f"{workers} workers with {services.THREADS} threads, and one for jobs, need {needed} database connections, "
            f"of {limit}.",
            f"Take fewer: heroku config:set WEB_THREADS={max(1, (limit - for_jobs) // workers)}",
        )
    return (
        f"{needed} for {workers} workers of this machine, {for_jobs} of them for jobs, "
        "and as many again while a new version replaces them"
    )


def jobs(database_url: str) -> str:
    """Whether somebody runs them, where the database is within reach; elsewhere how to start who does."""
    from runtime import backlog

    if complaint := backlog.examine(database_url):
        raise CheckError(complaint, "")
    return "they wait until a worker runs: heroku ps:scale worker=1"


def main() -> None:
    parser = argparse.ArgumentParser(prog="make doctor", description="Say what would fail on a push.")
    parser.add_argument("--connections", type=int, help="how many database connections the plan allows a dyno")
    limit: int | None = parser.parse_args().connections
    # As on the platform, where no .env is.
    os.environ["PYTHON_DOTENV_DISABLED"] = "1"
    os.environ.pop("DEBUG", None)
    logging.disable()
    # Before the application is loaded without one.
    database_url = os.environ.get("DATABASE_URL", "")

    checks: dict[str, Callable[[], str | None]] = {
        "one lock file": package_manager,
        ".python-version": python_version,
        "what is committed": repository,
        "locks follow pyproject.toml": locks,
        # First, since the settings make a key where there is none.
        "SECRET_KEY": secret_key,
        "CANONICAL_HOST": canonical_host,
        "errors": error_tracking,
        "Procfile": procfile,
        "app.json": app_json,
        "web process starts": gunicorn,
        "static files": static_files,
        "migrations follow models": migrations,
        "deployment checks": deployment,
        "database connections": partial(connections, limit),
        "jobs": partial(jobs, database_url),
    }
    failed = False
    for title, check in checks.items():
        try:
            remark = check()
        except (Exception, SystemExit) as problem:
            failed = True
            say(f"FAIL  {title}: {problem}")
        else:
            say(f"ok    {title}{f': {remark}' if remark else ''}")
    for line in first_boot():
        say(f"note  {line}")
    raise SystemExit(failed)


def say(text: str) -> None:
    """Print what may repeat a file's name or content: a terminal obeys none of it, and none of it begins a line."""
    for number, line in enumerate(text.split("\n")):
        print(f"{'      ' * bool(number)}{logs.escape(line)}")


def first_boot() -> list[str]:
    """What the log of the first boot will ask for."""
    from runtime import env

    return [line for line in env.advice if "heroku" in line]


if __name__ == "__main__":
    main()
