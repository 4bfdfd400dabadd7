"""The option for files: on PostgreSQL, with several workers, and with a bucket that checks what it is asked."""

import base64
import contextlib
import json
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
import requests
import yaml
from playwright.sync_api import Browser, expect

from tests import bucket as buckets
from tests import repository
from tests.browser import Person
from tests.bucket import Bucket
from tests.crowd import until
from tests.dyno import PATIENCE, SECRET_KEY, Dyno, running
from tests.privileges import hand_over
from tests.projects import FRAMEWORKS, THOROUGH, WITH_FILES, Project, render
from tests.repository import snapshot
from tests.test_updates import EDIT, edit, run
from tests.visitor import HIDDEN, Visitor

with_files = pytest.mark.parametrize("project", WITH_FILES, indirect=True, ids=str)
without_files = pytest.mark.parametrize("rendered", THOROUGH, indirect=True, ids=str)

OWN = ["ruff check", "ruff format --check", "python -m pytest"]
PASSWORD = "a fine old horse"
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
VIDEO = b"\0\0\0\x18ftypmp42" + bytes(4000)
CURE = "heroku addons:create bucketeer:hobbyist"
CLEAN = {"django": "python manage.py clean_files", "flask": "flask files clean"}
TABLE = {"django": "files_file", "flask": "files"}


@pytest.fixture(scope="module")
def shop() -> Iterator[Bucket]:
    """The bucket of a dyno that several tests visit."""
    with buckets.bucket() as made:
        yield made


@pytest.fixture(scope="module")
def site(project: Project, database_url: str, shop: Bucket) -> Iterator[Dyno]:
    """A dyno with a bucket, whose log holds none of the bucket's secrets when it ends."""
    with running(project, DATABASE_URL=database_url, SECRET_KEY=SECRET_KEY, **shop.variables) as dyno:
        yield dyno
        assert dyno.stop() == 0
        assert [line for line in dyno.log if shop.secret in line or "X-Amz-Signature" in line] == []


def sign_up(dyno: Dyno) -> Visitor:
    """Somebody who has an account and is logged in."""
    visitor, address = Visitor(dyno), f"{uuid.uuid4().hex}@example.com"
    visitor.submit("/accounts/signup/", email=address)
    link = dyno.mailed_link(address, "Finish signing up")
    assert visitor.submit(link, new_password1=PASSWORD, new_password2=PASSWORD).status_code == 302
    return visitor


@pytest.fixture
def person(site: Dyno, shop: Bucket) -> Visitor:
    """Somebody who is logged in, while the bucket is empty."""
    shop.objects.clear()
    return sign_up(site)


def own(page: str) -> list[str]:
    """Where each of the files on a page is, the newest first."""
    return re.findall(r'<a href="(/files/\d+/)">', page)


def promise(visitor: Visitor, kind: str = "Video (MP4)") -> tuple[str, dict[str, str]]:
    """Where a large file of one's own may be sent, and with which fields."""
    page = visitor.submit("/files/large/", title="Holidays", kind=kind).text
    fields = {name: unescape(value) for name, value in HIDDEN.findall(page.partition("multipart")[2])}
    return unescape(re.findall(r'action="(http[^"]*)"', page)[0]), fields


def upload(address: str, fields: dict[str, str], content: bytes) -> requests.Response:
    """What the bucket answers to a browser."""
    file = {"file": ("../evil.html", content, "text/html")}
    return requests.post(address, data=fields, files=file, allow_redirects=False, timeout=PATIENCE)


def come_back(visitor: Visitor, response: requests.Response) -> str:
    """The page of one's files, where the bucket has sent a browser back to."""
    parts = urlsplit(response.headers["Location"])
    assert (parts.scheme, parts.netloc) == ("https", "localhost")
    visitor.get(f"{parts.path}?{parts.query}")
    return visitor.get("/files/").text


# What is rendered


@without_files
def test_carries_nothing_of_it_without_the_option(rendered: Path) -> None:
    """But what names a field of Django's without a bucket."""
    for path in rendered.rglob("*"):
        if path.is_file() and path.name != "framework.py":
            assert not re.search(r"BUCKET|bucketeer|boto|AWS_|STORE\b|media/|/files", path.read_text()), path
    assert not (rendered / "files").exists()


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_changes_one_line_of_the_account_page(framework: str, tmp_path: Path) -> None:
    """Which is laid over the other whole, so that it must follow it."""
    page = "accounts/templates/accounts/account.html"
    plain, laid = (
        (render(tmp_path / answer, framework=framework, files=answer) / page).read_text().splitlines()
        for answer in ("no", "yes")
    )
    assert [line for line in laid if "/files/" not in line] == plain
    assert len(laid) == len(plain) + 1


