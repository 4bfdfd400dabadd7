"""What is said of an error, which needs neither a database nor the template engine, since either may be what failed."""

import html
import string
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from runtime import logs, problems

PAGE = string.Template((Path(__file__).parent / "templates" / "error.html").read_text("utf-8"))
TEXTS = {
    400: ("Bad request", "The address or the data sent could not be understood."),
    403: ("Forbidden", "You may not see this page. If you sent a form, go back, reload it and send it again."),
    404: ("Page not found", "There is nothing at this address. It may have moved, or the link has a typing error."),
    405: ("Not possible here", "This address does not take what was sent to it. Go back, or start at the home page."),
    413: ("Too much at once", "What was sent is larger than this page takes. Try something smaller."),
    415: ("Wrong kind of file", "This page does not take what was sent in this format. Try another one."),
    429: ("Too many requests", "There were too many attempts from you. Please wait a few minutes and try again."),
    500: ("Something went wrong", "The error is in our log, and we will look at it. Please try again later."),
    503: ("Back soon", "A part that this page needs is not available just now. Please try again in a minute."),
}


def answer(
    status: int, environ: Mapping[str, Any], *, api_paths: Sequence[str], advice: str = ""
) -> tuple[str, dict[str, str]]:
    """The body of an error in the form that its request prefers, and the headers that say so.

    ``advice`` takes the place of the words for the status. One without words of its own gets those of 400 or 500.
    """
    title, usual = TEXTS.get(status) or TEXTS[400 if status < 500 else 500]
    values = {"status": status, "title": title, "advice": advice or usual, "request_id": logs.request_id.get()}
    page = PAGE.substitute({name: html.escape(str(value)) for name, value in values.items()})
    return problems.answer(status, environ, api_paths=api_paths, detail=advice or usual, page=page)
