"""What strangers send, in large amounts: it costs neither memory nor disk, and gets a calm answer."""

import contextlib
import http.client
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conftest import thorough
from tests.dyno import PATIENCE, Dyno
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


def workers(dyno: Dyno) -> Iterator[Path]:
    """The folder of each worker process in /proc."""
    for status in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):
            if f"\nPPid:\t{dyno.process.pid}\n" in status.read_text():
                yield status.parent


def peak(dyno: Dyno) -> dict[str, int]:
    """The most memory that each worker has had, in MB."""
    found = {folder.name: re.search(r"VmHWM:\s+(\d+)", (folder / "status").read_text()) for folder in workers(dyno)}
    return {name: int(match[1]) // 1024 for name, match in found.items() if match}


@pytest.mark.parametrize("path", ["/", "/accounts/login/", "/no-such-page"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_refuses_what_is_too_large(method: str, path: str, dyno: Dyno) -> None:
    status, page = send(dyno, method, path, FORM, b"a&" * (SIZE // 2))
    assert status == 413
    assert "<h1>Too much at once</h1>" in page


@pytest.mark.parametrize("chunked", [False, True], ids=["whole", "chunked"])
@pytest.mark.parametrize("kind", ["form", "file"])
def test_spends_no_memory_on_what_it_refuses(kind: str, chunked: bool, dyno: Dyno) -> None:
    body, content_type = (b"a&" * (SIZE // 2), FORM) if kind == "form" else (FILE % bytes(SIZE), MULTIPART)
    # Whatever is loaded by the first use is loaded, in each worker.
    dyno.wait_for("Booting worker with pid", times=2)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: send(dyno, "POST", "/accounts/login/", FORM, b"a=b"), range(32)))
    before = peak(dyno)
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda _: send(dyno, "POST", "/accounts/login/", content_type, body, chunked), range(16))
        )
    assert {status for status, _ in answers} <= {403, 413}  # Django takes what comes in chunks for empty
    growth = {name: most - before[name] for name, most in peak(dyno).items()}
    assert max(growth.values()) < 10, growth


def test_goes_on_serving_meanwhile(dyno: Dyno) -> None:
    with ThreadPoolExecutor(4) as pool:
        floods = [pool.submit(send, dyno, "POST", "/accounts/login/", FORM, b"a&" * (SIZE // 2)) for _ in range(8)]
        assert Visitor(dyno).get("/accounts/login/").status_code == 200
    assert {flood.result()[0] for flood in floods} == {413}
