"""What strangers may send without any of it being an error of ours."""

import pytest

from tests.visitor import Visitor

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
