"""What a build does to static files: hashed names, stylesheets that refer by them, and compressed copies."""

import hashlib
import json
import posixpath
import re
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path, PurePosixPath
from urllib.parse import quote, unquote, urljoin, urlsplit

from flask import Flask
from whitenoise.compress import Compressor

from runtime.assets import MANIFEST, published, static_files

# A stylesheet's references, and before them what only looks like one: comments and strings.
REFERENCE = re.compile(
    r"""/\*.*?\*/|url\(\s*(["']?)(?P<url>.*?)\1\s*\)|@import\s+(["'])(?P<sheet>.*?)\3|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'""",
    re.IGNORECASE | re.DOTALL,
)
COMPRESSED = (".br", ".gz")
COMPRESSOR = Compressor(quiet=True)


def publish(app: Flask) -> Iterator[str]:
    """Copy the static files to STATIC_ROOT under plain and hashed names, with .gz and .br beside them.

    What has not changed since the last time is not compressed again, and what was published then and is no more is
    removed. Yields what a stylesheet refers to in vain.
    """
    root, content = Path(app.config["STATIC_ROOT"]), Content(static_files(app))
    before = {*published(root).items()}
    names = {address: content.hashed(address) for address in content.files}

    def copy(address: str) -> None:
        copies = [root / name[1:] for name in (names[address], address)]
        for path in copies:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.bytes(address))
            shutil.copystat(content.files[address], path)
        if (address, names[address]) not in before and COMPRESSOR.should_compress(address):
            COMPRESSOR.compress(str(copies[0]))
        for suffix in COMPRESSED:
            if (compressed := Path(f"{copies[0]}{suffix}")).exists():
                shutil.copy2(compressed, f"{copies[1]}{suffix}")

    with ThreadPoolExecutor() as threads:
        list(threads.map(copy, names))
    for name in {name for pair in before - {*names.items()} for name in pair} - {*names, *names.values()}:
        for suffix in "", *COMPRESSED:
            Path(f"{root / name[1:]}{suffix}").unlink(missing_ok=True)
    (root / MANIFEST).write_text(json.dumps({"version": "1.1", "paths": names}, indent=1), "utf-8")
    yield from content.lost


class Content:
    """What static files hold when stylesheets refer to others by their hashed names."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        self.files = files
        self.names: dict[str, str] = {}
        # Of stylesheets only.
        self.texts: dict[str, bytes] = {}
        self.lost: list[str] = []

    def hashed(self, address: str) -> str:
        """The address of a file with a hash of its content, or as it is where stylesheets import each other."""
        if address not in self.names:
            self.names[address] = address
            name = PurePosixPath(address)
            digest = hashlib.sha256(self.bytes(address)).hexdigest()[:12]
            self.names[address] = str(name.with_suffix(f".{digest}{name.suffix}"))
        return self.names[address]

    def bytes(self, address: str) -> bytes:
        content = self.texts.get(address) or self.files[address].read_bytes()
        if address not in self.texts and address.endswith(".css"):
            text = REFERENCE.sub(partial(self.refer, address), content.decode("utf-8", "surrogateescape"))
            content = self.texts[address] = text.encode("utf-8", "surrogateescape")
        return content

    def refer(self, sheet: str, match: re.Match[str]) -> str:
        """A reference of a stylesheet, by the hashed name where it is a static file."""
        group = "url" if match["url"] else "sheet"
        reference, parts = match[group] or "", urlsplit(match[group] or "")
        if parts.scheme or parts.netloc or not parts.path or parts.path.endswith("/"):
            return match[0]
        target = unquote(urljoin(sheet, parts.path))
        if target not in self.files:
            self.lost.append(f"{sheet} refers to {reference}, which is no static file.")
            return match[0]
        name = quote(PurePosixPath(self.hashed(target)).name)
        changed = posixpath.join(posixpath.dirname(parts.path), name) + reference[len(parts.path) :]
        start, end = (place - match.start() for place in match.span(group))
        return match[0][:start] + changed + match[0][end:]
