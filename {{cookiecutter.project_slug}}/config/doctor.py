"""``make doctor``: what would fail on a push or at the first boot, and the cure. Changes nothing, needs no network.

Looks at the project as the platform will: committed files only where there is a repository, no ``.env``, no DEBUG.
"""

import argparse
import importlib.metadata
import importlib.util
import json
import logging
import os
import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
SUPPORTED_PYTHONS = ("3.12", "3.13", "3.14")
LOCKS = {"requirements.txt", "Pipfile.lock", "poetry.lock", "uv.lock"}
# Heroku's schema, as far as it binds: https://devcenter.heroku.com/articles/app-json-schema
APP_JSON: dict[str, type | tuple[type, ...]] = {
    "name": str,
    "description": str,
    "keywords": list,
    "website": str,
    "repository": str,
    "logo": str,
    "success_url": str,
    "scripts": dict,
    "env": dict,
    "formation": dict,
    "addons": list,
    "buildpacks": list,
    "environments": dict,
    "stack": str,
    "image": str,
}
ENV_ENTRY = {"description": str, "value": str, "required": bool, "generator": str}
FORMATION_ENTRY = {"quantity": int, "size": str}


class CheckError(Exception):
    """Something that is wrong, and what to do about it."""

    def __init__(self, problem: str, cure: str) -> None:
        super().__init__(f"{problem} {cure}".strip())


def git(*arguments: str) -> list[str]:
    """The lines that a Git command prints; none where this is no repository of its own, or where there is no Git."""
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        return []
    result = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603, S607
    return result.stdout.splitlines()


def templates() -> Iterator[Path]:
    """Every HTML template of the project's own."""
    for folder in ROOT.glob("*/templates"):
        yield from folder.rglob("*.html")


def package_manager() -> None:
    found = sorted(name for name in LOCKS if (ROOT / name).exists())
    if found != ["requirements.txt"]:
        extra = " ".join(sorted({*found} - {"requirements.txt"}))
        cure = f"Delete: git rm {extra}" if extra else "Write it: make lock"
        raise CheckError(f"The platform wants one lock file, requirements.txt, and finds {found or 'none'}.", cure)


def python_version() -> None:
    cure = f"Write one line: echo {SUPPORTED_PYTHONS[1]} > .python-version"
    if (ROOT / "runtime.txt").exists():
        raise CheckError("runtime.txt is deprecated and wins over .python-version.", "Delete it: git rm runtime.txt")
    if not (ROOT / ".python-version").exists():
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
    # Without locks: nothing is written, not even to Git's index.
    if changed := git("--no-optional-locks", "status", "--porcelain"):
        names = [line[3:] for line in changed[:3]] + ["…"] * (len(changed) > 3)
        raise CheckError(f"Not committed as it is: {', '.join(names)}.", "Commit: git add --all && git commit")


def locks() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wanted: list[str] = project["project"]["dependencies"]
    for name, requirements in (
        ("requirements.txt", wanted),
        ("requirements-test.txt", wanted + project["dependency-groups"]["test"]),
    ):
        if not (ROOT / name).exists():
            raise CheckError(f"{name} is missing.", "Write it: make lock")
        pins = pinned((ROOT / name).read_text("utf-8"))
        for requirement in map(Requirement, requirements):
            if reason := unmet(requirement, pins):
                raise CheckError(f"{name} does not follow pyproject.toml: {reason}.", "Pin anew: make lock")
        for package in pins:
            for requirement in needs(package):
                if canonicalize_name(requirement.name) not in pins:
                    raise CheckError(f"{name} lacks {requirement.name}, which {package} needs.", "Pin anew: make lock")


def pinned(lock: str) -> dict[str, str]:
    """The version of each package in a lock; every one must have hashes."""
    pins: dict[str, str] = {}
    for line in lock.replace("\\\n", " ").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        match = re.match(r"([\w.-]+)(?:\[[^]]*\])?==([^\s;]+)", line)
        if not match or "--hash=" not in line:
            raise CheckError(f"{line.split()[0]!r} is not pinned with its hashes.", "Pin anew: make lock")
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


def processes() -> dict[str, str]:
    """The commands of the Procfile, by the name of their process."""
    if not (ROOT / "Procfile").exists():
        raise CheckError("There is no Procfile.", "Write one: echo 'web: gunicorn config.wsgi' > Procfile")
    found = {}
    for line in (ROOT / "Procfile").read_text("utf-8").splitlines():
        match = re.fullmatch(r"([A-Za-z0-9_-]+): ([^\s\"'&*!|>%@`{\[#].*)", line)
        # Several platforms read it as YAML.
        if not match or ": " in match[2] or " #" in match[2]:
            raise CheckError(
                f"The Procfile's line {line!r} is not YAML.", "Write it as `name: command`, without `: ` or ` #`."
            )
        found[match[1]] = match[2]
    if next(iter(found), "") != "web":
        raise CheckError("The Procfile does not begin with the web process.", "Begin with: web: gunicorn config.wsgi")
    return found


