"""The web process as the Procfile starts it. What a newer Gunicorn breaks in the worker, it breaks here first."""

import http.client
import itertools
import os
import shlex
import signal
import socket
import subprocess
import sysconfig
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from config.wsgi import application as project

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

ROOT = Path(__file__).parent.parent
HEADERS = {"Host": "localhost", "X-Forwarded-Proto": "https"}


def application(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """The project, with a page that sends back what it gets, and one that has no end."""
    if environ["PATH_INFO"] not in {"/echo", "/endless"}:
        return project(environ, start_response)
    start_response("200 OK", [("Content-Type", "text/plain")])
    if environ["PATH_INFO"] == "/echo":
        return [environ["wsgi.input"].read()]
    return (b"%d\n" % number for number in itertools.count())


def test_the_web_process_serves_and_stops() -> None:
    lines = (line.partition(": ") for line in (ROOT / "Procfile").read_text().splitlines())
    command = next(command for name, _, command in lines if name == "web")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = os.environ | {
        "GUNICORN_CMD_ARGS": f"--bind 127.0.0.1:{port}",
        "PATH": os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)]),
        "WEB_CONCURRENCY": "2",
    }
    server = subprocess.Popen(
        shlex.split(command.replace("config.wsgi", f"{__name__}:application")),
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        seen = list(itertools.takewhile(lambda line: "Booting worker" not in line, server.stdout or ()))
        assert server.poll() is None, "".join(seen)
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

        def request(path: str, body: list[bytes] | None = None, **headers: str) -> http.client.HTTPResponse:
            """The response to a request, whose body is sent in chunks."""
            fields = HEADERS | {name.replace("_", "-"): value for name, value in headers.items()}
            client.request("GET" if body is None else "POST", path, body, fields)
            return client.getresponse()

        # On one connection, which each response leaves open.
        assert request("/healthz").read() == b"ok\n"
        assert b"<html" in request("/").read()
        assert request("/echo", [b"in ", b"pieces"]).read() == b"in pieces"
        assert request("/endless").readline() == b"0\n"
        client.close()
        too_large = request("/", Content_Length=str(2**40))
        assert (too_large.status, too_large.getheader("Connection")) == (413, "close")
        client.close()
        assert request("/", Nonsense="\x01").status == 400
    finally:
        # To every process at once, as a platform does.
        os.killpg(server.pid, signal.SIGTERM)
        log, _ = server.communicate(timeout=60)
    assert server.returncode == 0, log
    assert "Traceback" not in log
