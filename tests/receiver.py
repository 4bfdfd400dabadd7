"""A server that takes errors, as SENTRY_DSN names one, and keeps every byte that it was sent."""

import base64
import contextlib
import gzip
import json
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.dyno import PATIENCE
from tests.ports import free_port
from tests.projects import Project

# The project's own Brotli, which the tests do not have.
UNPACK = """
import base64, brotli, json, sys
print(json.dumps([base64.b64encode(brotli.decompress(base64.b64decode(one))).decode() for one in json.load(sys.stdin)]))
"""


class Receiver:
    """What was sent so far. Nobody is answered while ``answers`` is not set; then with ``status``."""

    def __init__(self, project: Project, port: int) -> None:
        self.project, self.dsn = project, f"http://the-key@127.0.0.1:{port}/7"
        self.sent: list[tuple[str, str, bytes]] = []
        self.news = threading.Condition()
        self.answers = threading.Event()
        self.answers.set()
        self.status = 200

    def take(self, head: str, encoding: str, body: bytes) -> None:
        with self.news:
            self.sent.append((head, encoding, body))
            self.news.notify_all()

    def wait_for(self, count: int) -> list[dict[str, Any]]:
        """The events, as soon as there are so many."""
        with self.news:
            assert self.news.wait_for(lambda: len(self.sent) >= count, PATIENCE), f"{len(self.sent)} of {count}"
        return self.events()

    def bodies(self) -> list[bytes]:
        packed = [base64.b64encode(body).decode() for _, encoding, body in self.sent if encoding == "br"]
        python = self.project.runtime / "bin" / "python"
        command = [python, "-c", UNPACK]
        unpacked = subprocess.run(command, input=json.dumps(packed), capture_output=True, text=True, check=True)
        brotli = iter(json.loads(unpacked.stdout))
        unpack = {"br": lambda body: base64.b64decode(next(brotli)), "gzip": gzip.decompress, "": bytes}
        return [unpack[encoding](body) for _, encoding, body in self.sent]

    def everything(self) -> str:
        """Every byte, unpacked, heads included."""
        return "\n".join([head for head, _, _ in self.sent] + [body.decode() for body in self.bodies()])

    def events(self) -> list[dict[str, Any]]:
        found = []
        for body in self.bodies():
            # An envelope: its head, and then each item's head and content, a line each.
            _, *items = body.splitlines()
            for head, content in zip(items[::2], items[1::2], strict=True):
                assert json.loads(head)["type"] == "event"
                found.append(json.loads(content))
        return found


@contextlib.contextmanager
def receiver(project: Project) -> Iterator[Receiver]:
    """One that listens."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.take(f"{self.requestline}\n{self.headers}", self.headers.get("Content-Encoding", ""), body)
            received.answers.wait(PATIENCE)
            self.send_response(received.status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            with contextlib.suppress(OSError):  # who has not waited
                self.wfile.write(b"{}")

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    port = free_port()
    received = Receiver(project, port)
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield received
    finally:
        received.answers.set()
        server.shutdown()
        thread.join()
        server.server_close()
