"""What strangers send, in large amounts: it costs neither memory nor disk, and gets a calm answer."""

import contextlib
import http.client
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conftest import thorough
from tests.crowd import workers
from tests.dyno import PATIENCE, SECRET_KEY, Dyno, running
from tests.projects import Project
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


def test_goes_on_serving_meanwhile(dyno: Dyno) -> None:
    with ThreadPoolExecutor(4) as pool:
        floods = [pool.submit(send, dyno, "POST", "/accounts/login/", FORM, b"a&" * (SIZE // 2)) for _ in range(8)]
        assert Visitor(dyno).get("/accounts/login/").status_code == 200
    assert {flood.result()[0] for flood in floods} == {413}
