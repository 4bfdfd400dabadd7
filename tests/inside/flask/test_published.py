"""Static files as a build publishes them, and as they are served where none has."""

import os
import re
from pathlib import Path

import pytest
from flask import Blueprint, Flask, url_for
from werkzeug.test import Client, TestResponse

from runtime import assets, publishing

FILES = {
    "logo.svg": "<svg xmlns='http://www.w3.org/2000/svg'/>" * 20,
    "fonts/a b.woff2": "font",
    "css/base.css": "body { color: black }" * 20,
    "css/site.css": """
        @import "base.css";
        @import url(base.css) screen;
        /* url(../logo.svg) */
        p::before { content: "url(../logo.svg)" }
        @font-face { src: url('../fonts/a%20b.woff2?#iefix'), url("../fonts/a%20b.woff2#x") }
        a { background: URL( "../logo.svg" ) }
        b { background: url(/static/logo.svg) }
        c { background: url(data:image/png;base64,AAAA), url(https://example.com/logo.svg), url(//example.com/x) }
        d { background: url(../gone.svg), url(#mask), url(../) }
    """,
    "css/one.css": "@import 'two.css';",
    "css/two.css": "@import 'one.css';",
    "app.js": "export {};" * 50,
    ".hidden.js": "secret",
    "app.js~": "secret",
}
SHOP = {"shop.css": "a { background: url(icon.svg), url(/static/logo.svg) }", "icon.svg": "<svg/>"}


