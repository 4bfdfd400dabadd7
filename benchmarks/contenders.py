"""What is measured: a generated project, and beside it what each of its decisions is weighed against."""

import contextlib
import http.client
import os
import re
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import requests

from benchmarks.load import HEADERS
from tests.dyno import PATIENCE, SECRET_KEY
from tests.ports import free_port
from tests.projects import INTERPRETERS, PYTHON, render, uv

LAYERS = Path(__file__).parent / "contenders"


@dataclass(frozen=True)
class Contender:
    """One way to serve: the folder laid over a copy of the project, the command, and the variables it differs in."""

    name: str
    what: str
    layer: str
    command: str
    pages: tuple[str, ...]
    variables: dict[str, str] = field(default_factory=dict)
    # Whether its folder also has LARGE_FILE, which nobody else should have to read when it starts.
    large: bool = False


PAGES = ("/healthz", "/", "static file", "/accounts/login/", "/wait")
BARE_PAGES = ("/healthz", "/", "static file", "/wait")
RAW_PAGES = ("/healthz", "static file")
DECIDED_PAGES = ("/healthz", "/", "/wait")
COMPARED_PAGES = ("/healthz", "/", "static file")
GUNICORN = "gunicorn probe:application"
# As an archive it is left uncompressed.
LARGE_FILE, LARGE_BYTES = "large.zip", 5_000_000

PROJECT = Contender("project", "as the Procfile runs it", "project-{framework}", GUNICORN, PAGES)
BARE = Contender(
    "bare", "the framework with one view a page, same configuration", "bare-{framework}", "gunicorn", BARE_PAGES
)
RAW = Contender("raw", "three bytes from plain WSGI, same configuration", "raw", "gunicorn", RAW_PAGES)
GTHREAD = Contender(
    "gthread",
    "the project with Gunicorn's own threads: --worker-class gthread",
    "project-{framework}",
    f"{GUNICORN} --worker-class gthread",
    BARE_PAGES,
)
SYNC = Contender(
    "sync",
    "the project with Gunicorn's worker of one thread: --worker-class sync --threads 1",
    "project-{framework}",
    f"{GUNICORN} --worker-class sync --threads 1",
    BARE_PAGES,
)
UNSHARED = Contender(
    "no preload", "the project with WEB_PRELOAD=off", "project-{framework}", GUNICORN, PAGES, {"WEB_PRELOAD": "off"}
)
# One right after the other what is compared most.
SERVED = (PROJECT, SYNC, GTHREAD, BARE, RAW)
BOOTED = (PROJECT, GTHREAD, SYNC, BARE, RAW, UNSHARED)
# One for each class of worker.
CLASSES = (PROJECT, GTHREAD, SYNC)


def undone(name: str, what: str, **variables: str) -> Contender:
    """The project with one decision undone."""
    return Contender(name, what, "project-{framework}", GUNICORN, DECIDED_PAGES, variables)


AS_IT_IS = undone("as it is", "the project")
UNDONE = (
    undone("no preload", "without preload", WEB_PRELOAD="off"),
    undone("replaced", "with workers replaced after 1200 to 1500 requests", WEB_MAX_REQUESTS="1200"),
)


