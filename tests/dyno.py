"""Runs a process of a Procfile the way a dyno does."""

import contextlib
import os
import re
import shlex
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from tests.ports import free_port
from tests.privileges import unprivileged
from tests.projects import Project

SECRET_KEY = "0123456789abcdef" * 4
PATIENCE = 60  # seconds until a test gives up on an event; nothing is asserted about how soon it comes


class Server:
    """A process that runs without privileges, and its log so far."""

    def __init__(self, command: list[str], cwd: Path, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            **unprivileged(command),
            cwd=cwd,
            env=environment | {"PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self.log: list[str] = []
        self.news = threading.Condition()
        self.ended = False
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self) -> None:
        for line in self.process.stdout or ():
            with self.news:
                self.log.append(line.rstrip("\n"))
                self.news.notify_all()
        with self.news:
            self.ended = True
            self.news.notify_all()

    def wait_for(self, pattern: str, times: int = 1) -> list[str]:
        """The lines that match, as soon as the log has so many of them."""

        def found() -> list[str]:
            return [line for line in self.log if re.search(pattern, line)]

        with self.news:
            self.news.wait_for(lambda: len(found()) >= times or self.ended, PATIENCE)
            assert len(found()) >= times, f"not {times} times in the log: {pattern}\n" + "\n".join(self.log)
            return found()

    def mailed_link(self, address: str, subject: str) -> str:
        """The link in a mail to an address without its host, from the log, which stands in for a mail server."""
        mail = self.wait_for(f"Mail to {address}: {subject}")[-1]
        request_id = mail.partition("request_id=")[2].split()[0]
        link = urlsplit(self.wait_for(rf"request_id={request_id} \| https?://")[-1].partition(" | ")[2])
        return link._replace(scheme="", netloc="").geturl()

    def strays(self) -> list[str]:
        """The lines of the log that belong to no event.

        A mail that no server took, like a traceback, follows its event in lines marked with the request.
        """
        return [line for line in self.log if not re.match(r"level=|request_id=\S+ \| ", line)]

    def signal(self, number: int) -> None:
        """Send a signal to every process, as the platform does."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def wait(self) -> int:
        """The exit status, when the process has ended and the log is complete."""
        try:
            status = self.process.wait(PATIENCE)
        finally:
            self.signal(signal.SIGKILL)
            self.reader.join(PATIENCE)
            if self.process.stdout:
                self.process.stdout.close()
        return status

    def kill(self) -> None:
        """End every process at once."""
        self.signal(signal.SIGKILL)
        self.wait()

    def stop(self) -> int:
        """Send SIGTERM to every process, and return the exit status."""
        self.signal(signal.SIGTERM)
        return self.wait()


class Dyno(Server):
    """A web process, and a client that stands where the platform's router stands."""

    def __init__(self, project: Project, command: str, **variables: str) -> None:
        self.port = int(variables.get("PORT") or free_port())
        environment = {
            "DYNO": "web.1",
            "FORWARDED_ALLOW_IPS": "*",
            # The tests' machine is no dyno: whatever listens here is for this machine alone.
            "GUNICORN_CMD_ARGS": f"--access-logfile - --bind 127.0.0.1:{self.port}",
            "PORT": str(self.port),
            "WEB_CONCURRENCY": "2",
        } | variables
        given = {name: value for name, value in environment.items() if value}
        super().__init__(shlex.split(command), project.path, project.environment(given))

    def get(self, path: str, https: bool = True, **arguments: Any) -> requests.Response:
        return self.request("GET", path, https, **arguments)

    def request(self, method: str, path: str, https: bool = True, **arguments: Any) -> requests.Response:
        """What the dyno answers to a request that came to the router over HTTPS, or over plain HTTP."""
        headers = {"X-Forwarded-Proto": "https" if https else "http"} | arguments.pop("headers", {})
        url = f"http://127.0.0.1:{self.port}{path}"
        with requests.Session() as session:
            session.trust_env = False
            return session.request(method, url, headers=headers, allow_redirects=False, timeout=PATIENCE, **arguments)


@contextlib.contextmanager
def running(project: Project, command: str | None = None, **variables: str) -> Iterator[Dyno]:
    """A dyno that accepts requests. A variable set to "" is not set at all.

    Where the test has not stopped it, it is killed at the end: to stop takes more CPU time than to start.
    """
    dyno = Dyno(project, command or project.processes["web"], **variables)
    try:
        dyno.wait_for("Serving with")
        yield dyno
    finally:
        if dyno.process.returncode is None:
            dyno.kill()