@with_files
@pytest.mark.parametrize(
    "command", ["ruff check", "ruff format --check", "mypy --cache-dir /dev/null .", "python -m pytest"]
)
def test_passes_its_own(command: str, project: Project, tmp_path: Path) -> None:
    copy = shutil.copytree(project.path, tmp_path / "copy", ignore=shutil.ignore_patterns("staticfiles"))
    result = project.run(command, tools=True, folder=copy)
    assert result.returncode == 0, result.stdout + result.stderr


@with_files
def test_satisfies_its_doctor_who_names_the_bucket(project: Project, tmp_path: Path) -> None:
    copy = shutil.copytree(project.path, tmp_path / "copy", ignore=shutil.ignore_patterns("staticfiles"))
    repository.commit(copy)
    result = project.run("python -m runtime.doctor", tools=True, folder=copy)
    assert result.returncode == 0, result.stdout + result.stderr
    lines = result.stdout.splitlines()
    cure = f"no file is taken or shown, and pages with files answer 503. Attach one: {CURE}"
    assert f"note  No bucket is attached: {cure}" in lines
    # Compared, although Flask's of files depend on others.
    assert "ok    migrations follow models" in lines


@with_files
def test_is_easily_without_its_pages(project: Project, tmp_path: Path) -> None:
    """As its GUIDE.md says; what keeps files then serves its owner's own."""
    copy = shutil.copytree(project.path, tmp_path / "copy", ignore=shutil.ignore_patterns("staticfiles"))
    shutil.rmtree(copy / "files")
    (copy / "tests" / "test_files.py").unlink()
    for migration in copy.glob("migrations/files_*.py"):
        migration.unlink()
    for path in [*copy.glob("config/*.py"), *copy.glob("accounts/**/*.html")]:
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(line for line in lines if not re.search(r'["(/ ]files[\w.]*(["()/]| import)', line)))
    # In a test of their own no bucket is asked for.
    (copy / "tests" / "test_shop.py").write_text(
        "import io\n\nfrom runtime import storage\n\n\n"
        'def test_keeps_a_price_list() -> None:\n    assert storage.current().save(io.BytesIO(b"%PDF-1.7"), "shop")\n'
    )
    for command in "ruff check", "python -m pytest tests/test_framework.py tests/test_pages.py tests/test_shop.py":
        result = project.run(command, tools=True, folder=copy)
        assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_brings_a_bucket_where_it_is_composed(framework: str, tmp_path: Path) -> None:
    """The variables are those of a platform, and the address is one that containers and browsers share."""
    project = render(tmp_path, framework=framework, docker="yes", files="yes")
    command = ["-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yaml"]
    subprocess.run([sys.executable, *command], cwd=project, check=True)
    services = yaml.safe_load((project / "compose.yaml").read_text())["services"]
    given, bucket = services["web"]["environment"], services["bucket"]
    assert {*Bucket().variables} - {"AWS_REGION"} <= {*given}
    address = urlsplit(given["AWS_ENDPOINT_URL_S3"])
    assert address.hostname in bucket["networks"]["default"]["aliases"]
    assert bucket["ports"] == [f"127.0.0.1:{address.port}:{address.port}"]
    assert [given[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "BUCKET_NAME")] == [
        bucket["environment"][name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "S3_BUCKET")
    ]
    assert "media" in (project / ".dockerignore").read_text().split()


@pytest.mark.parametrize("project", [one for one in THOROUGH if one.framework == "django"], indirect=True, ids=str)
@pytest.mark.parametrize("folder", ["", "/somewhere/else"])
def test_names_a_field_whose_files_a_restart_would_take(folder: str, project: Project, tmp_path: Path) -> None:
    """Which only Django has, and without the option. What an owner keeps on a disk of its own is the owner's."""
    copy = shutil.copytree(project.path, tmp_path / "copy", ignore=shutil.ignore_patterns("staticfiles"))
    for name, line, added in (
        ("accounts/models.py", "    is_staff", '    photo = models.FileField(upload_to="photos")\n'),
        ("config/settings.py", "STATIC_URL", f'MEDIA_ROOT = "{folder}"\n'),
    ):
        text = (copy / name).read_text()
        (copy / name).write_text(text.replace(line, f"{added}{line}", 1))
    result = project.run("python -m runtime.doctor", tools=True, folder=copy)
    complaint = "accounts.User.photo keeps files on a disk that is wiped at each restart."
    named = [line for line in result.stdout.splitlines() if complaint in line]
    assert len(named) == (not folder)
    assert all("cruft update --variables-to-update" in line for line in named)


