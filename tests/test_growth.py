"""What the owner of a generated project does in the first weeks: notes, and a shop that grows.

Pages, models with a relation, migrations, forms, tests of their own, an upload, data for others and a stream; then it
is served to somebody who uses all that.
"""

import copy
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import requests

from tests import repository
from tests.conftest import thorough
from tests.dyno import SECRET_KEY, Dyno, running
from tests.projects import Project
from tests.visitor import Visitor

pytestmark = thorough

OWNERS = Path(__file__).parent / "owners"
ADDRESS, PASSWORD = "seller@example.com", "a fine old horse"
# Where each framework wants a page to be known: a line, and what its owner writes above it.
ADDED = {
    "django": [
        ("config/settings.py", '    "pages",\n', '    "notes",\n'),
        ("config/settings.py", '    "django.contrib.admin",\n', '    "shop",\n'),
        ("config/urls.py", "from pages import views\n", "from notes.views import index\n"),
        (
            "config/urls.py",
            '    path("admin/"',
            '    path("notes/", index),\n    path("shop/", include("shop.urls")),\n',
        ),
    ],
    "flask": [
        ("config/app.py", "from pages import errors, views\n", "from notes.views import notes\n"),
        ("config/app.py", "\n\ndef create_app(", "from shop.views import shop\n"),
        (
            "config/app.py",
            "    app.register_blueprint(views.pages)\n",
            "    app.register_blueprint(notes)\n    app.register_blueprint(shop)\n",
        ),
    ],
}
# What is added once there are rows.
GROWN = {
    "django": [("shop/models.py", "    price =", "    stock = models.IntegerField(default=0, db_index=True)\n")],
    "flask": [("shop/models.py", "    price:", "    stock: Mapped[int | None] = mapped_column(index=True)\n")],
}
MAKE_AN_ACCOUNT = {
    "django": f"python manage.py createsuperuser --noinput --email {ADDRESS}",
    "flask": f"flask accounts create {ADDRESS} --password '{PASSWORD}'",
}


class Grown:
    """A project of which its owner has made something, and the database that it is served with."""

    def __init__(self, project: Project, folder: Path, database_url: str) -> None:
        self.project = copy.copy(project)
        self.project.path = folder
        self.database_url = database_url

    def run(self, command: str, **variables: str) -> str:
        """What a command prints that ends well."""
        result = self.project.run(command, tools=True, folder=self.project.path, **variables)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def write(self, added: dict[str, list[tuple[str, str, str]]]) -> None:
        for name, line, before in added[self.project.variant.framework]:
            file = self.project.path / name
            assert file.read_text().count(line) == 1
            file.write_text(file.read_text().replace(line, before + line))
        repository.commit(self.project.path)

    def complaints(self) -> list[str]:
        result = self.project.run("python -m runtime.doctor", tools=True, folder=self.project.path)
        return [line for line in result.stdout.splitlines() if line.startswith("FAIL")]

    def release(self) -> None:
        """Bring the database to what the models are by now, as the doctor says."""
        self.run(self.project.processes["release"], DATABASE_URL=self.database_url)
        while complaints := self.complaints():
            assert len(complaints) == 1
            assert complaints[0].startswith("FAIL  migrations follow models: ")
            # In a database at this version, which is what a developer has.
            self.run(complaints[0].rpartition(". ")[2], DATABASE_URL=self.database_url)
            repository.commit(self.project.path)
            self.run(self.project.processes["release"], DATABASE_URL=self.database_url)


