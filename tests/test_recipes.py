"""A generated project keeps what a recipe of docs/recipes promises, once its owner has followed it to the letter."""

import base64
import contextlib
import copy
import hmac
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
import yaml
from markdown_it import MarkdownIt
from playwright.sync_api import Browser, Page, expect

from tests import repository
from tests.conftest import thorough
from tests.dyno import PATIENCE, SECRET_KEY, Dyno, running
from tests.privileges import publish
from tests.projects import ROOT, Project, registry_settings, uv
from tests.receiver import receiver
from tests.visitor import Visitor

pytestmark = thorough

# A busy machine may take long over a page; nothing is asserted about how soon it comes.
expect.set_options(timeout=PATIENCE * 1000)

RECIPES = ROOT / "docs" / "recipes"
ADDRESS, PASSWORD = "cook@example.com", "a fine old horse"
MAKE_AN_ACCOUNT = {
    "django": f"python manage.py createsuperuser --noinput --email {ADDRESS}",
    "flask": f"flask accounts create {ADDRESS} --password '{PASSWORD}'",
}
# What a block of a recipe is: a new file, or where in one it belongs.
PLACE = re.compile(
    r"The new file `(?P<new>[^`]+)`|At the end of `(?P<end>[^`]+)`"
    r"|In `(?P<file>[^`]+)`, (?P<how>above|below|in place of) `(?P<line>[^`]+)`"
)
# What is no command of this machine's.
CONFIG = "heroku config:set "
CATALOGUES = {
    "django": "locale/de/LC_MESSAGES/django.po",
    "flask": "pages/translations/de/LC_MESSAGES/messages.po",
}
DOCUMENTATION = {"django": "/api/docs", "flask": "/api/docs/swagger"}
# Whether a page has loaded nothing of other hosts.
OWN_ALONE = "performance.getEntriesByType('resource').every(one => one.name.startsWith(origin))"
# Whether a body is no JSON or lacks what is wanted, one library tells apart.
UNREADABLE = {"django": 400, "flask": 422}


def blocks(recipe: str, framework: str) -> Iterator[tuple[str, str, str]]:
    """The language, the paragraph above and the text of each block for a framework, in their order."""
    heading, paragraph, chapter = "", "", ""
    for token in MarkdownIt().parse((RECIPES / f"{recipe}.md").read_text()):
        match token.type:
            case "heading_open":
                heading = token.tag
            case "inline" if heading == "h2":
                chapter, heading = token.content, ""
            case "inline":
                paragraph, heading = token.content.replace("\n", " "), ""
            case "fence":
                if chapter.lower() in {"both", framework}:
                    yield token.info, paragraph, token.content
                paragraph = ""


def write(folder: Path, paragraph: str, text: str) -> None:
    """Do to a project's files what a paragraph says of the block below it."""
    place = PLACE.match(paragraph)
    assert place, f"nobody could tell where this belongs: {paragraph}\n{text}"
    file = folder / (place["new"] or place["end"] or place["file"])
    if place["new"]:
        assert not file.exists()
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return
    lines = file.read_text().splitlines(keepends=True)
    if place["end"]:
        at, until = len(lines), len(lines)
    else:
        (found,) = [number for number, line in enumerate(lines) if line.strip() == place["line"]]
        at, until = found + (place["how"] == "below"), found + (place["how"] != "above")
    file.write_text("".join([*lines[:at], text, *lines[until:]]))