@with_files
def test_is_added_to_a_project_later(project: Project, tmp_path: Path) -> None:
    """By cruft, with the other answer; what its owner has done and the database holds stays."""
    template = repository.copy(tmp_path / "template")
    repository.commit(template)
    framework = project.variant.framework
    options = ["--no-input", "--default-config", "--output-dir", tmp_path]
    extra = json.dumps({"framework": framework})
    created = run(tmp_path, "cruft", "create", template, *options, "--extra-context", extra)
    assert created.returncode == 0, created.stderr
    owned = tmp_path / "my-project"
    repository.commit(owned)
    edit(owned)
    database = {"DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3"}
    project.run(project.processes["release"], tools=True, folder=owned, **database).check_returncode()
    updated = run(owned, "cruft", "update", "--skip-apply-ask", "--variables-to-update", '{"files": true}')
    assert updated.returncode == 0, updated.stderr
    expected = snapshot(render(tmp_path / "fresh", framework=framework, files="yes"))
    views, executable = expected["pages/views.py"]
    expected["pages/views.py"] = views + EDIT.encode(), executable
    expected["LICENSE"] = b"theirs\n", False
    del expected[".pre-commit-config.yaml"]
    assert snapshot(owned) == expected
    project.run(project.processes["release"], tools=True, folder=owned, **database).check_returncode()
    with contextlib.closing(sqlite3.connect(tmp_path / "db.sqlite3")) as connection:
        assert connection.execute(f"SELECT count(*) FROM {TABLE[framework]}").fetchone() == (0,)
    result = project.run("python -m pytest tests/test_files.py tests/test_framework.py", tools=True, folder=owned)
    assert result.returncode == 0, result.stdout


# Without a bucket


@with_files
def test_takes_no_file_without_a_bucket(project: Project, database_url: str) -> None:
    with running(project, DATABASE_URL=database_url, SECRET_KEY=SECRET_KEY) as dyno:
        assert any(CURE in line for line in dyno.log)
        assert dyno.get("/").status_code == 200
        ready = dyno.get("/readyz")
        assert (ready.status_code, ready.json()) == (503, {"database": "ok", "files": "missing", "jobs": "ok"})
        person = sign_up(dyno)
        page = person.get("/files/")
        assert page.status_code == 503
        assert "<h1>Back soon</h1>" in page.text
        assert CURE not in page.text
        # Nothing is kept from leaving.
        assert person.submit("/accounts/delete/", password=PASSWORD).headers["Location"] == "/"
        assert dyno.stop() == 0


@with_files
@pytest.mark.parametrize(
    ("variables", "refusal"),
    [
        ({"BUCKET_NAME": "a b"}, "BUCKET_NAME is 'a b', not the name of a bucket."),
        ({"BUCKET_NAME": "files"}, "BUCKET_NAME is set, and AWS_ACCESS_KEY_ID is not."),
        (
            {"BUCKETEER_BUCKET_NAME": "files", "BUCKETEER_AWS_ACCESS_KEY_ID": "AKID"},
            "BUCKETEER_BUCKET_NAME is set, and BUCKETEER_AWS_SECRET_ACCESS_KEY is not.",
        ),
        (
            {"AWS_ENDPOINT_URL_S3": "https://user:hidden@host"},
            "AWS_ENDPOINT_URL_S3 is 'https://user:***@host' and AWS_REGION 'eu-central-1'",
        ),
    ],
)
def test_refuses_a_bucket_that_cannot_be(
    variables: dict[str, str], refusal: str, project: Project, shop: Bucket
) -> None:
    given = shop.variables | variables if "AWS_ENDPOINT_URL_S3" in variables else variables
    result = project.run("python -c 'import config.settings'", **given)
    assert result.returncode == 1
    assert result.stderr.startswith(refusal)
    assert result.stderr.count("\n") == 1
    assert "hidden" not in result.stderr


@with_files
def test_serves_a_developers_files_itself(project: Project, database_url: str, tmp_path: Path) -> None:
    copy = shutil.copytree(project.path, tmp_path / "copy")
    hand_over(copy)
    here = Project.__new__(Project)
    here.__dict__.update(project.__dict__ | {"path": copy})
    for _ in range(2):  # the second time with the files of the first
        with running(here, DATABASE_URL=database_url, DEBUG="on", SECRET_KEY=SECRET_KEY) as dyno:
            person = sign_up(dyno)
            assert person.send("/files/", "photo.png", PICTURE).status_code == 302
            assert len(re.findall(r'<img src="/media/files/[0-9a-f]{32}\.png"', person.get("/files/").text)) == 1
            for kept in (copy / "media").rglob("*.png"):
                response = dyno.get(f"/{kept.relative_to(copy).as_posix()}", https=False)
                assert response.content == PICTURE
                assert response.headers["Content-Type"] == "image/png"
                assert response.headers["Content-Disposition"].startswith("inline")
                assert response.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
                assert response.headers["X-Content-Type-Options"] == "nosniff"
            page = copy / "media" / "files" / "page.png"
            page.write_text("<html><script>alert(1)</script>")
            response = dyno.get("/media/files/page.png", https=False)
            assert response.headers["Content-Type"].startswith("application/octet-stream")
            assert response.headers["Content-Disposition"].startswith("attachment")
            page.unlink()
            assert dyno.get("/media/../config/settings.py", https=False).status_code == 404
            assert dyno.get("/media/%2e%2e/config/settings.py", https=False).status_code == 404
    assert len([*copy.glob("media/files/*.png")]) == 2