class Build:
    """A generated project, installed and built once, with a copy of its folder for each layer of contenders."""

    def __init__(self, framework: str, folder: Path, database_url: str) -> None:
        self.framework, self.folder, self.database_url = framework, folder, database_url
        folder.mkdir(parents=True)
        self.project = render(folder, framework=framework, python_version=PYTHON)
        self.runtime = folder / "runtime"
        uv("venv", "--python", INTERPRETERS[PYTHON], self.runtime)
        lock = ["--no-deps", "--require-hashes", "--requirement", self.project / "requirements.txt"]
        uv("pip", "install", "--python", self.runtime, *lock)
        self.run("python", "-m", "config.build")
        self.run("python", "-m", "config.release")
        self.copies: dict[str, Path] = {}

    def environment(self, variables: dict[str, str]) -> dict[str, str]:
        """A process's whole environment, as on a dyno with a database."""
        return {
            "DATABASE_URL": self.database_url,
            "DYNO": "web.1",
            "FORWARDED_ALLOW_IPS": "*",
            "HOME": str(self.folder),
            "PATH": f"{self.runtime}/bin{os.pathsep}{os.defpath}",
            "PYTHONUNBUFFERED": "1",
            "SECRET_KEY": SECRET_KEY,
            "TMPDIR": str(self.folder),
        } | variables

    def run(self, *command: str, cwd: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the project's folder to its end."""
        environment = self.environment(variables)
        return subprocess.run(
            command, cwd=cwd or self.project, env=environment, capture_output=True, text=True, check=True
        )

    def folder_of(self, contender: Contender) -> Path:
        """A copy of the project with a contender's layer laid over it, and bytecode as after an earlier boot."""
        layer = contender.layer.format(framework=self.framework)
        name = f"{layer}-large" if contender.large else layer
        if name not in self.copies:
            copy = self.copies[name] = self.folder / name
            shutil.copytree(self.project, copy)
            shutil.copytree(LAYERS / layer, copy, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
            if contender.large:
                published = copy / "staticfiles"
                static = published / "static" if (published / "static").is_dir() else published
                (static / LARGE_FILE).write_bytes(os.urandom(LARGE_BYTES))
            self.run("python", "-m", "compileall", "-q", ".", cwd=copy)
        return self.copies[name]


class Server:
    """A contender that is running."""

    def __init__(self, build: Build, contender: Contender, workers: int) -> None:
        self.build, self.contender, self.workers = build, contender, workers
        self.port = free_port()
        folder = build.folder_of(contender)
        self.log = folder / f"{contender.name.replace(' ', '-')}.log"
        variables = {
            "GUNICORN_CMD_ARGS": f"--access-logfile - --bind 127.0.0.1:{self.port}",
            "PORT": str(self.port),
            "WEB_CONCURRENCY": str(workers),
        } | contender.variables
        command, environment = shlex.split(contender.command), build.environment(variables)
        with self.log.open("w") as log:
            self.began = time.perf_counter()
            self.process = subprocess.Popen(
                command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
            )

    def get(self, path: str) -> tuple[int, str]:
        """The status and the body of a page, asked for on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        with contextlib.closing(connection):
            connection.request("GET", path, headers=HEADERS | {"Connection": "close"})
            response = connection.getresponse()
            return response.status, response.read().decode()

    def request(self, method: str, path: str, **arguments: Any) -> requests.Response:
        """What tests.visitor asks of a dyno."""
        headers = arguments.pop("headers") | {"X-Forwarded-Proto": "https"}
        url = f"http://127.0.0.1:{self.port}{path}"
        return requests.request(method, url, headers=headers, allow_redirects=False, timeout=PATIENCE, **arguments)

    def boot(self, path: str) -> float:
        """Seconds from the start of the process to the first 200 of a page."""
        while True:
            with contextlib.suppress(ConnectionError):
                status, _ = self.get(path)
                if status == 200:
                    return time.perf_counter() - self.began
            if self.process.poll() is not None or time.perf_counter() - self.began > PATIENCE:
                raise RuntimeError(f"{self.contender.name} does not serve {path}:\n{self.log.read_text()[-2000:]}")
            time.sleep(0.002)

    @cached_property
    def static(self) -> str:
        """The address of the stylesheet, as the home page names it."""
        found = re.search(r'"(/static/style[^"]*)"', self.get("/")[1])
        return found[1] if found else "/static/style.css"

    def path(self, page: str) -> str:
        return self.static if page == "static file" else page

    def stop(self) -> None:
        """At once: nothing of it is needed any more."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextlib.contextmanager
def running(build: Build, contender: Contender, workers: int) -> Iterator[Server]:
    server = Server(build, contender, workers)
    try:
        yield server
    finally:
        server.stop()
