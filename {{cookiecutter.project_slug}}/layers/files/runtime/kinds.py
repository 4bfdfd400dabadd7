"""What a file is, by its first bytes: whoever sends it may call it anything. Nothing is decoded."""

from typing import IO, NamedTuple


class Kind(NamedTuple):
    """A media type, and how the names of such files end."""

    media_type: str
    ending: str

    @property
    def is_picture(self) -> bool:
        """Whether a browser may show it where it stands. None of these can hold a script, as SVG and PDF can."""
        return self.media_type in PICTURES

    @property
    def disposition(self) -> str:
        """What a browser shall do with it: only pictures are shown, and all else is kept."""
        return "inline" if self.is_picture else "attachment"


HEAD = 32
PICTURES = {"image/avif", "image/gif", "image/jpeg", "image/png", "image/webp"}
# What no line below fits, HTML and SVG among it.
UNKNOWN = Kind("application/octet-stream", ".bin")
# Where in a file which bytes say what it is; the first that fits counts.
SIGNATURES = [
    (0, b"\x89PNG\r\n\x1a\n", Kind("image/png", ".png")),
    (0, b"\xff\xd8\xff", Kind("image/jpeg", ".jpg")),
    (0, b"GIF87a", Kind("image/gif", ".gif")),
    (0, b"GIF89a", Kind("image/gif", ".gif")),
    (8, b"WEBPVP8", Kind("image/webp", ".webp")),
    (4, b"ftypavif", Kind("image/avif", ".avif")),
    (4, b"ftypM4A ", Kind("audio/mp4", ".m4a")),
    (4, b"ftypqt  ", Kind("video/quicktime", ".mov")),
    (4, b"ftypiso", Kind("video/mp4", ".mp4")),
    (4, b"ftypmp4", Kind("video/mp4", ".mp4")),
    (4, b"ftypavc1", Kind("video/mp4", ".mp4")),
    (0, b"\x1aE\xdf\xa3", Kind("video/webm", ".webm")),
    (0, b"ID3", Kind("audio/mpeg", ".mp3")),
    (0, b"OggS", Kind("audio/ogg", ".ogg")),
    (0, b"%PDF-", Kind("application/pdf", ".pdf")),
    # Documents of word processors are such archives too.
    (0, b"PK\x03\x04", Kind("application/zip", ".zip")),
    (0, b"\x1f\x8b\x08", Kind("application/gzip", ".gz")),
]
KINDS = {kind.media_type: kind for _, _, kind in SIGNATURES}


def of(file: IO[bytes]) -> Kind:
    """The kind of an open file, which stands at its beginning afterwards."""
    file.seek(0)
    head = file.read(HEAD)
    file.seek(0)
    return of_head(head)


def of_head(head: bytes) -> Kind:
    return next((kind for offset, sign, kind in SIGNATURES if head.startswith(sign, offset)), UNKNOWN)
