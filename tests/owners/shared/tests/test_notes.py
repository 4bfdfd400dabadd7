"""Writing notes."""

from tests.accounts import PASSWORD, Person
from tests.visitor import Visitor


def test_a_note_is_kept(web: Visitor) -> None:
    person = Person("writer@example.com")
    web.submit("/accounts/login/", username=person.address, password=PASSWORD)
    assert web.submit("/notes/", text="Buy <tea>").location == "/notes/"
    assert "<li>Buy &lt;tea&gt;</li>" in web.get("/notes/").text


def test_an_empty_note_is_not(web: Visitor) -> None:
    person = Person("silent@example.com")
    web.submit("/accounts/login/", username=person.address, password=PASSWORD)
    assert 'aria-invalid="true"' in web.submit("/notes/", text="").text


def test_a_stranger_logs_in_first(web: Visitor) -> None:
    assert web.get("/notes/").location == "/accounts/login/?next=/notes/"
