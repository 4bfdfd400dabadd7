"""Static files: published under content-hashed names, compressed, when the application starts; no build step."""

import atexit
import functools
import hashlib
import os
import re
import shutil
import tempfile
from pathlib import Path

from flask import Flask
from whitenoise import WhiteNoise
from whitenoise.compress import Compressor

HASHED_NAME = re.compile(r"\.[0-9a-f]{12}\.")


def init_app(app: Flask) -> None:
    """Serve ``app``'s static folder through WhiteNoise and let ``url_for("static", …)`` give the hashed names.

    A file is served under its plain name too, for what names it without ``url_for``: an error page, another file.
    """
    published, names = publish(Path(app.static_folder or ""))

    @app.url_defaults
    def hash_name(endpoint: str, values: dict[str, str]) -> None:
        if endpoint == "static":
            values["filename"] = names.get(values["filename"], values["filename"])

    app.wsgi_app = WhiteNoise(  # type: ignore[method-assign]
        app.wsgi_app,
        root=published,
        prefix="static/",
        allow_all_origins=False,
        immutable_file_test=lambda path, url: HASHED_NAME.search(url) is not None,
    )


@functools.cache
def publish(source: Path) -> tuple[Path, dict[str, str]]:
    """Copy the files of ``source`` to a new folder under plain and hashed names, with .gz and .br beside them.

    Returns the folder, and the hashed name of each plain one, both relative and with forward slashes. Every application
    of a process shares them.
    """
    target = Path(tempfile.mkdtemp(prefix="static-"))
    owner = os.getpid()
    # Workers inherit the folder and this function; only the process that made it removes it.
    atexit.register(lambda: shutil.rmtree(target, ignore_errors=True) if os.getpid() == owner else None)
    compressor = Compressor(quiet=True)
    names = {}
    for file in sorted(path for path in source.rglob("*") if path.is_file()):
        content = file.read_bytes()
        plain = file.relative_to(source)
        hashed = plain.with_suffix(f".{hashlib.sha256(content).hexdigest()[:12]}{plain.suffix}")
        names[plain.as_posix()] = hashed.as_posix()
        for name in plain, hashed:
            copy = target / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(content)
            if compressor.should_compress(name.name):
                list(compressor.compress(str(copy)))
    return target, names