@with_files
def test_keeps_a_developers_files_out_of_git(project: Project, tmp_path: Path) -> None:
    copy = shutil.copytree(project.path, tmp_path / "copy")
    repository.commit(copy)
    (copy / "media").mkdir()
    (copy / "media" / "photo.png").write_bytes(PICTURE)
    assert repository.git(copy, "status", "--porcelain") == ""


# With one


@with_files
def test_keeps_a_file_until_it_is_removed(person: Visitor, site: Dyno, shop: Bucket) -> None:
    assert site.get("/readyz").json() == {"database": "ok", "files": "ok", "jobs": "ok"}
    assert person.send("/files/", "../<b>evil</b>.html", PICTURE).headers["Location"] == "/files/"
    ((name, kept),) = shop.objects.items()
    assert re.fullmatch(r"files/[0-9a-f]{32}\.png", name)
    assert kept.content == PICTURE
    assert kept.headers == {"Content-Type": "image/png", "Content-Disposition": "inline"}
    page = person.get("/files/").text
    # Read by whoever has the address, for an hour; and by nobody else.
    picture = unescape(re.findall(r'<img src="(http[^"]*)"', page)[0])
    assert requests.get(picture, timeout=PATIENCE).content == PICTURE
    assert parse_qs(urlsplit(picture).query)["X-Amz-Expires"] == ["3600"]
    assert requests.get(picture.partition("?")[0], timeout=PATIENCE).status_code == 403
    (address,) = own(page)
    opened = requests.get(person.get(address).headers["Location"], timeout=PATIENCE)
    assert opened.headers["Content-Disposition"] == "inline; filename*=UTF-8''b%3E.html.png"
    # Whichever worker is asked.
    assert all(own(person.get("/files/").text) == [address] for _ in range(6))
    assert person.submit("/files/", f"{address}remove/").headers["Location"] == "/files/"
    assert shop.objects == {}
    assert own(person.get("/files/").text) == []


VERBS = """
import io, json, sys
from pathlib import Path
from runtime import kinds
from runtime.store import attached_store

store = attached_store(Path(), debug=False)
store.ask()
content = sys.argv[1].encode("latin-1")
name = store.save(io.BytesIO(content), "tests")
missing = store.exists("tests/none"), store.arrived("tests/none", kinds.UNKNOWN, 1)
try:
    store.open("tests/none")
except FileNotFoundError as error:
    missing = *missing, str(error)
if sys.argv[2:]:
    sent = sys.argv[2]
    print(json.dumps(store.arrived(sent, kinds.KINDS["image/png"], 10_000)))
    listed = [stored.name for stored in store.list("tests")]
    for one in name, sent, *listed:
        store.delete(one)
    print(json.dumps([name in listed, sent in listed, store.exists(name), store.exists(sent)]))
else:
    sent = f"{name}.sent.png"
    form = store.form(sent, kinds.KINDS["image/png"], 10_000, "https://localhost/back?a=b")
    print(json.dumps([name, store.open(name).read() == content, store.size(name), missing]))
    print(json.dumps([store.url(name, "Tea"), sent, *form]))
"""


@with_files
def test_keeps_what_it_is_told_to_in_any_bucket(project: Project, shop: Bucket) -> None:
    """That of TEST_BUCKET_NAME and its like, where they name one."""
    variables = buckets.real_bucket() or shop.variables
    command = f"python -c {shlex.quote(VERBS)} {shlex.quote(PICTURE.decode('latin-1').replace(chr(0), ''))}"
    content = PICTURE.replace(b"\0", b"")

    def ask(*more: str) -> list[Any]:
        result = project.run(" ".join([command, *more]), **variables)
        assert result.returncode == 0, result.stderr
        return [json.loads(line) for line in result.stdout.splitlines()]

    (name, same, size, missing), (url, sent, address, fields) = ask()
    assert re.fullmatch(r"tests/[0-9a-f]{32}\.png", name)
    assert (same, size, missing) == (True, len(content), [False, None, "tests/none"])
    got = requests.get(url, timeout=PATIENCE)
    assert got.content == content
    assert got.headers["Content-Type"] == "image/png"
    assert got.headers["Content-Disposition"] == "inline; filename*=UTF-8''Tea.png"
    assert requests.get(url[:-4] + "0000", timeout=PATIENCE).status_code == 403
    assert upload(address, fields, content + bytes(10_000)).status_code in {400, 403}
    assert upload(address, fields | {"key": "tests/other.png"}, content).status_code == 403
    taken = upload(address, fields, content)
    assert taken.status_code == 303
    assert taken.headers["Location"].startswith("https://localhost/back?a=b")
    assert ask(sent) == [len(content), [True, True, False, False]]


