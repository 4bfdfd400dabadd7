"""How much a request may send."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from tests.visitor import HIDDEN, Visitor

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"
LARGE = 5_000_000
FILE = b'--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n%s\r\n--b--\r\n'


class Body(io.BytesIO):
    """Notes how much of it is read."""

    taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.taken += len(data)
        return data


def send(web: Visitor, path: str, body: Body, content_type: str, method: str = "POST", **options: Any) -> Any:
    return web.open(path, method=method, input_stream=body, content_type=content_type, **options)


@pytest.mark.parametrize("path", ["/", "/files", "/no-such-page"])
@pytest.mark.parametrize(("method", "content_type"), [("POST", FORM), ("POST", MULTIPART), ("GET", "application/json")])
def test_what_is_too_large_is_refused_unread(
    path: str, method: str, content_type: str, web: Visitor, page_that_takes_files: Callable[[int], str]
) -> None:
    page_that_takes_files(4)
    body = Body(b"a&" * (LARGE // 2))
    response = send(web, path, body, content_type, method)
    assert response.status_code == 413
    assert "<h1>Too much at once</h1>" in response.text
    assert "Content-Security-Policy" in response.headers
    assert body.taken == 0


@pytest.mark.parametrize("content_type", [FORM, MULTIPART])
def test_what_comes_in_chunks_is_read_to_the_limit_at_most(
    content_type: str, web: Visitor, page_that_takes_files: Callable[[int], str]
) -> None:
    body = Body(FILE % (b"a&" * (LARGE // 2)))
    path = page_that_takes_files(2)
    response = send(web, path, body, content_type, environ_overrides={"wsgi.input_terminated": True})
    assert response.status_code in {403, 413}  # Django takes it for empty
    assert "<h1>" in response.text
    assert body.taken < 2_200_000


@pytest.mark.parametrize("count", [1001, 400_000])
def test_a_form_has_so_many_fields_at_most(
    count: int, web: Visitor, page_that_takes_files: Callable[[int], str]
) -> None:
    path = page_that_takes_files(5)
    hidden = "&".join("=".join(field) for field in HIDDEN.findall(web.get(path).text))
    body = Body(f"{hidden}&{'a&' * count}".encode())
    response = send(web, path, body, FORM, headers={"Referer": "https://localhost/"})
    assert response.status_code == 413
    assert "<h1>Too much at once</h1>" in response.text


def test_a_view_that_wants_files_takes_more(web: Visitor, page_that_takes_files: Callable[[int], str]) -> None:
    path = page_that_takes_files(5)
    hidden = dict(HIDDEN.findall(web.get(path).text))

    def upload(size: int) -> Any:
        file = FileStorage(io.BytesIO(bytes(size)), "photo.jpg")
        boundary, body = encode_multipart({**hidden, "file": file})
        content_type = f"multipart/form-data; boundary={boundary}"
        return send(web, path, Body(body), content_type, headers={"Referer": "https://localhost/"})

    assert upload(4_000_000).text == "4000000"
    assert upload(5_000_000).status_code == 413
    # The others take no more than before.
    assert send(web, "/", Body(bytes(4_000_000)), MULTIPART).status_code == 413
