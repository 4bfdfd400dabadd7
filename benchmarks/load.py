"""Load generators: wrk where this machine has it, else a small one in Python.

Both keep a number of clients in a loop, each of which sends its next request when it has the answer to the last.
"""

import json
import math
import shutil
import signal
import socket
import statistics
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

WRK = shutil.which("wrk")
# What the platform's router adds to a request that came to it over HTTPS.
HEADERS = {"Host": "localhost", "X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "https"}
# Seconds between two looks of wrk at whether it shall end.
LOOK = 0.1


@dataclass(frozen=True)
class Load:
    """What the clients have seen: requests in all and a second, and how long half and 99 % took at most, in seconds."""

    requests: int
    rate: float
    p50: float
    p99: float


def generator() -> str:
    """What makes the load, as the report names it."""
    if not WRK:
        return "a Python client with one thread a connection (benchmarks/load.py), since wrk is not installed"
    first = subprocess.run([WRK, "--version"], capture_output=True, text=True, check=False).stdout.split(" [")[0]
    return first.strip()


def drive(port: int, path: str, clients: int, seconds: float, keep_alive: bool = True) -> Load:
    """Load one page of a server; raises where any answer is missing or is none of the statuses below 400."""
    headers = HEADERS if keep_alive else HEADERS | {"Connection": "close"}
    return (drive_with_wrk if WRK else drive_with_python)(port, path, clients, seconds, headers)


def drive_with_wrk(port: int, path: str, clients: int, seconds: float, headers: dict[str, str]) -> Load:
    fields = [part for name, value in headers.items() for part in ("--header", f"{name}: {value}")]
    # It counts whole seconds, and ends sooner where it is interrupted.
    most = str(math.ceil(seconds))
    options = ["--threads", "1", "--connections", str(clients), "--duration", most, "--timeout", "20"]
    script = Path(__file__).parent / "wrk.lua"
    command = [WRK or "wrk", *options, *fields, "--script", str(script), f"http://127.0.0.1:{port}{path}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        time.sleep(max(0.0, seconds - LOOK / 2))
        process.send_signal(signal.SIGINT)
        output = process.communicate()[0]
    if process.returncode:
        raise RuntimeError(f"{path}: wrk has ended with {process.returncode}")
    seen = json.loads(output.splitlines()[-1])
    if seen["failed"] or not seen["requests"]:
        raise RuntimeError(f"{path}: {output}")
    rate = seen["requests"] / seen["microseconds"] * 1e6
    return Load(seen["requests"], rate, seen["p50"] / 1e6, seen["p99"] / 1e6)


def drive_with_python(port: int, path: str, clients: int, seconds: float, headers: dict[str, str]) -> Load:
    fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    request = f"GET {path} HTTP/1.1\r\n{fields}\r\n".encode()
    times: list[float] = []
    errors: list[Exception] = []
    began = time.perf_counter()

    def client() -> None:
        connection = None
        try:
            start = began
            # At least once: on a busy machine the time may be over before a thread begins.
            while start < began + seconds:
                start = time.perf_counter()
                connection = connection or socket.create_connection(("127.0.0.1", port), 20)
                connection.sendall(request)
                if not read_response(connection):
                    connection.close()
                    connection = None
                times.append(time.perf_counter() - start)
        except Exception as error:
            errors.append(error)
        finally:
            if connection:
                connection.close()

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors or not times:
        raise RuntimeError(f"{path}: {errors}")
    duration = time.perf_counter() - began
    hundredths = statistics.quantiles(times, n=100) if len(times) > 1 else times * 99
    return Load(len(times), len(times) / duration, hundredths[49], hundredths[98])


def read_response(connection: socket.socket) -> bool:
    """Read one response with a Content-Length, and tell whether the connection stays open."""
    received = b""
    while b"\r\n\r\n" not in received:
        if not (part := connection.recv(65536)):
            raise ConnectionError("cut off")
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    status, *lines = head.lower().decode("latin-1").split("\r\n")
    if int(status.split()[1]) >= 400:
        raise ConnectionError(status)
    headers = dict(line.split(": ", 1) for line in lines)
    missing = int(headers["content-length"]) - len(body)
    while missing > 0:
        if not (part := connection.recv(65536)):
            raise ConnectionError("cut off")
        missing -= len(part)
    return headers.get("connection") != "close"
