"""What is measured: a generated project, what each of its decisions is weighed against, and what others would take."""

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
from dataclasses import dataclass, field, replace
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
    """One way to serve: the folder laid over a copy of the project, the command, and the variables it differs in.

    Its ``layer`` may be several, separated by blanks. The command has ``{port}``, ``{workers}``, and ``{threads}`` of
    all of them together.
    """

    name: str
    what: str
    layer: str
    command: str
    pages: tuple[str, ...]
    variables: dict[str, str] = field(default_factory=dict)
    # Where a page has another address.
    paths: dict[str, str] = field(default_factory=dict)
    # What makes its folder, where it is no copy of the project.
    commands: tuple[str, ...] = ()
    # Whether it runs with what is installed for those beside the project.
    peer: bool = False
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
# How far two of a kind are apart is how far any of the comparisons may be out.
AGAIN = replace(SYNC, name="sync again", what="the same as sync, to tell how much of a difference is chance")
GRANIAN = Contender(
    "granian",
    "the project served by Granian, whose HTTP is Rust: as many workers, 4 threads each",
    "project-{framework} granian",
    "granian --interface wsgi --host 127.0.0.1 --port {port} --workers {workers} --blocking-threads 4 --access-log "
    "proxied:application",
    BARE_PAGES,
    peer=True,
)
UVICORN = Contender(
    "uvicorn",
    "the project served by Uvicorn's WSGI side with uvloop and httptools: as many workers, its own 10 threads each",
    "project-{framework}",
    "uvicorn --interface wsgi --host 127.0.0.1 --port {port} --workers {workers} probe:application",
    BARE_PAGES,
    {"WEB_THREADS": "10"},
    peer=True,
)
WAITRESS = Contender(
    "waitress",
    "the project served by waitress: one process, 4 threads a worker of the others, no access log",
    "project-{framework}",
    "waitress-serve --listen 127.0.0.1:{port} --threads {threads} --trusted-proxy * "
    "--trusted-proxy-headers 'x-forwarded-for x-forwarded-proto' probe:application",
    BARE_PAGES,
    # For the pool of database connections.
    {"WEB_THREADS": "16"},
    peer=True,
)
WHAT = "what the framework's own guide begins with, behind Gunicorn's defaults:"
STARTS = {
    "django": Contender(
        "start",
        f"{WHAT} `django-admin startproject` (`/` is its welcome page, the log-in page the admin's)",
        "start-django",
        "gunicorn mysite.wsgi",
        ("/", "/accounts/login/"),
        paths={"/accounts/login/": "/admin/login/"},
        commands=("django-admin startproject mysite .", "python manage.py migrate"),
    ),
    "flask": Contender(
        "start",
        f"{WHAT} the tutorial's Flaskr (`/healthz` is its `/hello`, `/` its list of posts on SQLite)",
        "start-flask",
        "gunicorn flaskr:create_app()",
        ("/healthz", "/", "static file", "/accounts/login/"),
        paths={"/healthz": "/hello", "/accounts/login/": "/auth/login"},
        commands=("flask --app flaskr init-db",),
    ),
}
# One for each class of worker.
CLASSES = (PROJECT, GTHREAD, SYNC)
SERVERS = (GRANIAN, UVICORN, WAITRESS)
# One right after the other what is compared most.
SERVED = (PROJECT, SYNC, AGAIN, GTHREAD, BARE, RAW)
BOOTED = (PROJECT, GTHREAD, SYNC, BARE, RAW, UNSHARED)
# Whom a target compares with the project in each round.
WEIGHED = (PROJECT, SYNC)


def peers(framework: str) -> tuple[Contender, ...]:
    """What would be picked instead of the project, or instead of its server."""
    return *SERVERS, STARTS[framework]


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
        self.runtime, self.peers = folder / "runtime", folder / "peers"
        own = self.project / "requirements.txt"
        for environment, locks in (self.runtime, [own]), (self.peers, [own, LAYERS.parent / "requirements.txt"]):
            uv("venv", "--python", INTERPRETERS[PYTHON], environment)
            for lock in locks:
                options = ["--no-deps", "--require-hashes", "--requirement", lock]
                uv("pip", "install", "--python", environment, *options)
        self.run("python", "-m", "config.build")
        self.run("python", "-m", "config.release")
        self.copies: dict[str, Path] = {}

    def environment(self, variables: dict[str, str], peer: bool = False) -> dict[str, str]:
        """A process's whole environment, as on a dyno with a database."""
        return {
            # Unset, it is answered to requests from this machine only.
            "ALLOWED_HOSTS": "localhost",
            "DATABASE_URL": self.database_url,
            "DYNO": "web.1",
            "FORWARDED_ALLOW_IPS": "*",
            "HOME": str(self.folder),
            "PATH": f"{self.peers if peer else self.runtime}/bin{os.pathsep}{os.defpath}",
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
        layers = contender.layer.format(framework=self.framework).split()
        name = "-".join([*layers, *(["large"] if contender.large else [])])
        if name not in self.copies:
            copy = self.copies[name] = self.folder / name
            if contender.commands:
                copy.mkdir()
            else:
                shutil.copytree(self.project, copy)
            # Django's own beginning is all made by commands.
            for layer in filter(lambda layer: (LAYERS / layer).exists(), layers):
                shutil.copytree(LAYERS / layer, copy, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
            for command in contender.commands:
                self.run(*command.split(), cwd=copy)
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
        filled = contender.command.format(port=self.port, workers=workers, threads=4 * workers)
        command, environment = shlex.split(filled), build.environment(variables, contender.peer)
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
        return self.static if page == "static file" else self.contender.paths.get(page, page)

    def stop(self) -> None:
        """At once: nothing of it is needed any more."""
        with contextlib.suppress(ProcessLookupError):  # it has been stopped already
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextlib.contextmanager
def running(build: Build, contender: Contender, workers: int) -> Iterator[Server]:
    server = Server(build, contender, workers)
    try:
        yield server
    finally:
        server.stop()