def procfile() -> None:
    for name, command in processes().items():
        program, *arguments = shlex.split(command)
        if not shutil.which(program):
            raise CheckError(f"The {name} process runs {program}, which is not installed.", "Add it to pyproject.toml.")
        if arguments[:1] == ["-m"] and not importlib.util.find_spec(arguments[1]):
            raise CheckError(f"The {name} process runs {arguments[1]}, which does not exist.", "Correct the Procfile.")


def gunicorn() -> None:
    command = shlex.split(processes()["web"])
    if Path(command[0]).name != "gunicorn":
        return
    # Read by Gunicorn before it reads our configuration.
    if not re.fullmatch(r"[0-9]+", workers := os.environ.get("WEB_CONCURRENCY", "1")):
        raise CheckError(
            f"WEB_CONCURRENCY is {workers!r}, and Gunicorn crashes on anything but a number.",
            "Unset it: heroku config:unset WEB_CONCURRENCY",
        )
    result = subprocess.run(  # noqa: S603
        [*command, "--check-config"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if result.returncode:
        last = (result.stderr.strip() or result.stdout.strip() or "no reason given").splitlines()[-1]
        raise CheckError(f"The web process does not start: {last}", f"See more: {shlex.join(command)} --check-config")


def app_json() -> None:
    if not (ROOT / "app.json").exists():
        return
    try:
        content = json.loads((ROOT / "app.json").read_text("utf-8"))
    except ValueError as error:
        problem: str | None = str(error)
    else:
        problem = faults(content, APP_JSON) or next(filter(None, faults_inside(content)), None)
    if problem:
        raise CheckError(
            f"app.json is not valid: {problem}.", "See https://devcenter.heroku.com/articles/app-json-schema"
        )


def faults_inside(content: dict[str, Any]) -> Iterator[str | None]:
    for name, entry in content.get("env", {}).items():
        if not isinstance(entry, str):  # a value alone will do
            yield faults(entry, ENV_ENTRY, f"env.{name}")
    for name, entry in content.get("formation", {}).items():
        yield faults(entry, FORMATION_ENTRY, f"formation.{name}")
    for name, entry in content.get("environments", {}).items():
        yield faults(entry, APP_JSON, f"environments.{name}")


def faults(value: Any, schema: dict[str, Any], where: str = "app.json") -> str | None:
    if not isinstance(value, dict):
        return f"{where} is no object"
    for name, content in value.items():
        if name not in schema:
            return f"{where} may not have {name!r}"
        if not isinstance(content, schema[name]):
            return f"{where}.{name} is of the wrong type"
    return None


def secret_key() -> None:
    from config import env

    # Anywhere but on the platform its absence is only worth a note.
    if env.text("DYNO") and not env.text("SECRET_KEY"):
        raise CheckError("SECRET_KEY is not set.", "Set one: heroku config:set SECRET_KEY=$(openssl rand -hex 32)")


def framework(name: str) -> None:
    """What only the framework can tell."""
    from config import checks

    getattr(checks, name)()


def connections(limit: int | None) -> str:
    from config import server, services

    workers, _ = server.workers()
    needed = workers * services.THREADS
    if limit is not None and needed > limit:
        raise CheckError(
            f"{workers} workers with {services.THREADS} threads need {needed} database connections, of {limit}.",
            f"Take fewer: heroku config:set WEB_THREADS={max(1, limit // workers)}",
        )
    return f"{needed} for {workers} workers of this machine, and as many again while a new version replaces them"


def main() -> None:
    parser = argparse.ArgumentParser(prog="make doctor", description="Say what would fail on a push.")
    parser.add_argument("--connections", type=int, help="how many database connections the plan allows a dyno")
    limit: int | None = parser.parse_args().connections
    # As on the platform, where no .env is.
    os.environ["PYTHON_DOTENV_DISABLED"] = "1"
    os.environ.pop("DEBUG", None)
    logging.disable()

    checks: dict[str, Callable[[], str | None]] = {
        "one lock file": package_manager,
        ".python-version": python_version,
        "what is committed": repository,
        "locks follow pyproject.toml": locks,
        "Procfile": procfile,
        "app.json": app_json,
        "SECRET_KEY": secret_key,
        "web process starts": gunicorn,
        "static files": partial(framework, "static_files"),
        "migrations follow models": partial(framework, "migrations"),
        "deployment checks": partial(framework, "deployment"),
        "database connections": partial(connections, limit),
    }
    failed = False
    for title, check in checks.items():
        try:
            remark = check()
        except (Exception, SystemExit) as problem:
            failed = True
            print(f"FAIL  {title}: {problem}")
        else:
            print(f"ok    {title}{f': {remark}' if remark else ''}")
    for line in first_boot():
        print(f"note  {line}")
    raise SystemExit(failed)


def first_boot() -> list[str]:
    """What the log of the first boot will ask for."""
    from config import env

    return [line for line in env.advice if "heroku" in line]


if __name__ == "__main__":
    main()
