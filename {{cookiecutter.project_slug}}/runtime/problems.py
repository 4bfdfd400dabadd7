"""In which form an error is told: as a page to a person, and to a program as JSON, as RFC 9457 has it."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from runtime import logs

CONTENT_TYPE = "application/problem+json"

# As RFC 9110 has them; Python 3.12 has older ones.
PHRASES = {status.value: status.phrase for status in HTTPStatus} | {
    413: "Content Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    422: "Unprocessable Content",
}


def answer(
    status: int, environ: Mapping[str, Any], *, api_paths: Sequence[str], detail: str, page: str
) -> tuple[str, dict[str, str]]:
    """The body of an error in the form that its request prefers, and the headers that say so.

    Below ``api_paths`` only programs ask. ``detail`` is what they are told, and ``page`` the HTML for anybody else.
    """
    api = environ["PATH_INFO"].startswith(tuple(api_paths))
    varies = {} if api else {"Vary": "Accept"}
    if api or prefers_json(environ.get("HTTP_ACCEPT", "")):
        return problem(status, detail), {"Content-Type": CONTENT_TYPE, **varies}
    return page, {"Content-Type": "text/html; charset=utf-8", **varies}


def prefers_json(accept: str) -> bool:
    """Whether an Accept header asks for JSON rather than for a page; equal of both, it does not.

    Of two that are wanted equally, the one that is named wins over one that only a ``*`` allows.
    """
    page = program = -1, 0.0
    for entry in accept.lower().split(","):
        media_type, *parameters = (part.strip() for part in entry.split(";"))
        quality = next((parameter[2:] for parameter in parameters if parameter.startswith("q=")), "1")
        # The most precise entry that allows it counts.
        precision = 2 - media_type.count("*")
        wanted = precision, float(quality) if quality.replace(".", "", 1).isdecimal() else 0.0
        if media_type in {"text/html", "text/*", "*/*"}:
            page = max(page, wanted)
        if media_type in {"application/json", "application/*", "*/*"} or media_type.endswith("+json"):
            program = max(program, wanted)
    return program[1] > 0 and program[::-1] > page[::-1]


def problem(status: int, detail: str) -> str:
    """The JSON of an error."""
    title = PHRASES.get(status, "Error")
    told = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return json.dumps(told | {"request_id": logs.request_id.get()}) + "\n"
