"""Static files: which there are, and how they are served; ``runtime.publishing`` publishes them."""

import json
from pathlib import Path
from typing import NoReturn
from wsgiref.headers import Headers

from flask import Flask
from werkzeug.exceptions import NotFound
from whitenoise import WhiteNoise

from runtime import static

MANIFEST = "staticfiles.json"


def static_folders(app: Flask) -> dict[str, tuple[str, Path]]:
    """The address and the folder behind each endpoint for static files, the application's and its blueprints'.

    Of two with one address Flask asks only the first.
    """
    owners = {"static": app} | {f"{name}.static": blueprint for name, blueprint in app.blueprints.items()}
    folders: dict[str, tuple[str, Path]] = {}
    for rule in app.url_map.iter_rules():
        owner, address = owners.get(rule.endpoint), rule.rule.removesuffix("<path:filename>")
        taken = address in (known for known, _ in folders.values())
        if owner and owner.static_folder and not (taken or "<" in address or rule.host or rule.subdomain):
            folders[rule.endpoint] = address, Path(owner.static_folder)
    return folders


def files_below(folder: Path, address: str) -> dict[str, Path]:
    """Every file in a folder by its address, but for hidden ones and an editor's copies."""
    names = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {address + name.as_posix(): folder / name for name in names if not static.is_hidden(name.parts)}


def static_files(app: Flask) -> dict[str, Path]:
    """Every static file by its address."""
    files: dict[str, Path] = {}
    for address, folder in static_folders(app).values():
        files |= files_below(folder, address)
    return files


def published(root: Path) -> dict[str, str]:
    """The hashed address of each static file that the last build has put there."""
    manifest = root / MANIFEST
    paths: dict[str, str] = json.loads(manifest.read_text("utf-8"))["paths"] if manifest.exists() else {}
    return paths


def serve(app: Flask) -> None:
    """Serve what the build has published, and let ``url_for`` give the hashed names; after the last blueprint.

    A file is served under its plain name too, for what names it without ``url_for``: an error page, a script. Where
    nothing is published, all are served under their plain names only, and uncompressed. In development Flask serves
    them itself, so that a change shows at once.
    """
    if app.config["DEBUG"]:
        return
    folders, root = static_folders(app), Path(app.config["STATIC_ROOT"])
    names = published(root)
    hashed = {*names.values()}
    files = files_below(root, "/") if names else static_files(app)
    files.pop(f"/{MANIFEST}", None)

    def add_headers(headers: Headers, path: str, address: str) -> None:
        if (name := names.get(address, address)) in hashed:
            static.set_etag(headers, name)

    app.wsgi_app = noise = WhiteNoise(  # type: ignore[method-assign]
        app.wsgi_app,
        add_headers_function=add_headers,
        allow_all_origins=False,
        immutable_file_test=lambda path, address: address in hashed,
    )
    for address, path in files.items():
        noise.add_file_to_dictionary(address, str(path))
    # Flask's own view would serve what is hidden, too.
    app.view_functions |= dict.fromkeys(folders, not_published)

    @app.url_defaults
    def hash_name(endpoint: str, values: dict[str, str]) -> None:
        if endpoint in folders and "filename" in values:
            address = folders[endpoint][0]
            plain = address + values["filename"]
            values["filename"] = names.get(plain, plain).removeprefix(address)


def not_published(filename: str) -> NoReturn:
    raise NotFound
