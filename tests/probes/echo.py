"""A plain WSGI application that says what it was asked, and others of which each has a fault or a habit of its own."""

import contextlib
import hashlib
import io
import json
import os
import resource
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

TEXT = b"0123456789" * 10
LARGE = bytes(range(256)) * 4096 * 5  # 5 MiB
FILE = tempfile.NamedTemporaryFile()  # noqa: SIM115
FILE.write(TEXT)
FILE.flush()
LARGE_FILE = tempfile.NamedTemporaryFile()  # noqa: SIM115
LARGE_FILE.write(LARGE)
LARGE_FILE.flush()

MAY_CLOSE = threading.Event()

Start = Callable[..., Callable[[bytes], object]]


def say(environ: dict[str, Any], body: bytes) -> bytes:
    """What the server made of the request, as far as it is the client's and not the connection's."""
    names = {"CONTENT_LENGTH", "CONTENT_TYPE", "PATH_INFO", "QUERY_STRING", "RAW_URI", "REQUEST_METHOD", "SCRIPT_NAME"}
    names |= {"SERVER_PROTOCOL", "wsgi.input_terminated", "wsgi.url_scheme"}
    # The server's own id of a request that came without.
    names |= {name for name in environ if name.startswith("HTTP_")} - {"HTTP_X_REQUEST_ID"}
    said = {name: environ[name] for name in sorted(names) if name in environ}
    return json.dumps(said | {"length": len(body), "hash": hashlib.sha256(body).hexdigest()}).encode()


def application(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    view = globals().get("on_" + environ["PATH_INFO"].strip("/").partition("/")[0].replace("-", "_"), on_all)
    return view(environ, start)


def answer(start: Start, body: bytes, status: str = "200 OK", length: int | None = None) -> Iterable[bytes]:
    start(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(body) if length is None else length))])
    return [body]


# How much of the body is read


