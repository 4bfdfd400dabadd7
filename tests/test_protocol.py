"""A generated project's server speaks HTTP as Gunicorn's own worker does, however the bytes come.

What the framework makes of a request is no matter here: a plain WSGI application says what it was asked.
"""

import contextlib
import re
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import protocol
from tests.dyno import Dyno, free_port, running
from tests.projects import THOROUGH, Project
from tests.protocol import Response, connect, exchange, get, post, receive_all

pytestmark = pytest.mark.parametrize("project", THOROUGH[-1:], indirect=True, ids=str)


@pytest.fixture(scope="module")
def echo(project: Project) -> str:
    """The command that serves an application that says what it was asked."""
    shutil.copy(Path(__file__).parent / "probes" / "echo.py", project.path / "echo.py")
    return "gunicorn echo:application"


@pytest.fixture(scope="module")
def ours(project: Project, echo: str) -> Iterator[Dyno]:
    """One worker of the project's own class."""
    with running(project, echo, WEB_CONCURRENCY="1") as dyno:
        yield dyno
        assert dyno.stop() == 0


@pytest.fixture(scope="module")
def sync(project: Project, echo: str) -> Iterator[Dyno]:
    """Gunicorn's worker for one request at a time; with more threads it would be another."""
    port = str(free_port())
    arguments = f"--access-logfile - --bind 127.0.0.1:{port} --worker-class sync --threads 1"
    with running(project, echo, PORT=port, GUNICORN_CMD_ARGS=arguments) as dyno:
        yield dyno


def ask(dyno: Dyno, request: bytes, mended: bool = False) -> list[Response]:
    """What a request gets by itself, of a client that waits for no more."""
    received = exchange(dyno, request)
    if mended:
        # On Python 3.14 the pages of Gunicorn 27 for errors lack the carriage return of the empty line before them.
        received = received.replace(b"\r\n\n<html>", b"\r\n\r\n<html>")
    return list(protocol.responses(received, [protocol.method_of(request)] * 2))


# Intended differences, each a reason and whether it is the one between what sync answered and what ours did.
Difference = Callable[[bytes, list[Response], list[Response]], bool]


def statuses(answers: list[Response]) -> list[int]:
    return [answer.status for answer in answers]


def is_chunked(request: bytes) -> bool:
    return b"transfer-encoding:" in request.lower()


DIFFERENCES: dict[str, Difference] = {
    "who has sent the body already is not told to go on": lambda request, theirs, own: (
        b"Expect: 100" in request
        and [answer.interim for answer in theirs] == [(100,)]
        and [(answer.status, answer.body) for answer in theirs] == [(answer.status, answer.body) for answer in own]
    ),
    "an application's own OSError is no lost connection, and the client hears of it": lambda request, theirs, own: (
        b" /exit " in request and theirs == [] and statuses(own) == [500]
    ),
    "a line is too large by how much of it has come, and ours has waited for all": lambda request, theirs, own: (
        statuses(theirs) == [414]
        and [re.sub(rb"\d+ &gt;", b"", answer.body) for answer in theirs]
        == [re.sub(rb"\d+ &gt;", b"", answer.body) for answer in own]
    ),
    # The application has asked for more, and would have been told that there is no more.
    "a chunked body that cannot be read is answered, where sync hangs up without a word": lambda request, theirs, own: (
        is_chunked(request) and theirs == [] and statuses(own) == [400]
    ),
    "of a body's faults another is named first, since all of it was looked at": lambda request, theirs, own: (
        is_chunked(request) and statuses(theirs) == statuses(own) == [400]
    ),
    # As sync, but before the application has run.
    "a chunked body that cannot be read is refused, also where nobody reads it": lambda request, theirs, own: (
        is_chunked(request)
        and request in protocol.MALFORMED
        and statuses(theirs) == [200]
        and statuses(own) in ([400], [431])
    ),
    "a body cut short by the client never reaches the application": lambda request, theirs, own: (
        request in protocol.CUT and statuses(own) == [400]
    ),
}


@pytest.mark.parametrize("corpus", ["VALID", "MALFORMED", "CUT"])
def test_answers_as_gunicorns_own_worker_does(corpus: str, ours: Dyno, sync: Dyno) -> None:
    requests: list[bytes] = getattr(protocol, corpus)
    assert len(set(requests)) == len(requests) >= {"VALID": 200, "MALFORMED": 300, "CUT": 40}[corpus]
    unexplained = []
    for request in requests:
        theirs, own = ask(sync, request, mended=True), ask(ours, request)
        if [*map(comparable, theirs)] != [*map(comparable, own)]:
            reasons = [reason for reason, is_it in DIFFERENCES.items() if is_it(request, theirs, own)]
            if not reasons:
                unexplained.append((request[:200], theirs, own))
    assert unexplained == []


def comparable(answer: Response) -> tuple[object, ...]:
    """All but whether the connection stays, which with sync it never does."""
    return answer.status, answer.fields, answer.body, answer.interim, answer.whole


