"""What both frameworks say of static files, and what WhiteNoise's answers lack for a server that sends files itself."""

import re
from collections.abc import Iterable
from wsgiref.headers import Headers

from whitenoise import responders

HASHED_NAME = re.compile(r"\.([0-9a-f]{12})(?:\.[^./]*)?$")


def is_hidden(parts: Iterable[str]) -> bool:
    """Whether a file, by its name and those of its folders, is nobody's to see: a hidden one, or an editor's copy."""
    return any(part[0] == "." or part[-1] == "~" for part in parts)


def set_etag(headers: Headers, name: str) -> None:
    """Take the hash in a file's name for its ETag: by default it is of the file's time, which each build sets anew."""
    if match := HASHED_NAME.search(name):
        headers["ETag"] = f'"{match[1]}"'


class Part(responders.SlicedFile):
    """The part of a file that a ``Range`` asks for, which the server may send as it sends the whole.

    What it had to read and write instead would keep a thread for as long as a client takes for it.
    """

    def fileno(self) -> int:
        """The file, which stands at the part's first byte; how long that is, the response's length tells."""
        number: int = self.fileobj.fileno()
        return number


responders.SlicedFile = Part  # type: ignore[misc]
