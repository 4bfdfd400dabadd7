"""Clients that keep a dyno busy, and notice when one of their requests is lost."""

import http.client
import threading
from types import TracebackType

from tests.dyno import PATIENCE, Dyno


class Load:
    """Clients in a loop, every second one on a kept connection, from entering the context to leaving it.

    A request is lost when it gets no response: reset, cut off, or never accepted. A new connection that is not made
    is not: whoever routes the request sends it elsewhere. A client ends at its first refusal.
    """

    def __init__(self, dyno: Dyno, clients: int = 8, path: str = "/healthz") -> None:
        self.dyno, self.path = dyno, path
        self.lost: list[str] = []
        self.refused = self.answered = 0
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.warm = threading.Barrier(clients + 1)
        self.threads = [threading.Thread(target=self.client, args=(bool(number % 2),)) for number in range(clients)]

    def client(self, keeps: bool) -> None:
        connection: http.client.HTTPConnection | None = None
        headers = {"Host": "localhost", "X-Forwarded-Proto": "https"} | ({} if keeps else {"Connection": "close"})
        first = True
        while not self.over.is_set():
            try:
                if connection is None:
                    connection = http.client.HTTPConnection("127.0.0.1", self.dyno.port, timeout=PATIENCE)
                    connection.connect()
            except (ConnectionRefusedError, ConnectionResetError):  # the latter by a socket that closed just then
                with self.lock:
                    self.refused += 1
                return
            try:
                connection.request("GET", self.path, headers=headers)
                response = connection.getresponse()
                response.read()
                assert response.status == 200, response.status
                with self.lock:
                    self.answered += 1
                if response.will_close:
                    connection.close()
                    connection = None
            except Exception as error:
                with self.lock:
                    self.lost.append(repr(error))
                connection.close()
                connection = None
            if first:
                first = False
                self.warm.wait(PATIENCE)
        if connection:
            connection.close()

    def __enter__(self) -> "Load":
        for thread in self.threads:
            thread.start()
        self.warm.wait(PATIENCE)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join(PATIENCE)