class Site:
    """An application with static files, and a blueprint with some of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name, text in FILES.items():
            self.write(f"static/{name}", text)
        for name, text in SHOP.items():
            self.write(f"shop/{name}", text)

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    @property
    def root(self) -> Path:
        return self.folder / "staticfiles"

    def app(self) -> Flask:
        app = Flask("site", root_path=str(self.folder))
        app.config["STATIC_ROOT"] = self.root
        shop = Blueprint("shop", "shop", url_prefix="/shop", root_path=str(self.folder), static_folder="shop")
        shop.add_url_rule("/<path:filename>", view_func=lambda filename: url_for(".static", filename=filename))
        app.register_blueprint(shop)
        assets.serve(app)
        return app

    def publish(self) -> list[str]:
        return [*publishing.publish(self.app())]

    def get(self, path: str, **headers: str) -> TestResponse:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return Client(self.app()).get(path, headers=sent, buffered=True)

    def url(self, filename: str, endpoint: str = "static") -> str:
        with self.app().test_request_context():
            return url_for(endpoint, filename=filename)

    def folder_of(self, path: str) -> dict[str, int]:
        return {file.name: file.stat().st_mtime_ns for file in (self.folder / path).iterdir()}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


HASHED = r"\.[0-9a-f]{12}\."


def test_a_stylesheet_refers_to_hashed_files(site: Site) -> None:
    assert site.publish() == ["/static/css/site.css refers to ../gone.svg, which is no static file."]
    text = site.get(site.url("css/site.css")).text
    logo = site.url("logo.svg").rpartition("/")[2]
    base = site.url("css/base.css").rpartition("/")[2]
    font = site.url("fonts/a b.woff2").rpartition("/")[2]
    for expected in (
        f'@import "{base}";',
        f"@import url({base}) screen;",
        "/* url(../logo.svg) */",
        'content: "url(../logo.svg)"',
        f"url('../fonts/{font}?#iefix'), url(\"../fonts/{font}#x\")",
        f'URL( "../{logo}" )',
        f"url(/static/{logo})",
        "url(data:image/png;base64,AAAA), url(https://example.com/logo.svg), url(//example.com/x)",
        "url(../gone.svg), url(#mask), url(../)",
    ):
        assert expected in text
    for name in logo, base.replace("base", "css/base"):
        response = site.get(f"/static/{name}")
        assert (response.status_code, "immutable" in response.headers["Cache-Control"]) == (200, True)


def test_a_changed_file_changes_the_name_of_what_refers_to_it(site: Site) -> None:
    site.publish()
    before = {name: site.url(name) for name in ("css/site.css", "css/base.css", "app.js")}
    site.write("static/logo.svg", "<svg/>")
    site.publish()
    after = {name: site.url(name) for name in before}
    assert before["css/site.css"] != after["css/site.css"]
    assert {name for name in before if before[name] == after[name]} == {"css/base.css", "app.js"}


def test_stylesheets_may_import_each_other(site: Site) -> None:
    site.publish()
    for name in "css/one.css", "css/two.css":
        assert re.search(HASHED, site.url(name))
        other = re.findall(r"'(.*)'", site.get(site.url(name)).text)
        assert site.get(f"/static/css/{other[0]}").status_code == 200


def test_a_blueprints_files_are_published(site: Site) -> None:
    site.publish()
    address = site.url("shop.css", "shop.static")
    assert re.fullmatch(rf"/shop/shop/shop{HASHED}css", address)
    response = site.get(address)
    assert "immutable" in response.headers["Cache-Control"]
    icon = re.findall(r"url\((icon\..*?)\)", response.text)
    assert site.get(f"/shop/shop/{icon[0]}").status_code == 200
    assert f"url({site.url('logo.svg')})" in response.text
    assert site.get("/shop/icon.svg").text == site.url("icon.svg", "shop.static")


@pytest.mark.parametrize("hashed", [True, False])
def test_times_and_tags_are_the_contents(hashed: bool, site: Site) -> None:
    def look() -> tuple[str, str]:
        address = site.url("app.js") if hashed else "/static/app.js"
        response = site.get(address)
        assert site.get(address, If_None_Match=response.headers["ETag"]).status_code == 304
        return response.headers["ETag"], response.headers["Last-Modified"]

    os.utime(site.folder / "static/app.js", (1_600_000_000, 1_600_000_000))
    site.publish()
    tag, time = look()
    assert time == "Sun, 13 Sep 2020 12:26:40 GMT"
    # As a checkout does.
    os.utime(site.folder / "static/app.js")
    site.publish()
    again, later = look()
    assert (tag == again, time == later) == (True, False)
    site.write("static/app.js", FILES["app.js"].replace("export", "import"))
    site.publish()
    assert look()[0] != tag


def test_nothing_is_compressed_twice(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    compressed: list[str] = []
    compress = publishing.COMPRESSOR.compress
    monkeypatch.setattr(publishing.COMPRESSOR, "compress", lambda path: (compressed.append(path), compress(path)))
    site.publish()
    assert len([path for path in compressed if "logo" in path]) == 1
    assert {".br", ".gz"} <= {os.path.splitext(name)[1] for name in site.folder_of("staticfiles/static/css")}
    before = len(compressed)
    site.app()
    site.publish()
    assert len(compressed) == before


def test_what_was_published_and_is_gone_is_removed(site: Site) -> None:
    site.publish()
    site.write("staticfiles/static/somebody-elses.js", "kept")
    (site.folder / "static/logo.svg").unlink()
    (site.folder / "static/app.js").unlink()
    site.publish()
    names = {*site.folder_of("staticfiles/static")}
    assert names == {"css", "fonts", "somebody-elses.js"}
    assert site.get("/static/app.js").status_code == 404


@pytest.mark.parametrize("published", [True, False])
def test_hidden_files_are_not_served(published: bool, site: Site) -> None:
    if published:
        site.publish()
    for path in "/static/.hidden.js", "/static/app.js~", "/static/staticfiles.json", "/staticfiles.json":
        assert site.get(path).status_code == 404
    assert site.get("/static/app.js").status_code == 200


def test_files_are_served_where_none_is_published(site: Site) -> None:
    assert site.url("app.js") == "/static/app.js"
    assert site.url("shop.css", "shop.static") == "/shop/shop/shop.css"
    response = site.get("/shop/shop/shop.css", Accept_Encoding="br")
    assert response.text == SHOP["shop.css"]
    assert "Content-Encoding" not in response.headers
    assert "immutable" not in response.headers["Cache-Control"]
    assert not site.root.exists()


def test_development_needs_no_build(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.publish()
    site.write("static/app.js", "changed")
    serve = assets.serve
    monkeypatch.setattr(assets, "serve", lambda app: (app.config.update(DEBUG=True), serve(app)))
    assert site.url("app.js") == "/static/app.js"
    assert site.get("/static/app.js").text == "changed"