@dataclass
class Kitchen:
    """Where recipes are followed, one after the other: each in a new copy of the project, all in one environment.

    ``variables`` are what the last one has set.
    """

    project: Project
    folder: Path
    new_database: Callable[[], str]
    variables: dict[str, str] = field(default_factory=dict)

    def follow(self, recipe: str) -> Project:
        """A project whose owner has done what a recipe says."""
        project = copy.copy(self.project)
        self.variables = {}
        project.path = self.folder / recipe / "my-project"
        shutil.copytree(self.project.path, project.path, ignore=shutil.ignore_patterns("staticfiles"))
        project.runtime, project.tools = self.folder / "runtime", self.folder / "tools"
        # As `make` leaves it once it has installed what is pinned.
        (project.path / ".venv").symlink_to(project.tools)
        self.install(project)
        for language, paragraph, text in blocks(recipe, project.variant.framework):
            if language != "sh" or PLACE.match(paragraph):
                write(project.path, paragraph, text)
                continue
            for command in text.splitlines():
                if command.startswith(CONFIG):
                    self.variables |= dict(one.split("=", 1) for one in command.removeprefix(CONFIG).split())
                else:
                    self.do(project, command)
        project.processes = yaml.safe_load((project.path / "Procfile").read_text())
        # The web process is booted by whoever looks at what it serves.
        for command in "make lint", "make test TESTS='--ignore tests/test_process.py'":
            self.do(project, command)
        return project

    @contextlib.contextmanager
    def serve(self, project: Project, **variables: str) -> Iterator[Dyno]:
        """Its web process, as a platform builds it, with a database and somebody's account; reached without TLS."""
        # What Git ignores is not pushed.
        repository.git(project.path, "init", "--quiet")
        repository.git(project.path, "clean", "-Xdfq")
        project.finish_build()
        publish(project.path)
        variables = self.variables | {"DATABASE_URL": self.new_database(), "SECRET_KEY": SECRET_KEY} | variables
        for command in project.processes["release"], MAKE_AN_ACCOUNT[project.variant.framework]:
            project.run(command, DJANGO_SUPERUSER_PASSWORD=PASSWORD, **variables).check_returncode()
        with running(project, HTTPS="off", **variables) as dyno:
            yield dyno
            assert not [line for line in dyno.log if "Traceback" in line]

    def do(self, project: Project, command: str) -> None:
        """Run a command of the shell's as a developer would, who can download packages."""
        variables = registry_settings() | {"HOME": str(project.home), "PATH": os.environ["PATH"]}
        variables |= {"MYPY_CACHE_DIR": str(self.folder / "mypy"), "TMPDIR": str(project.home)}
        result = subprocess.run(
            command,
            shell=True,
            cwd=project.path,
            env=variables,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert result.returncode == 0, f"{command}\n{result.stdout}{result.stderr}"
        if command == "make lock":
            self.install(project)

    def install(self, project: Project) -> None:
        """What the platform's build and the next `make` would do by pip, which takes longer."""
        for environment, lock in (project.runtime, "requirements.txt"), (project.tools, "requirements-test.txt"):
            if not environment.exists():
                uv("venv", "--python", self.project.runtime / "bin" / "python", environment)
            uv("pip", "sync", "--python", environment, "--require-hashes", project.path / lock)
            publish(environment)
        (project.tools / "ready").touch()


def log_in(page: Page, dyno: Dyno) -> None:
    """Log in by the project's own form, in a browser."""
    page.goto(f"http://127.0.0.1:{dyno.port}/accounts/login/")
    page.get_by_label("E-mail address").fill(ADDRESS)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your account")


def assert_problem(answer: requests.Response, status: int) -> str:
    """The detail of an error, which is told as all of the project's are."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json().keys() == {"type", "title", "status", "detail", "request_id"}
    assert answer.json()["request_id"] == answer.headers["X-Request-Id"]
    return answer.json()["detail"]


@pytest.fixture(scope="module")
def kitchen(project: Project, tmp_path_factory: pytest.TempPathFactory, new_database: Callable[[], str]) -> Kitchen:
    """Where this project's owner follows recipes."""
    return Kitchen(project, tmp_path_factory.mktemp("kitchen"), new_database)


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page of a browser, none of which has an error in its console."""
    complaints: list[str] = []
    with chromium.new_context() as context, context.new_page() as page:
        page.set_default_timeout(PATIENCE * 1000)
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page
    assert complaints == []


def test_answers_programs_by_its_api(kitchen: Kitchen, page: Page) -> None:
    project = kitchen.follow("json-api")
    with kitchen.serve(project) as dyno:
        visitor = Visitor(dyno)
        order = {"tea": "Sencha", "grams": 50}
        _, hidden = visitor.open_form("/accounts/login/")
        token = {"X-CSRFToken": next(iter(hidden.values()))}
        assert_problem(visitor.request("POST", "/api/orders", headers=token, json=order), 401)
        assert visitor.submit("/accounts/login/", username=ADDRESS, password=PASSWORD).status_code == 302
        assert_problem(visitor.request("POST", "/api/orders", json=order), 403)
        _, hidden = visitor.open_form("/accounts/")
        token = {"X-CSRFToken": next(iter(hidden.values()))}
        answer = visitor.request("POST", "/api/orders", headers=token, json=order)
        assert (answer.status_code, answer.json()) == (200, order)
        wrong = visitor.request("POST", "/api/orders", headers=token, json=order | {"grams": 0})
        assert "grams: Input should be greater than 0" in assert_problem(wrong, 422)
        assert_problem(
            visitor.request("POST", "/api/orders", data="{", headers=token), UNREADABLE[project.variant.framework]
        )
        assert_problem(visitor.request("GET", "/api/orders", headers=token), 405)
        assert_problem(visitor.request("GET", "/api/nothing", headers=token), 404)

        log_in(page, dyno)
        shown = page.goto(f"http://127.0.0.1:{dyno.port}{DOCUMENTATION[project.variant.framework]}")
        assert re.search("script-src 'self'[^;]*; style-src 'self'[^;]*;", shown.headers["content-security-policy"])
        page.get_by_text("/api/orders").click()
        page.get_by_role("button", name="Try it out").click()
        page.get_by_role("textbox").fill('{"tea": "Assam", "grams": 10}')
        page.get_by_role("button", name="Execute").click()
        expect(page.locator(".live-responses-table .response-col_status").last).to_have_text("200")
        assert page.evaluate(OWN_ALONE)


def test_swaps_a_fragment_by_htmx(kitchen: Kitchen, page: Page) -> None:
    if not shutil.which("npm") and "CI" not in os.environ:
        pytest.skip("There is no npm here, by which its owner would take htmx.")
    with kitchen.serve(kitchen.follow("htmx")) as dyno:
        assert dyno.request("POST", "/hello/", data={"name": "Ann"}).status_code == 403
        page.goto(f"http://127.0.0.1:{dyno.port}/")
        page.evaluate("window.same = true")
        page.get_by_label("Your name").fill("Ann <3")
        page.get_by_role("button", name="Say hello").click()
        expect(page.get_by_role("status")).to_have_text("Hello, Ann <3!")
        assert page.evaluate("window.same")
        assert page.evaluate(OWN_ALONE)


def test_has_a_stylesheet_of_tailwinds(kitchen: Kitchen, page: Page) -> None:
    with kitchen.serve(kitchen.follow("tailwind")) as dyno:
        (sheet,) = re.findall(r'<link rel="stylesheet" href="([^"]+)"', dyno.get("/").text)
        assert re.fullmatch(r"/static/tailwind\.[0-9a-f]{12}\.css", sheet)
        answer = dyno.get(sheet, headers={"Accept-Encoding": "br"})
        assert (answer.status_code, answer.headers["Content-Encoding"]) == (200, "br")
        assert "immutable" in answer.headers["Cache-Control"]
        page.goto(f"http://127.0.0.1:{dyno.port}/")
        expect(page.locator(".lead")).to_have_css("font-family", re.compile("monospace"))
        # Of the project's own.
        expect(page.locator(".cards")).to_have_css("display", "grid")


def test_sends_a_trace_of_every_request(kitchen: Kitchen) -> None:
    project = kitchen.follow("opentelemetry")
    paths = [f"/accounts/login/?number={number:02}" for number in range(20)]
    with receiver(project) as received:
        collector = f"http://127.0.0.1:{urlsplit(received.dsn).port}"

        def traced() -> list[str]:
            return [path.decode() for body in received.bodies() for path in re.findall(rb"/[/a-z]*\?number=..", body)]

        variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector, "OTEL_BSP_SCHEDULE_DELAY": "100"}
        with kitchen.serve(project, **variables) as dyno:
            assert Visitor(dyno).submit("/accounts/login/", username=ADDRESS, password=PASSWORD).status_code == 302
            unknown = ["/healthz", "/static/style.css", "/accounts/signup/finish/?token=secret"]
            for path in [*unknown, *paths]:
                dyno.get(path)
            with received.news:
                assert received.news.wait_for(lambda: len(traced()) >= len(paths), PATIENCE), traced()
            assert dyno.stop() == 0
        assert sorted(traced()) == paths
        everything = b"".join(received.bodies())
        assert {head.split()[1] for head, _, _ in received.sent} == {"/v1/traces"}
        assert b"my-project" in everything
        assert b"SELECT" in everything
        assert not [word for word in (b"healthz", b"style.css", b"secret", ADDRESS.encode()) if word in everything]


def test_speaks_a_second_language(kitchen: Kitchen) -> None:
    project = kitchen.follow("second-language")
    catalogue = project.path / CATALOGUES[project.variant.framework]
    if project.variant.framework == "django" and shutil.which("msgmerge"):
        # That needs GNU gettext.
        kitchen.do(project, ".venv/bin/python manage.py makemessages --locale de")
    if project.variant.framework == "flask" or shutil.which("msgmerge"):
        assert "#: pages/templates/home.html:" in catalogue.read_text()
    with kitchen.serve(project) as dyno:
        english, german = "Your new project is up and serving.", "Dein neues Projekt läuft."
        wanted = {
            "": ("en", english),
            "en-GB,de;q=0.5": ("en", english),
            "de-AT,en;q=0.5": ("de", german),
            "fr": ("en", english),
        }
        for accepted, (language, text) in wanted.items():
            answer = dyno.get("/", headers={"Accept-Language": accepted})
            assert re.search(r'<html lang="(..)', answer.text)[1] == language
            assert text in answer.text
            assert "Accept-Language" in answer.headers["Vary"]


def code_of(key: str, step: int) -> str:
    """What an authenticator app shows for a key in that half minute, as RFC 6238 has it."""
    digest = hmac.digest(base64.b32decode(key), step.to_bytes(8), "sha1")
    start = digest[-1] & 15
    return f"{(int.from_bytes(digest[start : start + 4]) & 0x7FFFFFFF) % 1_000_000:06}"


def test_asks_for_a_second_factor(kitchen: Kitchen, page: Page) -> None:
    with kitchen.serve(kitchen.follow("two-factors")) as dyno:
        log_in(page, dyno)
        page.get_by_role("link", name="Two factors").click()
        expect(page.locator("svg")).to_be_visible()
        key = page.locator("code").text_content() or ""
        step = int(time.time()) // 30
        page.get_by_label("Code").fill(code_of(key, step))
        page.get_by_role("button", name="Ask for a code from now on").click()
        expect(page.locator(".lead")).to_have_text("Each log-in asks for a code of your app.")
        assert key not in page.content()

        def log_in_with(**fields: str) -> int:
            answer = Visitor(dyno).submit("/accounts/login/", username=ADDRESS, password=PASSWORD, **fields)
            assert answer.status_code == 302 or "This is not the code" in answer.text
            return answer.status_code

        assert log_in_with() == 200
        # The one of the next half minute is good, too: an app's clock may be fast.
        code = code_of(key, max(step + 1, int(time.time()) // 30))
        assert log_in_with(code=code) == 302
        assert log_in_with(code=code) == 200
        assert log_in_with(code=code_of(key, step - 9)) == 200
