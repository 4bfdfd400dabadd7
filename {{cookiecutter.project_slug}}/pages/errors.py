"""Error pages that need neither a database nor the template engine, since either may be what failed."""

import html
import string
from pathlib import Path

from runtime import logs

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


def page(status: int) -> str:
    """The HTML page for an HTTP status; one without words of its own gets those of 400 or 500."""
    title, advice = TEXTS.get(status) or TEXTS[400 if status < 500 else 500]
    values = {"status": status, "title": title, "advice": advice, "request_id": logs.request_id.get()}
    return PAGE.substitute({name: html.escape(str(value)) for name, value in values.items()})