@with_files
def test_keeps_what_is_no_picture_from_being_shown(person: Visitor, shop: Bucket) -> None:
    person.send("/files/", "paper.png", b"%PDF-1.7 and a script")
    ((name, kept),) = shop.objects.items()
    assert name.endswith(".pdf")
    assert kept.headers == {"Content-Type": "application/pdf", "Content-Disposition": "attachment"}
    for content in b"<!doctype html><script>alert(1)</script>", b'<svg xmlns="http://www.w3.org/2000/svg"/>', b"GIF8":
        assert person.send("/files/", "photo.png", content).status_code == 415
    assert person.send("/files/", "empty.png", b"").status_code == 400
    assert person.send("/files/", "large.png", PICTURE + bytes(8_000_000)).status_code == 413
    # Before anything of it is read.
    assert person.send("/files/", "larger.png", PICTURE + bytes(10_000_000)).status_code == 413
    assert len(shop.objects) == 1


@with_files
def test_shows_nobody_the_files_of_another(person: Visitor, site: Dyno, shop: Bucket) -> None:
    person.send("/files/", "photo.png", PICTURE)
    (address,) = own(person.get("/files/").text)
    for other in sign_up(site), Visitor(site):
        assert own(other.get("/files/").text) == []
        assert other.get(address).status_code in {302, 404}
        assert "Amz" not in other.get(address).headers.get("Location", "")
        assert other.submit("/accounts/login/", f"{address}remove/").status_code in {302, 404}
    assert len(shop.objects) == 1
    # Larger than any number that a row may have.
    for number in 2**31, 2**63, 10**20:
        assert person.get(f"/files/{number}/").status_code == 404
        assert person.submit("/files/", f"/files/{number}/remove/").status_code == 404


@with_files
def test_takes_files_along_with_their_account(person: Visitor, shop: Bucket) -> None:
    for _ in range(3):
        person.send("/files/", "photo.png", PICTURE)
    assert len(shop.objects) == 3
    assert person.submit("/accounts/delete/", password=PASSWORD).headers["Location"] == "/"
    assert shop.objects == {}


@with_files
def test_lets_the_bucket_into_the_policy_of_its_pages(site: Dyno, shop: Bucket) -> None:
    policy = site.get("/").headers["Content-Security-Policy"]
    directives = dict(part.strip().partition(" ")[::2] for part in policy.split(";"))
    for name in "connect-src", "form-action", "img-src":
        assert directives[name] == f"'self' {shop.endpoint}"
    assert shop.endpoint not in directives["default-src"]


ADDRESSES = """
import json, os, sys
from pathlib import Path
from runtime import kinds
from runtime.store import attached_store

made = []
for variables in json.loads(sys.argv[1]):
    os.environ.update({"BUCKET_NAME": "a-bucket", "AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret"})
    os.environ.update(variables)
    store = attached_store(Path(), debug=False)
    form = store.form("files/a", kinds.UNKNOWN, 1, "https://localhost/")
    made.append([store.origin, store.url("files/a"), store.url("public/a b"), form.address])
    for name in variables:
        del os.environ[name]
print(json.dumps(made))
"""


