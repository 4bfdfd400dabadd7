"""Static files: named by their content, compressed, kept for ever."""

import re

import pytest

from tests.visitor import Visitor


def stylesheet(web: Visitor) -> str:
    match = re.search(r'href="(/static/style[^"]*\.css)"', web.get("/").text)
    assert match
    return match[1]


def test_names_carry_a_hash_of_the_content(web: Visitor) -> None:
    assert re.fullmatch(r"/static/style\.[0-9a-f]{12}\.css", stylesheet(web))


@pytest.mark.parametrize("encoding", ["br", "gzip"])
def test_a_hashed_file_is_kept_for_ever_and_compressed(encoding: str, web: Visitor) -> None:
    response = web.get(stylesheet(web), headers={"Accept-Encoding": encoding})
    assert response.status_code == 200
    assert "immutable" in response.headers["Cache-Control"]
    assert response.headers["Content-Encoding"] == encoding
    assert response.content_type.startswith("text/css")


def test_a_plain_name_is_served_but_not_kept_for_ever(web: Visitor) -> None:
    response = web.get("/static/style.css")
    assert response.status_code == 200
    assert "immutable" not in response.headers["Cache-Control"]
    assert b"--accent" in response.data


@pytest.mark.parametrize("path", ["/static/../config/wsgi.py", "/static/%2e%2e/config/wsgi.py", "/static//etc/passwd"])
def test_nothing_but_static_files_is_served(path: str, web: Visitor) -> None:
    assert web.get(path, follow_redirects=True).status_code == 404
