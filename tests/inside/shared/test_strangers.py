"""What strangers may send without any of it being an error of ours."""

import io
from html import unescape
from typing import Any

import pytest

from tests.visitor import HIDDEN, Visitor

MULTIPART = "multipart/form-data; boundary=b"
# Python's parser of mails raises over each.
PARAMETERS = ["boundary*=utf-8''%ff; boundary*0=x", "boundary*0=x; boundary*=y", "0*1*=?utf-8?q?x?==\"0/b@''"]


@pytest.mark.parametrize("path", ["/accounts/", "/accounts/login/", "/accounts/signup/finish/", "/admin/"])
@pytest.mark.parametrize("key", [r'"aaaaaaaaaaaa\000"', r'"\377\376aaaaaaaaaa"', "a" * 8000, "'; --aaaaaaaa"])
@pytest.mark.usefixtures("database_outside_a_transaction")
def test_a_cookie_of_no_session_is_none(key: str, path: str, web: Visitor) -> None:
    answers = [web.get(path, headers={"Cookie": f"__Host-session={sent}"}) for sent in (key, "a" * 32)]
    assert answers[0].status_code == answers[1].status_code < 500


@pytest.mark.parametrize("parameters", PARAMETERS)
@pytest.mark.parametrize("path", ["/", "/accounts/login/", "/no-such-page"])
@pytest.mark.usefixtures("database_outside_a_transaction")
def test_a_type_that_nobody_understands_is_no_error(path: str, parameters: str, web: Visitor) -> None:
    for kind in "text/plain", "multipart/form-data":
        assert web.get(path, headers={"Content-Type": f"{kind}; {parameters}"}).status_code < 500
        answer = web.open(path, method="POST", data=b"--b--\r\n", content_type=f"{kind}; {parameters}")
        assert answer.status_code < 500


@pytest.mark.parametrize("parameters", PARAMETERS)
@pytest.mark.usefixtures("database_outside_a_transaction")
def test_a_part_that_nobody_understands_is_no_error(parameters: str, web: Visitor) -> None:
    body = f"--b\r\nContent-Disposition: form-data; {parameters}\r\n\r\nx\r\n--b--\r\n".encode()
    answer = web.open("/accounts/login/", method="POST", data=body, content_type=MULTIPART)
    assert answer.status_code < 500


FORMS = {
    "/accounts/login/": ["username", "password"],
    "/accounts/signup/": ["email"],
    "/accounts/reset/": ["email"],
}


def hidden_fields(web: Visitor, path: str) -> dict[str, Any]:
    return {name: unescape(value) for name, value in HIDDEN.findall(web.get(path).text)}


@pytest.mark.parametrize(("path", "field"), [(path, field) for path, fields in FORMS.items() for field in fields])
@pytest.mark.usefixtures("database_outside_a_transaction")
def test_a_file_is_no_text(path: str, field: str, web: Visitor) -> None:
    text = hidden_fields(web, path) | dict.fromkeys(FORMS[path], "you@example.com")
    sent = text | {field: (io.BytesIO(b"you@example.com"), "name")}
    answer = web.post(path, data=sent, headers={"Referer": "https://localhost/"})
    assert answer.status_code == 200
    assert "This field is required." in answer.text


@pytest.mark.parametrize("sent", [[], ["a"], "text", 5, None, {"username": 5, "email": {}, "password": None}])
@pytest.mark.parametrize("path", FORMS)
@pytest.mark.usefixtures("database_outside_a_transaction")
def test_nothing_but_a_form_is_one(path: str, sent: Any, web: Visitor) -> None:
    (token,) = hidden_fields(web, path).values()
    answer = web.post(path, json=sent, headers={"Referer": "https://localhost/", "X-CSRFToken": token})
    assert answer.status_code == 200
    assert "This field is required." in answer.text
