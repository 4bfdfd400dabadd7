"""What strangers send, in large amounts: it costs neither memory nor disk, and gets a calm answer."""

import contextlib
import http.client
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conftest import thorough
from tests.crowd import Crowd, until, workers
from tests.dyno import PATIENCE, SECRET_KEY, Dyno, running
from tests.projects import Project
from tests.protocol import HEAD, connect, exchange, post_chunked
from tests.visitor import Visitor

pytestmark = thorough

SIZE = 5_000_000
FORM = "application/x-www-form-urlencoded"
FILE = b'--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n%s\r\n--b--\r\n'
MULTIPART = "multipart/form-data; boundary=b"


def send(dyno: Dyno, method: str, path: str, content_type: str, body: bytes, chunked: bool = False) -> tuple[int, str]:
    """What is answered to a body that is sent as it is, however soon the answer comes."""
    headers = {"Host": "localhost", "X-Forwarded-Proto": "https", "Content-Type": content_type}
    pieces = (body[start : start + 65536] for start in range(0, len(body), 65536)) if chunked else body
    headers |= {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": str(len(body))}
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", dyno.port, timeout=PATIENCE)) as connection:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.request(method, path, pieces, headers, encode_chunked=chunked)
        if connection.sock is None:  # what http.client closes when it may not send all
            return 0, ""
        response = connection.getresponse()
        return response.status, response.read().decode()


def peak(dyno: Dyno) -> int:
    """The most memory that the worker has had, in MB."""
    (worker,) = workers(dyno)
    return int(re.findall(r"VmHWM:\s+(\d+)", Path(f"/proc/{worker}/status").read_text())[0]) // 1024


@pytest.mark.parametrize("path", ["/", "/accounts/login/", "/no-such-page"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_refuses_what_is_too_large(method: str, path: str, dyno: Dyno) -> None:
    status, page = send(dyno, method, path, FORM, b"a&" * (SIZE // 2))
    assert status == 413
    assert "<h1>Too much at once</h1>" in page


@pytest.mark.parametrize("chunked", [False, True], ids=["whole", "chunked"])
@pytest.mark.parametrize("kind", ["form", "file"])
def test_spends_no_memory_on_what_it_refuses(kind: str, chunked: bool, project: Project, database_url: str) -> None:
    body, content_type = (b"a&" * (SIZE // 2), FORM) if kind == "form" else (FILE % bytes(SIZE), MULTIPART)
    with running(project, DATABASE_URL=database_url, SECRET_KEY=SECRET_KEY, WEB_CONCURRENCY="1") as dyno:
        # Whatever the first use loads is loaded.
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: send(dyno, "POST", "/accounts/login/", FORM, b"a=b"), range(32)))
        before = peak(dyno)
        first = send(dyno, "POST", "/accounts/login/", content_type, body, chunked)
        assert peak(dyno) - before < 10
        # Each of the four threads keeps once what it needed to collect a body.
        others = [send(dyno, "POST", "/accounts/login/", content_type, body, chunked) for _ in range(15)]
        assert peak(dyno) - before < 25
        # Django takes what comes in chunks for empty.
        assert {status for status, _ in [first, *others]} <= {403, 413}


def spooled(dyno: Dyno) -> int:
    """What the workers have in files without a name, in bytes."""
    files = [file for worker in workers(dyno) for file in Path(f"/proc/{worker}/fd").iterdir()]
    found = 0
    for file in files:
        with contextlib.suppress(OSError):  # closed meanwhile
            if str(file.readlink()).endswith("(deleted)") and "memfd" not in str(file.readlink()):
                found += file.stat().st_size
    return found


def test_keeps_little_on_the_disk_of_what_is_unfinished(project: Project, database_url: str) -> None:
    """Whoever keeps sending may go on, others who send a byte a second may not."""
    variables = {"DATABASE_URL": database_url, "WEB_CONCURRENCY": "1", "WEB_MAX_BODY_MB": "1"}
    announcement = b"POST /" + HEAD + b"Connection: close\r\nContent-Length: 1000000\r\n\r\n"
    with (
        running(project, **variables) as dyno,
        Crowd(dyno, 120, announcement + bytes(900_000), b"x", stays_away=True) as crowd,
        connect(dyno.port) as upload,
    ):
        upload.sendall(announcement + bytes(500_000))

        def most_have_gone() -> bool:
            upload.sendall(b"x")
            return sum(not taken for taken in list(crowd.taken.values())) < 20

        assert until(most_have_gone)
        assert spooled(dyno) < 20_000_000
        assert Visitor(dyno).get("/accounts/login/").status_code == 200
        upload.sendall(bytes(500_000))
        assert upload.recv(12) in {b"HTTP/1.1 403", b"HTTP/1.1 405", b"HTTP/1.1 200"}


@pytest.mark.parametrize("end", [b": bad\r\n", b"Content-Length: 5\r\n", b"A: " + b"x" * 9000 + b"\r\n"])
def test_takes_a_malformed_end_of_a_body_for_no_error_of_its_own(end: bytes, dyno: Dyno) -> None:
    form = b"Content-Type: application/x-www-form-urlencoded\r\n"
    for body in b"3\r\na=b\r\n0\r\n" + end + b"\r\n", b"3;=\r\na=b\r\n0\r\n\r\n":
        answer = exchange(dyno, post_chunked(b"/accounts/login/", body, form))
        assert answer.startswith(b"HTTP/1.1 4")


def test_goes_on_serving_meanwhile(dyno: Dyno) -> None:
    with ThreadPoolExecutor(4) as pool:
        floods = [pool.submit(send, dyno, "POST", "/accounts/login/", FORM, b"a&" * (SIZE // 2)) for _ in range(8)]
        assert Visitor(dyno).get("/accounts/login/").status_code == 200
    assert {flood.result()[0] for flood in floods} == {413}
