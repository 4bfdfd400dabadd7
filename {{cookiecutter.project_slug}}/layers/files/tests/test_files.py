"""One's own files, kept in a folder here."""

import io

import pytest
from werkzeug.test import TestResponse

from files import rules
from runtime import storage, store
from tests.accounts import Person
from tests.accounts_fixtures import log_in
from tests.visitor import HIDDEN, Visitor

PICTURE = b"\x89PNG\r\n\x1a\n and so on"


def send(web: Visitor, content: bytes, name: str = "photo.png") -> TestResponse:
    """What is answered to a file."""
    hidden = dict(HIDDEN.findall(web.get("/files/").text))
    data = {**hidden, "file": (io.BytesIO(content), name)}
    return web.post("/files/", data=data, headers={"Referer": "https://localhost/"})


def test_a_picture_is_sent_shown_and_removed(web: Visitor, person: Person, folder: store.Folder) -> None:
    log_in(web, person.address)
    assert send(web, PICTURE, "../evil/<me>.html").location == "/files/"
    page = web.get("/files/")
    assert rules.SENT in page.text
    assert "&lt;me&gt;.html" in page.text
    (kept,) = folder.list(rules.FOLDER)
    assert kept.name.endswith(".png")
    assert "me" not in kept.name
    assert f'<img src="/media/{kept.name}"' in page.text
    address = page.text.partition('action="')[2].partition("remove/")[0]
    assert web.get(address).location == f"/media/{kept.name}"
    web.submit("/files/", f"{address}remove/")
    assert rules.REMOVED in web.get("/files/").text
    assert web.get(address).status_code == 404


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"<html><script>alert(1)</script>", rules.WRONG_KIND),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", rules.WRONG_KIND),
        (b"", rules.NO_FILE),
    ],
)
def test_what_cannot_be_taken_is_refused(
    content: bytes, problem: rules.Problem, web: Visitor, person: Person, folder: store.Folder
) -> None:
    log_in(web, person.address)
    response = send(web, content)
    assert (response.status_code, problem.text in response.text) == (problem.status, True)
    assert list(folder.list(rules.FOLDER)) == []


def test_nobody_sees_the_files_of_another(web: Visitor, other: Visitor, person: Person) -> None:
    log_in(web, person.address)
    send(web, PICTURE)
    address = web.get("/files/").text.partition('action="')[2].partition("remove/")[0]
    assert other.get("/files/").status_code == 302
    log_in(other, Person(f"another-{person.address}").address)
    assert "photo.png" not in other.get("/files/").text
    assert other.get(address).status_code == 404
    assert other.submit("/files/", f"{address}remove/").status_code == 404
    assert "photo.png" in web.get("/files/").text


def test_without_a_store_the_page_is_calm(web: Visitor, person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    log_in(web, person.address)
    monkeypatch.setattr(storage, "current", store.Nowhere)
    assert web.get("/files/").status_code == 503