@with_files
def test_knows_where_a_browser_will_be_sent(project: Project) -> None:
    """What the policy lets in is where each maker's addresses lead, as botocore makes them."""
    makers = {
        "https://a-bucket.s3.us-east-1.amazonaws.com": {},
        "https://a-bucket.s3.eu-central-1.amazonaws.com": {"AWS_REGION": "eu-central-1"},
        "https://a-bucket.fly.storage.tigris.dev": {
            "AWS_REGION": "auto",
            "AWS_ENDPOINT_URL_S3": "https://fly.storage.tigris.dev",
        },
        "https://a-bucket.abc.r2.cloudflarestorage.com": {
            "AWS_REGION": "auto",
            "AWS_ENDPOINT_URL_S3": "https://abc.r2.cloudflarestorage.com/",
        },
        "http://s3.localhost:8333": {"AWS_ENDPOINT_URL_S3": "http://s3.localhost:8333"},
        "http://minio:9000": {"AWS_ENDPOINT_URL_S3": "http://minio:9000"},
        "https://minio.example.com": {"AWS_ENDPOINT_URL_S3": "https://minio.example.com", "BUCKET_IN_PATH": "on"},
        "https://s3.eu-west-1.amazonaws.com": {"AWS_REGION": "eu-west-1", "BUCKET_NAME": "with.dots"},
        "https://bucketeer-1.s3.eu-west-1.amazonaws.com": {
            "BUCKET_NAME": "",
            "BUCKETEER_BUCKET_NAME": "bucketeer-1",
            "BUCKETEER_AWS_ACCESS_KEY_ID": "AKID",
            "BUCKETEER_AWS_SECRET_ACCESS_KEY": "secret",
            "BUCKETEER_AWS_REGION": "eu-west-1",
        },
    }
    result = project.run(f"python -c {shlex.quote(ADDRESSES)} {shlex.quote(json.dumps([*makers.values()]))}")
    assert result.returncode == 0, result.stderr
    for expected, (origin, *addresses) in zip(makers, json.loads(result.stdout), strict=True):
        assert origin == expected
        for address in addresses:
            assert address.startswith(f"{expected}/")
        private, public, _ = addresses
        assert "X-Amz-Signature=" in private
        assert public.endswith("/public/a%20b")


# Past us


@with_files
def test_takes_note_of_a_large_file_that_has_arrived(person: Visitor, shop: Bucket) -> None:
    address, fields = promise(person)
    assert address == f"{shop.endpoint}/{shop.name}"
    assert own(person.get("/files/").text) == []
    sent = upload(address, fields, VIDEO)
    assert sent.status_code == 303
    page = come_back(person, sent)
    assert len(own(page)) == 1
    assert "Holidays" in page
    # Told again, it takes note of nothing more.
    assert len(own(come_back(person, sent))) == 1
    opened = requests.get(person.get(own(page)[0]).headers["Location"], timeout=PATIENCE)
    assert opened.content == VIDEO
    assert opened.headers["Content-Disposition"] == "attachment; filename*=UTF-8''Holidays.mp4"


@with_files
@pytest.mark.parametrize(
    ("changed", "content", "refusal"),
    [
        ({}, VIDEO + bytes(200_000_000), "EntityTooLarge"),
        ({}, b"", "EntityTooSmall"),
        ({"Content-Type": "text/html"}, VIDEO, "AccessDenied"),
        ({"Content-Disposition": "inline"}, VIDEO, "AccessDenied"),
        ({"key": "files/mine.html"}, VIDEO, "AccessDenied"),
        ({"success_action_redirect": "https://evil.example/"}, VIDEO, "AccessDenied"),
        ({"acl": "public-read"}, VIDEO, "AccessDenied"),
        ({"x-amz-signature": "0" * 64}, VIDEO, "SignatureDoesNotMatch"),
    ],
    ids=["too large", "empty", "type", "disposition", "key", "redirect", "acl", "signature"],
)
def test_signs_a_form_for_nothing_but_what_was_asked(
    changed: dict[str, str], content: bytes, refusal: str, person: Visitor, shop: Bucket
) -> None:
    address, fields = promise(person)
    response = upload(address, fields | changed, content)
    assert refusal in response.text
    assert shop.objects == {}


@with_files
def test_takes_no_note_of_what_was_not_promised(person: Visitor, site: Dyno, shop: Bucket) -> None:
    address, fields = promise(person)
    # Nothing has arrived.
    person.get(urlsplit(fields["success_action_redirect"])._replace(scheme="", netloc="").geturl())
    assert own(person.get("/files/").text) == []
    # It is something else.
    assert own(come_back(person, upload(address, fields, b"<script>" + VIDEO))) == []
    assert shop.objects == {}
    # Somebody else comes back with it.
    other = sign_up(site)
    sent = upload(address, fields, VIDEO)
    assert own(come_back(other, sent)) == []
    # The promise is another.
    forged = sent.headers["Location"].replace("promise=", "promise=a")
    person.get(urlsplit(forged)._replace(scheme="", netloc="").geturl())
    assert own(person.get("/files/").text) == []
    assert len(own(come_back(person, sent))) == 1


@with_files
def test_takes_no_more_large_files_than_somebody_may_have(
    project: Project, database_url: str, person: Visitor, shop: Bucket
) -> None:
    first, second = promise(person), promise(person)
    come_back(person, upload(*first, VIDEO))
    table, name = TABLE[project.variant.framework], {"django": "file", "flask": "name"}[project.variant.framework]
    with psycopg.connect(database_url) as connection:
        connection.execute(
            f"INSERT INTO {table} (owner_id, {name}, title, media_type, size, created)"
            f" SELECT owner_id, {name} || number, title, media_type, size, created"
            f" FROM {table}, generate_series(1, 199) AS number WHERE id = (SELECT max(id) FROM {table})"
        )
    assert len(own(come_back(person, upload(*second, VIDEO)))) == 200
    assert [*shop.objects] == [first[1]["key"]]