@pytest.fixture(scope="module")
def grown(project: Project, new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Grown:
    """A project with notes and a shop, which got a column more when it had its first row."""
    folder = tmp_path_factory.mktemp("grown") / "my-project"
    shutil.copytree(project.path, folder, ignore=shutil.ignore_patterns("staticfiles"))
    for layer in "shared", project.variant.framework:
        shutil.copytree(OWNERS / layer, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    grown = Grown(project, folder, new_database())
    grown.write(ADDED)
    grown.release()
    with psycopg.connect(grown.database_url) as connection:
        connection.execute("INSERT INTO shop_category (name) VALUES ('Tea')")
    grown.write(GROWN)
    assert grown.complaints()
    grown.release()
    return grown


@pytest.fixture(scope="module")
def shop(grown: Grown) -> Iterator[Dyno]:
    """The grown project's web process."""
    variables = {"DATABASE_URL": grown.database_url, "DJANGO_SUPERUSER_PASSWORD": PASSWORD}
    grown.run(MAKE_AN_ACCOUNT[grown.project.variant.framework], **variables)
    with running(grown.project, DATABASE_URL=grown.database_url, SECRET_KEY=SECRET_KEY) as dyno:
        yield dyno
        assert not [line for line in dyno.log if "Traceback" in line]


@pytest.fixture
def seller(shop: Dyno) -> Visitor:
    """Somebody who has logged in."""
    visitor = Visitor(shop)
    assert visitor.submit("/accounts/login/", username=ADDRESS, password=PASSWORD).status_code == 302
    return visitor


@pytest.fixture
def category(grown: Grown) -> str:
    with psycopg.connect(grown.database_url) as connection:
        row = connection.execute("SELECT id FROM shop_category WHERE name = 'Tea'").fetchone()
    assert row
    return str(row[0])


def upload(seller: Visitor, path: str, content: bytes) -> requests.Response:
    path, hidden = seller.open_form(path)
    return seller.request("POST", path, hidden, files={"file": ("list.csv", content)})


def test_finds_nothing_wrong_with_what_its_owner_added(grown: Grown) -> None:
    grown.run("ruff check --no-cache")
    grown.run("ruff format --check --no-cache")
    grown.run("mypy --cache-dir /dev/null .")
    assert grown.complaints() == []


@pytest.mark.parametrize("server", ["sqlite", "postgresql"])
def test_runs_its_owners_tests(server: str, grown: Grown, new_database: Callable[[], str]) -> None:
    variables = {"DATABASE_URL": new_database()} if server == "postgresql" else {}
    grown.run("python -m pytest shop tests/test_notes.py", **variables)


def test_serves_what_its_owner_added(shop: Dyno, seller: Visitor, category: str) -> None:
    names = [f"Tea {number:02}" for number in range(12)]
    wrong = seller.submit("/shop/new/", name="Mate", category=category, price="much")
    assert wrong.status_code == 200
    assert 'aria-invalid="true"' in wrong.text
    assert 'value="Mate"' in wrong.text
    # More than any other page takes.
    spaces = b" " * 2_000_000
    assert upload(seller, "/shop/new/", spaces).status_code == 413
    rows = "".join(f"{name},Tea,1.50\n" for name in names).encode()
    assert upload(seller, "/shop/import/", rows.replace(b"1.50", b"1.50" + b" " * 100_000)).status_code == 302
    visitor = Visitor(shop)
    first, second = visitor.get("/shop/").text, visitor.get("/shop/?page=2").text
    assert [name for name in names if name in first] == names[:10]
    assert [name for name in names if name in second] == names[10:]
    assert "/shop/?page=2" in first
    data = visitor.get("/shop/data/")
    assert data.headers["Content-Type"] == "application/json"
    assert [product["name"] for product in data.json()["products"]][:12] == names


def test_sends_each_event_of_a_stream_as_it_happens(shop: Dyno, seller: Visitor, category: str) -> None:
    with shop.get("/shop/news/", stream=True) as response:
        events = (json.loads(line[6:]) for line in response.iter_lines() if line.startswith(b"data: "))
        for name in "White", "Yellow":
            assert seller.submit("/shop/new/", name=name, category=category, price="3").status_code == 302
            assert name in (event["name"] for event in events)


def test_answers_a_script_that_has_a_token_in_a_header(seller: Visitor, category: str) -> None:
    """As htmx sends it, where a page has put it into ``hx-headers``."""
    assert seller.submit("/shop/new/", name="Zest", category=category, price="3").status_code == 302
    _, hidden = seller.open_form("/shop/new/")
    header = {"HX-Request": "true", "X-CSRFToken": next(iter(hidden.values()))}
    assert seller.request("POST", "/shop/Zest/gone/").status_code == 403
    answer = seller.request("POST", "/shop/Zest/gone/", headers=header)
    assert (answer.status_code, answer.text) == (200, "<li>Gone</li>")
    assert seller.request("POST", "/shop/Zest/gone/", headers=header).status_code == 404
