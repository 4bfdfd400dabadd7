"""HTTP as it comes over a wire: a corpus of requests, and a client that takes responses apart itself."""

import contextlib
import random
import re
import socket
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.dyno import PATIENCE, Dyno
from tests.test_server import MALFORMED as KNOWN_MALFORMED

HEAD = b" HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-Proto: https\r\n"
# Which end nobody but the server can choose, and when.
NOT_COMPARED = {"connection", "date"}


@dataclass(frozen=True)
class Response:
    """What a client understood, from the interim responses before it to the last byte."""

    status: int
    fields: tuple[tuple[str, str], ...]
    body: bytes
    interim: tuple[int, ...] = ()
    # Whether all of the body came that its length or its last chunk promised.
    whole: bool = True
    closes: bool = False


def connect(port: int, seconds: float = PATIENCE, narrow: bool = False) -> socket.socket:
    """A client, whose kernel keeps hardly anything that it has not read where it is narrow."""
    client = socket.socket()
    if narrow:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(seconds)
    try:
        client.connect(("127.0.0.1", port))
    except OSError:
        client.close()
        raise
    # Each send is a packet of its own.
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def reset(client: socket.socket) -> None:
    """Hang up by a reset, as a client does that is gone, and not by a farewell."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def receive_all(client: socket.socket) -> bytes:
    """All there is until the server hangs up; a reset ends it too."""
    received = bytearray()
    with contextlib.suppress(ConnectionResetError):
        while data := client.recv(1 << 20):
            received += data
    return bytes(received)


def exchange(dyno: Dyno, *packets: bytes, hangs_up: bool = True) -> bytes:
    """What the packets get until the server closes; the client has closed its own side after them."""
    with connect(dyno.port) as client:
        with contextlib.suppress(OSError):  # who was refused is not listened to
            for packet in packets:
                client.sendall(packet)
            if hangs_up:
                client.shutdown(socket.SHUT_WR)
        return receive_all(client)


def responses(received: bytes, methods: Iterable[bytes]) -> Iterator[Response]:
    """Take apart what came for requests with these methods; nothing is forgiven."""
    for method in methods:
        interim: list[int] = []
        while received:
            head, separator, received = received.partition(b"\r\n\r\n")
            assert separator, head
            line, *lines = head.decode("latin-1").split("\r\n")
            match = re.fullmatch(r"HTTP/1\.[01] (\d{3}) .*", line)
            assert match, line
            status = int(match[1])
            if status >= 200:
                break
            interim.append(status)
        else:
            return
        fields = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
        named = dict(fields)
        whole = True
        if method == b"HEAD" and named.get("connection") == "close":
            body, received = received, b""  # Gunicorn's own pages have a text whoever asks
        elif method == b"HEAD" or status in {204, 304}:
            body = b""
        elif named.get("transfer-encoding") == "chunked":
            body, received, whole = chunks(received)
        elif "content-length" in named:
            length = int(named["content-length"])
            body, received = received[:length], received[length:]
            whole = len(body) == length
        else:
            body, received = received, b""
        kept = tuple((name, value) for name, value in fields if name not in NOT_COMPARED)
        yield Response(status, kept, body, tuple(interim), whole, named.get("connection") == "close")
    assert received == b"", received[:200]


def chunks(received: bytes) -> tuple[bytes, bytes, bool]:
    """A chunked body, what comes after it, and whether its last chunk is there."""
    body = b""
    while received:
        size, _, received = received.partition(b"\r\n")
        length = int(size, 16)
        if not length:
            return body, received.removeprefix(b"\r\n"), received.startswith(b"\r\n")
        body += received[:length]
        received = received[length + 2 :]
    return body, b"", False


def method_of(request: bytes) -> bytes:
    return request.lstrip(b"\r\n").partition(b" ")[0]


def get(path: bytes, fields: bytes = b"", method: bytes = b"GET") -> bytes:
    return method + b" " + path + HEAD + fields + b"\r\n"


def post(path: bytes, body: bytes, fields: bytes = b"", method: bytes = b"POST") -> bytes:
    return method + b" " + path + HEAD + b"Content-Length: %d\r\n" % len(body) + fields + b"\r\n" + body


def post_chunked(path: bytes, coded: bytes, fields: bytes = b"") -> bytes:
    return b"POST " + path + HEAD + fields + b"Transfer-Encoding: chunked\r\n\r\n" + coded


def in_chunks(body: bytes, size: int, extension: bytes = b"", trailers: bytes = b"") -> bytes:
    pieces = [body[begin : begin + size] for begin in range(0, len(body), size)]
    coded = b"".join(b"%x%s\r\n%s\r\n" % (len(piece), extension, piece) for piece in pieces)
    return coded + b"0\r\n" + trailers + b"\r\n"


def noise(size: int) -> bytes:
    return random.Random(size).randbytes(size)


WAYS_TO_READ = [b"/all", b"/none", b"/part", b"/line", b"/lines", b"/late", b"/write"]
WAYS_TO_ANSWER = [
    b"/stream",
    b"/empty",
    b"/no-content",
    b"/not-modified",
    b"/short",
    b"/long",
    b"/hints",
    b"/file",
    b"/file-without-length",
    b"/part-of-a-file",
    b"/file-too-short",
    b"/file-in-memory",
    b"/file-in-memory-too-short",
    b"/large-file",
    b"/large",
    b"/large-stream",
    b"/two-fields",
    b"/raise",
    b"/raise-before-the-first-piece",
    b"/raise-after-the-first-piece",
    b"/exit",
    b"/bad-field",
    b"/bad-status",
    b"/text",
    b"/second-thoughts",
]
LINES = b"a line\n" * 30 + b"\r\n\r\nGET /evil HTTP/1.1\r\n\r\n"

VALID = [
    # Each way to answer, to each way to ask.
    *(get(path) for path in WAYS_TO_ANSWER),
    *(get(path, method=b"HEAD") for path in WAYS_TO_ANSWER),
    *(get(path).replace(b"HTTP/1.1", b"HTTP/1.0") for path in WAYS_TO_ANSWER),
    *(get(path, b"Connection: close\r\n") for path in WAYS_TO_ANSWER),
    # Each way to read, of each way to send.
    *(post(path, body) for path in WAYS_TO_READ for body in [b"", b"x", LINES, noise(64 << 10)]),
    *(post_chunked(path, in_chunks(body, 7)) for path in WAYS_TO_READ for body in [b"", b"x", LINES]),
    *(post(path, noise(2 << 20)) for path in WAYS_TO_READ[:3]),
    *(post_chunked(path, in_chunks(noise(2 << 20), 60_000)) for path in WAYS_TO_READ[:3]),
    *(post_chunked(b"/all", in_chunks(noise(3000), size)) for size in [1, 2, 15, 16, 17, 255, 1024, 2999, 3000]),
    *(post_chunked(b"/all", in_chunks(noise(64 << 10), size)) for size in [4096, 65_535, 65_536]),
    *(
        post_chunked(b"/all", in_chunks(LINES, 9, extension))
        for extension in [b";a", b";a=b", b';a="b"', b" ;a", b"; a=b"]
    ),
    *(post_chunked(b"/all", in_chunks(LINES, 9, trailers=trailers)) for trailers in [b"A: b\r\n", b"A: b\r\nC: d\r\n"]),
    *(post_chunked(b"/all", size + b"\r\nhello\r\n0\r\n\r\n") for size in [b"5", b"05", b"0000005", b"5 ", b"5\t"]),
    post_chunked(b"/all", b"A\r\n0123456789\r\n000\r\n\r\n"),
    post_chunked(b"/all", b"a\r\n0123456789\r\nB\r\n0123456789x\r\n0\r\n\r\n"),
    *(
        b"POST /all" + HEAD + b"Transfer-Encoding: " + coding + b"\r\n\r\n" + in_chunks(LINES, 11)
        for coding in [b"Chunked", b"CHUNKED", b" chunked\t", b"gzip, chunked", b"identity, chunked"]
    ),
    # Lengths
    *(
        b"POST /all" + HEAD + b"Content-Length:" + length + b"\r\n\r\nhello"
        for length in [b"5", b" 5 ", b"\t05", b" 0005"]
    ),
    post(b"/all", b"hello", method=b"GET"),
    post(b"/all", b"hello", method=b"DELETE"),
    post(b"/all", b"hello", method=b"PUT"),
    post(b"/all", b"hello", method=b"HEAD"),
    *(post(b"/all", b"hello", b"Expect: " + value + b"\r\n") for value in [b"100-continue", b"100-Continue"]),
    post(b"/none", b"hello", b"Expect: 100-continue\r\n"),
    get(b"/all", b"Expect: 100-continue\r\n"),
    post_chunked(b"/all", in_chunks(b"hello", 2), b"Expect: 100-continue\r\n"),
    # Targets
    *(
        get(target)
        for target in [
            b"/",
            b"//",
            b"//all/x",
            b"/all?",
            b"/all?a=b&c=%20d",
            b"/all?a?b",
            b"/all/%2e%2e/x",
            b"/all/../x",
            b"/all/%00",
            b"/all/%ff%fe",
            b"/all/%",
            b"/all/%zz",
            b"/all;a=b",
            b"/all#fragment",
            b"/" + b"a" * 4000,
            b"http://localhost/all?x=y",
            b"https://localhost:8000/all",
            b"http://other.example/all",
            b"http://localhost",
            b"/all/http://localhost/",
            b"://x",
        ]
    ),
    get(b"*", method=b"OPTIONS"),
    *(get(b"/all", method=method) for method in [b"OPTIONS", b"PATCH", b"TRACE", b"PROPFIND", b"M-SEARCH"]),
    # Fields
    *(
        get(b"/all", fields)
        for fields in [
            b"A:\r\n",
            b"A: \t b \t\r\n",
            b"A: b: c\r\n",
            b"A: b\r\nA: c\r\n",
            b"a: b\r\nA: c\r\n",
            b"A-B: c\r\n",
            b"A_B: c\r\n",
            b"A: \xe4\xff\r\n",
            b"!#$%&'*+.^`|~1: x\r\n",
            b"Cookie: a=b\r\nCookie: c=d\r\n",
            b"Content-Type: text/plain\r\n",
            b"Connection: keep-alive\r\n",
            b"Connection: Close\r\n",
            b"Connection: close, x\r\n",
            b"Connection: Upgrade\r\nUpgrade: websocket\r\n",
            b"Upgrade: h2c\r\n",
            b"X-Forwarded-Proto: https\r\n",
            b"X-Forwarded-For: 1.2.3.4, 5.6.7.8\r\n",
            b"X-Request-Id: one\r\n",
            b"SCRIPT_NAME: /x\r\n",
            b"Script-Name: /x\r\n",
            b"Proxy: x\r\n",
            b"A: " + b"b" * 8000 + b"\r\n",
            b"".join(b"H%d: x\r\n" % number for number in range(98)),
            b"".join(b"H%d: %s\r\n" % (number, b"x" * 1200) for number in range(90)),
        ]
    ),
    b"GET /all HTTP/1.1\r\n\r\n",
    b"GET /all HTTP/1.0\r\n\r\n",
    b"GET /all HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n",
    post(b"/all", b"hello").replace(b"HTTP/1.1", b"HTTP/1.0"),
    # RFC 9112, 2.2: an empty line before a request is none of it.
    b"\r\n" + get(b"/all"),
    b"\r\n" + post(b"/all", b"hello"),
]

BODY = b"Content-Length: 5\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
EVIL = b"GET /evil HTTP/1.1\r\nHost: localhost\r\n\r\n"

MALFORMED = [
    *(request.replace(b"GET / ", b"GET /all ").replace(b"POST / ", b"POST /all ") for request in KNOWN_MALFORMED),
    # Two ways to say where a body ends, or none that all understand in the same way.
    *(
        b"POST /all" + HEAD + fields + b"\r\n" + body + EVIL
        for fields, body in [
            (BODY + CHUNKED, b"0\r\n\r\n"),
            (CHUNKED + BODY, b"0\r\n\r\n"),
            (BODY + b"Transfer-Encoding: identity\r\n", b"hello"),
            (b"Transfer-Encoding: identity\r\n" + BODY, b"hello"),
            (b"Transfer-Encoding: gzip\r\n" + BODY, b"hello"),
            (b"Transfer-Encoding:\r\n" + BODY, b"hello"),
            (b"Transfer-Encoding: chunked, chunked\r\n", b"0\r\n\r\n"),
            (CHUNKED + CHUNKED, b"0\r\n\r\n"),
            (b"Transfer-Encoding: chunked, gzip\r\n", b"0\r\n\r\n"),
            (b"Transfer-Encoding: chunked;q=1\r\n", b"0\r\n\r\n"),
            (b"Transfer-Encoding: 'chunked'\r\n", b"0\r\n\r\n"),
            (b'Transfer-Encoding: "chunked"\r\n', b"0\r\n\r\n"),
            (b"Transfer-Encoding: chunked\x0b\r\n", b"0\r\n\r\n"),
            (b"Transfer-Encoding: chunked\xa0\r\n", b"0\r\n\r\n"),
            (b"Transfer-Encoding: ,chunked\r\n", b"0\r\n\r\n"),
            (b"Transfer-Encoding: chunked,\r\n", b"0\r\n\r\n"),
            (b"Transfer-Encoding : chunked\r\n", b"0\r\n\r\n"),
            (b"Transfer-Encoding\t: chunked\r\n", b"0\r\n\r\n"),
            (b" Transfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
            (b"X: y\r\n Transfer-Encoding: chunked\r\n", b""),
            (b"X: y\r\n\tContent-Length: 5\r\n", b""),
            (b"Transfer-Encoding:\r\n chunked\r\n", b"0\r\n\r\n"),
            (b"Transfer_Encoding: chunked\r\n" + BODY + BODY, b"hello"),
            (b"Content_Length: 3\r\n" + BODY + BODY, b"hello"),
            (BODY + BODY, b"hello"),
            (BODY + b"Content-Length: 05\r\n", b"hello"),
            (BODY + b"content-length: 6\r\n", b"hello!"),
            (b"Content-Length: 5,5\r\n", b"hello"),
            (b"Content-Length: 5, 5\r\n", b"hello"),
            (b"Content-Length: 5;\r\n", b"hello"),
            (b"Content-Length: 5 5\r\n", b"hello"),
            (b"Content-Length: 5.0\r\n", b"hello"),
            (b"Content-Length: 5e0\r\n", b"hello"),
            (b"Content-Length: 0x5\r\n", b"hello"),
            (b"Content-Length: 0b1\r\n", b"hello"),
            (b"Content-Length: 1_0\r\n", b"hello"),
            (b"Content-Length: \xb2\r\n", b"hello"),
            (b"Content-Length: \xd9\xa5\r\n", b"hello"),
            (b"Content-Length: +5\r\n", b"hello"),
            (b"Content-Length: -5\r\n", b"hello"),
            (b"Content-Length: -0\r\n", b""),
            (b"Content-Length:\x0b5\r\n", b"hello"),
            (b"Content-Length: 5\x00\r\n", b"hello"),
            (b"Content-Length : 5\r\n", b"hello"),
            (b"Content-Length: " + b"9" * 5000 + b"\r\n", b"hello"),
        ]
    ),
    b"POST /all HTTP/1.0\r\nHost: localhost\r\n" + CHUNKED + b"\r\n0\r\n\r\n" + EVIL,
    # Lines that end in another way.
    *(
        request + EVIL
        for request in [
            b"GET /all HTTP/1.1\nHost: localhost\n\n",
            b"GET /all HTTP/1.1\nHost: localhost\r\n\r\n",
            b"GET /all HTTP/1.1\r\nHost: localhost\n\r\n",
            b"GET /all HTTP/1.1\r\nHost: localhost\r\n\n",
            b"GET /all HTTP/1.1\r\nHost: localhost\n\n",
            b"GET /all HTTP/1.1\r\nA: b\nContent-Length: 5\r\n\r\nhello",
            b"GET /all HTTP/1.1\r\nA: b\rContent-Length: 5\r\n\r\nhello",
            b"GET /all HTTP/1.1\rHost: localhost\r\r",
            b"GET /all HTTP/1.1\r\nHost: localhost\r\r\n\r\n",
            b"GET /all HTTP/1.1\r\n\rHost: localhost\r\n\r\n",
            b"\nGET /all HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"\n\nGET /all HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"\r\n\r\nGET /all HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"\r\r\nGET /all HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b" \r\nGET /all HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"\r\n" * 200 + b"GET /all HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"\x00" + get(b"/all"),
            b"\xef\xbb\xbf" + get(b"/all"),
        ]
    ),
    # Folded, nameless and misnamed fields.
    *(
        get(b"/all", fields) + EVIL
        for fields in [
            b"A: b\r\n c\r\n",
            b"A: b\r\n\tc\r\n",
            b": b\r\n",
            b"A\r\n",
            b"A b\r\n",
            b"A : b\r\n",
            b" A: b\r\n",
            b"\tA: b\r\n",
            b"A\xff: b\r\n",
            b"A\x7f: b\r\n",
            b"(A): b\r\n",
            b"A;: b\r\n",
            b"A/B: c\r\n",
            b'"A": b\r\n',
            b"A: b\x00c\r\n",
            b"A: b\rc\r\n",
            b"A: b\nc\r\n",
            b"A: \x01\r\n",
            b"A: \x7f\r\n",
            b"Host: other\r\n",
            b"Host: localhost\r\nHost: localhost\r\n",
            b"X-Forwarded-Proto: http\r\n",
            b"X-Forwarded-Ssl: off\r\nX-Forwarded-Proto: https\r\n",
            b"Expect: 200-ok\r\n",
            b"Expect: 100-continue, x\r\n",
            b"Expect: 100-continue\r\nExpect: x\r\n",
            b"A: " + b"b" * 8190 + b"\r\n",
            b"A" * 8190 + b": b\r\n",
            b"".join(b"H%d: x\r\n" % number for number in range(99)),
            b"".join(b"H%d: x\r\n" % number for number in range(500)),
        ]
    ),
    # Request lines.
    *(
        line + b"\r\nHost: localhost\r\n\r\n" + EVIL
        for line in [
            b"GET",
            b"GET /all",
            b"GET  /all HTTP/1.1",
            b"GET /all  HTTP/1.1",
            b"GET /all HTTP/1.1 ",
            b"GET /all HTTP/1.1 x",
            b"GET\t/all\tHTTP/1.1",
            b"GET /a b HTTP/1.1",
            b"GET /\xe4 HTTP/1.1",
            b"GET /\x7f HTTP/1.1",
            b"GET all HTTP/1.1",
            b"GET * HTTP/1.1",
            b"GET localhost:80 HTTP/1.1",
            b"GET http://[::1/ HTTP/1.1",
            b"get /all HTTP/1.1",
            b"Get /all HTTP/1.1",
            b"GE /all HTTP/1.1",
            b"G" * 21 + b" /all HTTP/1.1",
            b"G(T /all HTTP/1.1",
            b"GET /all http/1.1",
            b"GET /all HTTP/1.1.1",
            b"GET /all HTTP/01.1",
            b"GET /all HTTP/1,1",
            b"GET /all HTTP/3.0",
            b"GET /all HTTP/0.9",
            b"GET /all HTTPS/1.1",
            b"GET /all HTTP/1.\xb2",
            b"GET /" + b"a" * 4100 + b" HTTP/1.1",
            b"GET /" + b"a" * 100_000 + b" HTTP/1.1",
            b"HTTP/1.1 200 OK",
        ]
    ),
    # Chunks that are none.
    *(
        post_chunked(path, coded) + EVIL
        for path in [b"/all", b"/none"]
        for coded in [
            b"\r\n",
            b"0\n\n",
            b"0\r\n\n",
            b"0\r\n\r",
            b"5\nhello\r\n0\r\n\r\n",
            b"5\r\nhello\n0\r\n\r\n",
            b"5\r\nhello0\r\n\r\n",
            b"5\r\nhello!\r\n0\r\n\r\n",
            b"4\r\nhello\r\n0\r\n\r\n",
            b"6\r\nhello\r\n0\r\n\r\n",
            b"+5\r\nhello\r\n0\r\n\r\n",
            b"-5\r\nhello\r\n0\r\n\r\n",
            b"0x5\r\nhello\r\n0\r\n\r\n",
            b"5_0\r\nhello\r\n0\r\n\r\n",
            b" 5\r\nhello\r\n0\r\n\r\n",
            b"\t5\r\nhello\r\n0\r\n\r\n",
            b"5\x0b\r\nhello\r\n0\r\n\r\n",
            b"\xb2\r\nhello\r\n0\r\n\r\n",
            b"g\r\nhello\r\n0\r\n\r\n",
            b";a\r\nhello\r\n0\r\n\r\n",
            b"5;a\nhello\r\n0\r\n\r\n",
            b"5;a\rb\r\nhello\r\n0\r\n\r\n",
            b"5;a\x00\r\nhello\r\n0\r\n\r\n",
            b"5;\nx\r\nhello\r\n0\r\n\r\n",
            b"f" * 16 + b"\r\nhello\r\n0\r\n\r\n",
            b"5" + b" " * 70_000 + b"\r\nhello\r\n0\r\n\r\n",
            b"5;" + b"a" * 70_000 + b"\r\nhello\r\n0\r\n\r\n",
            b"0\r\nA\r\n\r\n",
            b"0\r\nA : b\r\n\r\n",
            b"0\r\n A: b\r\n\r\n",
            b"0\r\nA: b\n\r\n",
            b"0\r\nContent-Length: 5\r\n\r\n",
            b"0\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"0\r\nHost: x\r\n\r\n",
            b"0\r\n" + b"".join(b"H%d: x\r\n" % number for number in range(200)) + b"\r\n",
            b"0\r\nA: " + b"b" * 9000 + b"\r\n\r\n",
        ]
    ),
    # Heads without an end.
    *(get(b"/all")[:length] for length in [0, 1, 3, 4, 8, 9, 17, 18, 19, 20, 30, 40]),
    b"GET /all HTTP/1.1\r\nHost: localhost",
    b"GET /all HTTP/1.1\r\nHost: localhost\r",
    b"GET /all HTTP/1.1\r\nHost: localhost\r\n\r",
    b"GET /all HTTP/1.1\r\nbroken",
]

# What a client that has gone, or has stopped sending, leaves of a request's body.
CUT = [
    *(post(path, LINES)[:-1] for path in WAYS_TO_READ),
    *(post(path, noise(2 << 20))[:-1] for path in [b"/all", b"/none"]),
    *(post_chunked(path, in_chunks(LINES, 7))[:-cut] for path in WAYS_TO_READ for cut in [1, 2, 5, 9]),
    *(
        post_chunked(b"/all", coded)
        for coded in [b"", b"5", b"5\r", b"5\r\n", b"5\r\nhel", b"5\r\nhello", b"0", b"0\r\nA: b"]
    ),
]