# When it fails


@with_files
def test_stays_calm_where_the_bucket_refuses(project: Project, database_url: str, shop: Bucket) -> None:
    wrong = shop.variables | {"AWS_SECRET_ACCESS_KEY": "another/secret+of/theirs"}
    with running(project, DATABASE_URL=database_url, SECRET_KEY=SECRET_KEY, **wrong) as dyno:
        person = sign_up(dyno)
        sent = person.send("/files/", "photo.png", PICTURE)
        assert sent.status_code == 503
        ready = dyno.get("/readyz")
        assert (ready.status_code, ready.json()["files"]) == (503, "failing")
        assert dyno.get("/").status_code == 200
        dyno.wait_for("The store refused: SignatureDoesNotMatch.* heroku addons:info bucketeer")
        dyno.wait_for("The files does not answer|The files do not answer")
        for text in sent.text, ready.text, *dyno.log:
            assert not re.search(r"another/secret|AKIDOFTHETESTS|Signature=", text)
        assert own(person.get("/files/").text) == []
        assert dyno.stop() == 0


@with_files
def test_stays_calm_where_the_bucket_is_gone(project: Project, database_url: str, refusing_port: int) -> None:
    gone = Bucket(endpoint=f"http://127.0.0.1:{refusing_port}")
    with running(project, DATABASE_URL=database_url, SECRET_KEY=SECRET_KEY, **gone.variables) as dyno:
        person = sign_up(dyno)
        assert person.send("/files/", "photo.png", PICTURE).status_code == 503
        assert dyno.get("/readyz").json()["files"] == "failing"
        assert own(person.get("/files/").text) == []
        assert dyno.stop() == 0


@with_files
def test_goes_on_serving_while_the_bucket_says_nothing(project: Project, database_url: str) -> None:
    variables = {"DATABASE_URL": database_url, "SECRET_KEY": SECRET_KEY, "WEB_CONCURRENCY": "1"}
    with buckets.bucket() as silent, running(project, **variables, **silent.variables) as dyno:
        person = sign_up(dyno)
        person.send("/files/", "photo.png", PICTURE)
        before = own(person.get("/files/").text)
        path, hidden = person.open_form("/files/")
        silent.answers.clear()
        silent.someone_waits.clear()

        def send() -> int:
            return person.request("POST", path, hidden, files={"file": ("photo.png", PICTURE)}).status_code

        with ThreadPoolExecutor(8) as pool:
            first = pool.submit(send)
            assert silent.someone_waits.wait(PATIENCE)
            asked = len(silent.asked)
            # Somebody waits, and nobody else has to.
            assert dyno.get("/").status_code == 200
            assert person.get("/files/").status_code == 200
            assert len(silent.asked) == asked
            assert first.result() == 503
            # Those who come next are told at once: at most one at a time asks.
            assert list(pool.map(lambda _: send(), range(8))) == [503] * 8
            assert len(silent.asked) - asked < 8
        assert dyno.get("/readyz").json()["files"] == "failing"
        assert own(person.get("/files/").text) == before
        # A row is removed all the same, and its file is left for later.
        assert person.submit("/files/", f"{before[0]}remove/").status_code == 302
        dyno.wait_for("A file is left for")
        assert own(person.get("/files/").text) == []
        silent.answers.set()
        dyno.wait_for("The store did not answer: ReadTimeoutError")
        # Whoever has asked meanwhile is told that it fails.
        assert until(lambda: dyno.get("/readyz").json()["files"] == "ok")
        assert until(lambda: person.send("/files/", "photo.png", PICTURE).status_code == 302)
        assert dyno.stop() == 0


@with_files
def test_stays_calm_where_the_disk_is_full(project: Project, database_url: str, shop: Bucket) -> None:
    """On which a larger file waits while it comes in: the server refuses it. A limit fails as a full disk does."""
    command = f"sh -c 'ulimit -f 1000 && exec {project.processes['web']}'"
    variables = {"DATABASE_URL": database_url, "SECRET_KEY": SECRET_KEY}
    with running(project, command, **variables, **shop.variables) as dyno:
        person = sign_up(dyno)
        shop.objects.clear()
        failed = person.send("/files/", "photo.png", PICTURE + bytes(4_000_000))
        assert failed.status_code in {413, 500, 503}
        assert "<h1>" in failed.text
        assert shop.objects == {}
        assert own(person.get("/files/").text) == []
        assert person.send("/files/", "photo.png", PICTURE).status_code == 302
        assert dyno.stop() == 0