def test_runs_no_request_that_hides_in_another(ours: Dyno) -> None:
    """Where two servers in a row may disagree about an end, what follows is nobody's request."""
    seen = len(ours.log)
    for request in protocol.MALFORMED:
        if protocol.EVIL in request:
            exchange(ours, request)
    exchange(ours, get(b"/the-end"))
    ours.wait_for("path=/the-end")
    assert [line for line in ours.log[seen:] if "path=/evil" in line] == []


def test_calls_no_clients_fault_its_own(ours: Dyno) -> None:
    seen = len(ours.log)
    for request in [*protocol.MALFORMED, *protocol.CUT]:
        assert {500} & {answer.status for answer in ask(ours, request)} == set(), request[:200]
    exchange(ours, get(b"/the-end"))
    ours.wait_for("path=/the-end", times=2)
    assert [line for line in ours.log[seen:] if "Traceback" in line or "level=error" in line] == []


@pytest.mark.parametrize(
    ("size", "status"), [(120 * 1024, 200), (129 * 1024, 431), (190 * 1024, 431), (700 * 1024, 431)]
)
@pytest.mark.parametrize("packets", [1, 3, 40])
def test_takes_so_much_of_a_head_however_it_comes(size: int, status: int, packets: int, ours: Dyno) -> None:
    """128 KiB, which is more than any router lets through; sync would take 100 fields of 8 KiB."""
    fields = [b"H%d: " % number + b"x" * 8000 + b"\r\n" for number in range(size // 8010)]
    request = get(b"/none", b"".join(fields))
    request = get(b"/none", b"".join(fields) + b"A: " + b"x" * (size - len(request) - 5) + b"\r\n")
    assert len(request) == size
    pieces = [request[begin : begin + size // packets + 1] for begin in range(0, size, size // packets + 1)]
    assert [answer.status for answer in protocol.responses(slowly(ours, pieces), [b"GET"])] == [status]


def slowly(dyno: Dyno, pieces: list[bytes], pause: float = 0.002) -> bytes:
    """What pieces get of which each comes by itself; nobody tells a client when one has been read."""
    with connect(dyno.port) as client:
        with contextlib.suppress(OSError):  # who was refused is not listened to
            for piece in pieces:
                client.sendall(piece)
                time.sleep(pause)
            client.shutdown(socket.SHUT_WR)
        return protocol.receive_all(client)


def test_reads_a_head_that_comes_line_by_line(ours: Dyno) -> None:
    lines = [line + b"\r\n" for line in get(b"/all", b"A: b\r\n").removesuffix(b"\r\n\r\n").split(b"\r\n")]
    answers = list(protocol.responses(slowly(ours, [*lines, b"\r\n"], pause=0.02), [b"GET"]))
    assert statuses(answers) == [200]


SMALL = [request for request in protocol.VALID if len(request) < 70_000 and b"/large" not in request]


@settings(max_examples=80, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_answers_alike_however_the_bytes_come(data: st.DataObject, ours: Dyno) -> None:
    """Several requests down one connection, cut anywhere: what they get at once, and each what it gets alone."""
    requests = data.draw(st.lists(st.sampled_from(SMALL), min_size=1, max_size=5))
    # What ends it may be no request.
    requests += data.draw(st.lists(st.sampled_from(protocol.MALFORMED), max_size=1))
    stream = b"".join(requests)
    methods = [protocol.method_of(request) for request in requests] + [b"GET"]
    near_ends = [len(b"".join(requests[: number + 1])) for number in range(len(requests))]
    places = st.integers(0, len(stream)) | st.sampled_from(near_ends).map(lambda end: min(end, len(stream)))
    heads = [match.end() for match in re.finditer(rb"\r\n|\r|\n", stream)]
    cuts = sorted(data.draw(st.sets(places | st.sampled_from(heads or [0]), max_size=8)))
    pieces = [stream[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    whole = list(protocol.responses(exchange(ours, stream), methods))
    cut = list(protocol.responses(slowly(ours, [piece for piece in pieces if piece]), methods))
    assert [*map(told, cut)] == [*map(told, whole)]
    for request, answer in zip(requests[:-1], whole[:-1], strict=False):
        assert told(answer) == told(ask(ours, request)[0])


def told(answer: Response) -> tuple[object, ...]:
    """What does not hang on how much has come so far: whether to go on, and which fault is seen first."""
    faulty = answer.status in {400, 414, 431}
    return (answer.status, answer.closes) if faulty else (*comparable(answer)[:3], answer.whole, answer.closes)


@pytest.mark.parametrize("expectation", [b"100-continue", b"100-Continue"])
def test_tells_a_client_that_waits_to_go_on(expectation: bytes, ours: Dyno) -> None:
    head, _, body = post(b"/all", b"hello", b"Expect: " + expectation + b"\r\n").partition(b"\r\n\r\n")
    with connect(ours.port) as client:
        client.sendall(head + b"\r\n\r\n")
        assert client.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(body)
        client.shutdown(socket.SHUT_WR)
        assert statuses(list(protocol.responses(protocol.receive_all(client), [b"POST"]))) == [200]


def test_tells_a_client_to_go_on_after_what_it_asked_before(ours: Dyno) -> None:
    head, _, body = post(b"/all", b"hello", b"Expect: 100-continue\r\n").partition(b"\r\n\r\n")
    with connect(ours.port) as client:
        client.sendall(get(b"/large") + head + b"\r\n\r\n")
        received = b""
        while not received.endswith(b"100 Continue\r\n\r\n"):
            received += client.recv(1 << 20)
        client.sendall(body)
        client.shutdown(socket.SHUT_WR)
        received += protocol.receive_all(client)
    answers = list(protocol.responses(received, [b"GET", b"POST"]))
    assert [(answer.status, answer.interim, answer.whole) for answer in answers] == [
        (200, (), True),
        (200, (100,), True),
    ]


def test_answers_who_has_hung_up_his_own_side(ours: Dyno) -> None:
    requests = [get(b"/all"), post(b"/all", b"hello"), get(b"/large-file"), get(b"/stream")]
    answers = list(protocol.responses(exchange(ours, b"".join(requests)), [b"GET"] * 4))
    assert [(answer.status, answer.whole) for answer in answers] == [(200, True)] * 4


def test_serves_many_requests_of_one_connection(ours: Dyno) -> None:
    with connect(ours.port) as client:
        for _ in range(300):
            client.sendall(post(b"/all", b"hello"))
            received = b""
            while not received.endswith(b"}"):
                received += client.recv(65536)
            (answer,) = protocol.responses(received, [b"POST"])
            assert (answer.status, answer.closes) == (200, False)


@pytest.mark.parametrize("path", [b"/large", b"/large-file", b"/large-stream"])
def test_sends_a_slow_reader_every_byte(path: bytes, ours: Dyno) -> None:
    with connect(ours.port, narrow=True) as client:
        client.sendall(get(path) + get(b"/all", b"Connection: close\r\n"))
        first, second = protocol.responses(protocol.receive_all(client), [b"GET", b"GET"])
    assert (first.whole, first.body) == (True, bytes(range(256)) * 4096 * 5)
    assert second.status == 200


def test_ends_in_good_order_what_it_does_not_read(ours: Dyno) -> None:
    """A reset, which the kernel sends where bytes were left unread, may overtake the response."""
    head = b"POST /all HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99000000\r\n\r\n"
    with connect(ours.port) as client:
        client.sendall(head + bytes(1_000_000))
        received = b""
        while data := client.recv(65536):
            received += data
    assert received.startswith(b"HTTP/1.1 ")
    assert received.endswith(b"}")


def test_promises_no_connection_that_it_closes(ours: Dyno) -> None:
    """A client that was told to keep it may send down it what nobody can send again."""
    # Nobody can know before that an application will fail.
    for request in (one for one in protocol.VALID if b"/raise" not in one and b"/text" not in one):
        with connect(ours.port) as client:
            client.sendall(request)
            answer = read_answer(client, request)
            if answer and answer.whole and not answer.closes:
                client.sendall(get(b"/none", b"Connection: close\r\n"))
                assert protocol.receive_all(client).startswith(b"HTTP/1.1 200"), request[:200]


def read_answer(client: socket.socket, request: bytes) -> Response | None:
    """The answer on a connection that may stay, or None where the server has closed it before that was whole."""
    received, answer = b"", None
    while answer is None or not answer.whole:
        if not (data := client.recv(1 << 20)):
            return None
        received += data
        with contextlib.suppress(AssertionError, StopIteration, ValueError):  # not all of it is there
            answer = next(protocol.responses(received, [protocol.method_of(request)]))
    return answer


def test_ends_an_empty_file_once(ours: Dyno) -> None:
    with connect(ours.port) as client:
        client.sendall(get(b"/empty-file-without-length") + get(b"/none", b"Connection: close\r\n"))
        received = receive_all(client)
    # What follows the last chunk is nothing, or the next response.
    after = received.partition(b"0\r\n\r\n")[2]
    assert after.removeprefix(b"0\r\n\r\n") == b"" or after.startswith(b"HTTP/1.1 ")


def test_does_not_keep_a_client_waiting_for_what_is_done_after(ours: Dyno) -> None:
    with connect(ours.port) as client:
        client.sendall(get(b"/closing"))
        received = b""
        while not received.endswith(b"0123456789"):
            received += client.recv(4096)
        assert ours.get("/may-close").status_code == 200
        ours.wait_for("probe has closed")


def test_lets_an_application_take_over_the_connection(ours: Dyno) -> None:
    with connect(ours.port) as client:
        client.sendall(get(b"/taken-over", b"Connection: Upgrade\r\nUpgrade: echo\r\n"))
        assert client.recv(4096).startswith(b"HTTP/1.1 101 ")
        client.sendall(b"hello")
        assert receive_all(client) == b"HELLO"
