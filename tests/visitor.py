"""A person with a browser, as a dyno behind its router sees one."""

import re
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from http.cookies import SimpleCookie
from typing import Any

import requests

from tests.dyno import Dyno

HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')
# What sends a visitor on; from 3.2 on, Flask says the latter.
REDIRECTS = {302, 303}


class Visitor:
    """Keeps cookies and fills in forms. Not a ``Session``, which would send no secure cookie to the dyno itself."""

    def __init__(self, dyno: Dyno, host: str = "localhost") -> None:
        self.dyno, self.host = dyno, host
        self.cookies: dict[str, str] = {}

    def request(
        self,
        method: str,
        path: str,
        data: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        **arguments: Any,
    ) -> requests.Response:
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        own = {"Host": self.host, "Referer": f"https://{self.host}/"} | ({"Cookie": cookies} if cookies else {})
        response = self.dyno.request(method, path, data=data, headers=own | (headers or {}), **arguments)
        for header in response.raw.headers.getlist("Set-Cookie"):
            for name, morsel in SimpleCookie(header).items():
                self.cookies[name] = morsel.value
                if morsel["max-age"] == "0" or "1970" in morsel["expires"]:
                    del self.cookies[name]
        return response

    def get(self, path: str) -> requests.Response:
        return self.request("GET", path)

    def open_form(self, path: str) -> tuple[str, dict[str, str]]:
        """The path that a form is at in the end, and its hidden fields."""
        response = self.get(path)
        while "Location" in response.headers:
            path = response.headers["Location"]
            response = self.get(path)
        return path, {name: unescape(value) for name, value in HIDDEN.findall(response.text)}

    def submit(self, path: str, action: str = "", **fields: str) -> requests.Response:
        """What a form answers, not followed further."""
        path, hidden = self.open_form(path)
        return self.request("POST", action or path, hidden | fields)

    def send(self, path: str, name: str, content: bytes) -> requests.Response:
        """What a form with a file answers."""
        path, hidden = self.open_form(path)
        return self.request("POST", path, hidden, files={"file": (name, content)})

    def submit_at_once(self, path: str, times: int, **fields: str) -> list[requests.Response]:
        """The same form, sent by as many windows at the same moment."""
        path, hidden = self.open_form(path)
        data = hidden | fields
        # Each with the cookies of now, not with those of whichever is answered before it is sent.
        windows = [Visitor(self.dyno, self.host) for _ in range(times)]
        for window in windows:
            window.cookies = dict(self.cookies)
        with ThreadPoolExecutor(times) as pool:
            return list(pool.map(lambda window: window.request("POST", path, data), windows))