# In a browser


@with_files
def test_is_for_everybody(project: Project, database_url: str, shop: Bucket, chromium: Browser) -> None:
    """Under the policy, which a browser enforces: its console would have what is not let through."""
    shop.objects.clear()
    variables = {"DATABASE_URL": database_url, "HTTPS": "off", "SECRET_KEY": SECRET_KEY}
    with (
        running(project, **variables, **shop.variables) as dyno,
        chromium.new_context() as context,
        context.new_page() as page,
    ):
        person = Person(page, dyno)
        person.open("/accounts/signup/", "Sign up")
        person.send("Send the link", "Look into your mail", **{"E-mail address": person.address})
        person.open(dyno.mailed_link(person.address, "Finish signing up"), "Choose a password")
        fields = {"New password": PASSWORD, "New password, again": PASSWORD}
        person.send("Save the password", "Your account", **fields)
        page.get_by_role("link", name="Your files").click()
        person.look("Your files")

        def choose(label: str, name: str, media_type: str, content: bytes) -> None:
            page.get_by_label(label).set_input_files({"name": name, "mimeType": media_type, "buffer": content})

        choose("File", "tea.png", "image/png", PIXEL)
        person.send("Send it", "Your files")
        expect(page.get_by_role("status")).to_have_text("Your file is here.")
        assert page.get_by_role("img", name="tea.png").evaluate("image => image.naturalWidth") == 1
        page.get_by_role("link", name="Send a larger one").click()
        person.look("A large file")
        page.get_by_label("What it is").select_option("Video (MP4)")
        person.send("Go on", "A large file", Name="Holidays")
        choose("Holidays", "holidays.mp4", "video/mp4", VIDEO)
        person.send("Send it", "Your files")
        expect(page.get_by_role("status")).to_have_text("Your file is here.")
        expect(page.get_by_role("link", name="Holidays")).to_be_visible()
        assert sorted(kept.content for kept in shop.objects.values()) == sorted([PIXEL, VIDEO])
        # Past us: what was sent to the bucket never came to us.
        assert [line for line in shop.asked if line.startswith("POST")] != []
        page.get_by_role("button", name="Remove tea.png").click()
        person.look("Your files")
        assert [kept.content for kept in shop.objects.values()] == [VIDEO]
        assert dyno.stop() == 0


# By night


@with_files
def test_cleans_what_has_lost_its_other_half(project: Project, new_database: Callable[[], str]) -> None:
    command, table = (choice[project.variant.framework] for choice in (CLEAN, TABLE))
    url = new_database()
    project.run(project.processes["release"], DATABASE_URL=url).check_returncode()

    def rows() -> int:
        with psycopg.connect(url) as connection:
            return connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]

    with buckets.bucket() as shop:

        def clean(*options: str) -> subprocess.CompletedProcess[str]:
            return project.run(" ".join([command, *options]), DATABASE_URL=url, SECRET_KEY=SECRET_KEY, **shop.variables)

        with running(project, DATABASE_URL=url, SECRET_KEY=SECRET_KEY, **shop.variables) as dyno:
            person = sign_up(dyno)
            for _ in range(3):
                person.send("/files/", "photo.png", PICTURE)
            assert dyno.stop() == 0
        kept, lost = sorted(shop.objects)[:2], sorted(shop.objects)[2]
        shop.objects["files/orphan.png"] = shop.objects.pop(lost)
        shop.objects["photos/of-an-owner.png"] = shop.objects["files/orphan.png"]
        # They may only be about to meet.
        assert clean().stdout == "0 files without a row and 0 rows without a file are gone.\n"
        shop.age(timedelta(days=2))
        with psycopg.connect(url) as connection:
            connection.execute(f"UPDATE {table} SET created = created - interval '2 days'")
        assert clean().stdout == "1 files without a row and 1 rows without a file are gone.\n"
        assert sorted(shop.objects) == [*kept, "photos/of-an-owner.png"]
        assert rows() == 2
        # Of another project, whose bucket it is by mistake.
        for number in range(20):
            shop.objects[f"files/{number}.png"] = shop.objects[kept[0]]
        refused = clean()
        assert refused.returncode == 1
        assert "is it this database's bucket?" in refused.stderr
        assert len(shop.objects) == 23
        assert clean("--even-many").returncode == 0
        assert sorted(shop.objects) == [*kept, "photos/of-an-owner.png"]
        shop.answers.clear()
        silent = clean()
        assert silent.returncode == 1
        assert "The store did not answer" in silent.stderr
        assert "Traceback" not in silent.stderr