def on_all(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    return answer(start, say(environ, environ["wsgi.input"].read()))


def on_none(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    return answer(start, say(environ, b""))


def on_part(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    return answer(start, say(environ, environ["wsgi.input"].read(10)))


def on_line(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    return answer(start, say(environ, environ["wsgi.input"].readline()))


def on_lines(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    return answer(start, say(environ, b"|".join(environ["wsgi.input"])))


def on_late(environ: dict[str, Any], start: Start) -> Iterator[bytes]:
    """Reads when it has answered already."""
    start("200 OK", [("Content-Type", "text/plain")])
    yield b"first, "
    yield say(environ, environ["wsgi.input"].read())


# How the response is made


def on_stream(environ: dict[str, Any], start: Start) -> Iterator[bytes]:
    start("200 OK", [("Content-Type", "text/plain")])
    yield b""
    yield from (b"one ", b"", b"two ", b"three")


def on_empty(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    start("200 OK", [])
    return []


def on_no_content(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    start("204 No Content", [("Content-Length", "0")])
    return []


def on_not_modified(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    start("304 Not Modified", [("Content-Length", "100"), ("ETag", '"x"')])
    return []


def on_short(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """Has more than it said."""
    return answer(start, TEXT, length=10)


def on_long(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """Has less than it said."""
    return answer(start, TEXT, length=200)


def on_write(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    write = start("200 OK", [("Content-Type", "text/plain")])
    write(b"written, ")
    write(say(environ, environ["wsgi.input"].read()))
    return [b" returned"]


def on_hints(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    environ["wsgi.early_hints"]([("Link", "</style.css>; rel=preload; as=style")])
    return answer(start, TEXT)


def on_file(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    start("200 OK", [("Content-Length", str(len(TEXT)))])
    return environ["wsgi.file_wrapper"](open(FILE.name, "rb"))


def on_file_without_length(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    start("200 OK", [])
    return environ["wsgi.file_wrapper"](open(FILE.name, "rb"))


def on_empty_file_without_length(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    start("200 OK", [])
    return environ["wsgi.file_wrapper"](open(os.devnull, "rb"))


class Closing(list[bytes]):
    """A body whose end is waited for until somebody says so."""

    def close(self) -> None:
        MAY_CLOSE.wait(60)
        print("probe has closed\n", end="", flush=True)


def on_closing(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    return Closing(answer(start, TEXT))


def on_may_close(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    MAY_CLOSE.set()
    return answer(start, TEXT)


def on_taken_over(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """Speaks another protocol from now on, as Gunicorn's workers let an application do."""
    client = environ["gunicorn.socket"]
    client.sendall(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
    client.sendall(client.recv(100).upper())
    raise StopIteration


def on_part_of_a_file(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    start("206 Partial Content", [("Content-Length", "15"), ("Content-Range", "bytes 5-19/100")])
    file = open(FILE.name, "rb")  # noqa: SIM115
    file.seek(5)
    return environ["wsgi.file_wrapper"](file)


def on_file_too_short(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """Has less than it said, in a file."""
    start("200 OK", [("Content-Length", "200")])
    return environ["wsgi.file_wrapper"](open(FILE.name, "rb"))


def on_large_file_too_short(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    start("200 OK", [("Content-Length", str(len(LARGE) + 100))])
    return environ["wsgi.file_wrapper"](open(LARGE_FILE.name, "rb"))


def on_file_in_memory(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    start("200 OK", [("Content-Length", str(len(TEXT)))])
    return environ["wsgi.file_wrapper"](io.BytesIO(TEXT))


def on_file_in_memory_too_short(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    start("200 OK", [("Content-Length", "200")])
    return environ["wsgi.file_wrapper"](io.BytesIO(TEXT))


def on_large_file(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    start("200 OK", [("Content-Length", str(len(LARGE)))])
    return environ["wsgi.file_wrapper"](open(LARGE_FILE.name, "rb"))


def on_large(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    return answer(start, LARGE)


def on_large_stream(environ: dict[str, Any], start: Start) -> Iterator[bytes]:
    start("200 OK", [])
    for begin in range(0, len(LARGE), 100_000):
        yield LARGE[begin : begin + 100_000]


def on_two_fields(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    start("200 OK", [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("Connection", "close"), ("Content-Length", "0")])
    return []


# What goes wrong


def on_raise(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    raise RuntimeError("before the head")


def on_raise_before_the_first_piece(environ: dict[str, Any], start: Start) -> Iterator[bytes]:
    start("200 OK", [])
    raise RuntimeError("before the first piece")
    yield b""


def on_raise_after_the_first_piece(environ: dict[str, Any], start: Start) -> Iterator[bytes]:
    start("200 OK", [])
    yield b"first"
    raise RuntimeError("after the first piece")


def on_exit(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    raise OSError("a fault of the application's own")


def on_bad_field(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    start("200 OK", [("X-Bad", "a\r\nb: c")])
    return []


def on_bad_status(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    start("OK", [])
    return []


def on_text(environ: dict[str, Any], start: Start) -> Iterable[Any]:
    start("200 OK", [])
    return ["not bytes"]


def on_second_thoughts(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    start("200 OK", [("X-First", "yes")])
    try:
        raise RuntimeError("second thoughts")
    except RuntimeError as error:
        start("500 Internal Server Error", [("Content-Length", "4")], (type(error), error, error.__traceback__))
    return [b"oops"]


# What takes a while


def on_sleep(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    print("probe sleeps\n", end="", flush=True)
    time.sleep(float(environ["QUERY_STRING"]))
    return answer(start, b"slept")


def on_endless(environ: dict[str, Any], start: Start) -> Iterator[bytes]:
    """A piece ten times a second."""
    start("200 OK", [("Content-Type", "text/event-stream")])
    try:
        print("probe streams\n", end="", flush=True)
        while True:
            yield b"data: more\n\n"
            time.sleep(0.1)
    finally:
        print("probe has streamed\n", end="", flush=True)


def on_torrent(environ: dict[str, Any], start: Start) -> Iterator[bytes]:
    """So many megabytes, as fast as they are taken."""
    start("200 OK", [])
    for _ in range(int(environ["QUERY_STRING"])):
        print("probe pours\n", end="", flush=True)
        yield bytes(1 << 20)


def on_process(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    return answer(start, str(os.getpid()).encode())


def on_hoard(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """Opens whatever the process may still open, and keeps it for so many seconds."""
    hoard: list[int] = []

    def release() -> None:
        for descriptor in hoard:
            os.close(descriptor)
        print("probe has released\n", end="", flush=True)

    threading.Timer(float(environ["QUERY_STRING"]), release).start()
    with contextlib.suppress(OSError):
        while True:
            hoard.append(os.dup(0))
    return answer(start, str(len(hoard)).encode())


def on_limit(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """Lets this process write files of so many bytes only."""
    resource.setrlimit(
        resource.RLIMIT_FSIZE, (int(environ["QUERY_STRING"]), resource.getrlimit(resource.RLIMIT_FSIZE)[1])
    )
    return answer(start, b"limited")
