"""What may be sent, and what the page says of it; the same however a file comes."""

import os
from pathlib import PurePosixPath
from typing import IO, NamedTuple

from runtime import kinds

# Through a thread of ours, which a request holds meanwhile; what is larger goes to the bucket by itself.
MEGABYTES = 8
# 0 where the bucket takes no forms, such as Cloudflare's R2 and Backblaze's B2.
LARGE_MEGABYTES = 200
# Somebody's, whatever they are: each is paid for.
MOST_FILES = 200
FOLDER = "files"
TITLE_LENGTH = 100
# By what a visitor calls them.
CHOICES = {
    "Picture (JPEG)": kinds.KINDS["image/jpeg"],
    "Picture (PNG)": kinds.KINDS["image/png"],
    "PDF": kinds.KINDS["application/pdf"],
    "Video (MP4)": kinds.KINDS["video/mp4"],
    "Video (WebM)": kinds.KINDS["video/webm"],
    "Sound (MP3)": kinds.KINDS["audio/mpeg"],
    "Archive (ZIP)": kinds.KINDS["application/zip"],
}
HELP = f"A picture, PDF, video, sound or archive of at most {MEGABYTES} MB."
LARGE_HELP = f"At most {LARGE_MEGABYTES} MB. What it holds must be what it is said to be."

SENT = "Your file is here."
REMOVED = "Your file is gone."
NOT_ARRIVED = "The file has not arrived, or is not what it was said to be."


class Problem(NamedTuple):
    """Why a file is not taken, and the status of the page that says so."""

    text: str
    status: int


NO_FILE = Problem("Choose a file that is not empty.", 400)
NO_TITLE = Problem("Give it a name, and say what it is.", 400)
TOO_LARGE = Problem(f"The file is larger than {MEGABYTES} MB.", 413)
TOO_MANY = Problem(f"You have {MOST_FILES} files, and that is all there can be. Remove one first.", 409)
WRONG_KIND = Problem("The file is none of these, whatever its name says.", 415)


def size_of(file: IO[bytes]) -> int:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    return size


def problem(file: IO[bytes] | None, count: int) -> Problem | None:
    """What is wrong with a file of somebody who has so many, if anything is. Looks at its first bytes only."""
    if count >= MOST_FILES:
        return TOO_MANY
    if file is None or not (size := size_of(file)):
        return NO_FILE
    if size > MEGABYTES * 1_000_000:
        return TOO_LARGE
    return WRONG_KIND if kinds.of(file) == kinds.UNKNOWN else None


def title(name: str | None) -> str:
    """What to call a file: the last part of what its sender called it, fit to be shown."""
    shown = "".join(sign for sign in PurePosixPath((name or "").replace("\\", "/")).name if sign.isprintable())
    return shown.strip()[:TITLE_LENGTH] or "File"
