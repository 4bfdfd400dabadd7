"""The account pages, seen from outside: on PostgreSQL, with several workers, and with real mail and cache servers."""

import copy
import http.client
import os
import re
import shutil
import signal
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlencode

import psycopg
import pytest

from tests import repository
from tests.conftest import thorough
from tests.dyno import PATIENCE, SECRET_KEY, Dyno, running
from tests.privileges import hand_over
from tests.projects import Project
from tests.services import cache_server, mail_server
from tests.visitor import REDIRECTS, Visitor

pytestmark = thorough

HOST = "my-project.herokuapp.com"
PASSWORD = "a fine old horse"


@pytest.fixture
def visitor(dyno: Dyno) -> Visitor:
    return Visitor(dyno)


def new_address() -> str:
    return f"{uuid.uuid4().hex}@example.com"


def sign_up(visitor: Visitor) -> str:
    """Make an account, and return its address."""
    address = new_address()
    assert visitor.submit("/accounts/signup/", email=address).status_code in REDIRECTS
    link = visitor.dyno.mailed_link(address, "Finish signing up")
    response = visitor.submit(link, new_password1=PASSWORD, new_password2=PASSWORD)
    assert response.status_code in REDIRECTS
    assert response.headers["Location"] == "/accounts/"
    return address


def test_takes_a_visitor_from_signing_up_to_leaving(visitor: Visitor) -> None:
    address = sign_up(visitor)
    # Each request may go to another worker.
    assert all(address in visitor.get("/accounts/").text for _ in range(10))
    assert visitor.submit("/accounts/", action="/accounts/logout/").status_code in REDIRECTS
    assert visitor.get("/accounts/").headers["Location"] == "/accounts/login/?next=/accounts/"
    visitor.submit("/accounts/reset/", email=address)
    fields = {"new_password1": "another fine horse", "new_password2": "another fine horse"}
    link = visitor.dyno.mailed_link(address, "Choose a new password")
    assert visitor.submit(link, **fields).headers["Location"] == "/accounts/login/"
    login = visitor.submit("/accounts/login/", username=address.upper(), password="another fine horse")
    assert login.headers["Location"] == "/accounts/"
    assert visitor.submit("/accounts/delete/", password="another fine horse").headers["Location"] == "/"
    assert visitor.get("/accounts/").status_code in REDIRECTS


def test_makes_one_account_of_one_link(visitor: Visitor) -> None:
    address = new_address()
    visitor.submit("/accounts/signup/", email=address)
    fields = {"new_password1": PASSWORD, "new_password2": PASSWORD}
    responses = visitor.submit_at_once(visitor.dyno.mailed_link(address, "Finish signing up"), 8, **fields)
    first, *others = sorted(response.status_code for response in responses)
    assert first in REDIRECTS
    assert others == [410] * 7


def test_makes_no_second_account_of_a_link(visitor: Visitor) -> None:
    address = new_address()
    visitor.submit("/accounts/signup/", email=address)
    link = visitor.dyno.mailed_link(address, "Finish signing up")
    visitor.submit(link, new_password1=PASSWORD, new_password2=PASSWORD)
    assert visitor.submit("/accounts/delete/", password=PASSWORD).headers["Location"] == "/"
    # Whichever worker is asked.
    assert [Visitor(visitor.dyno).get(link).status_code for _ in range(10)] == [410] * 10


def test_changes_the_password_once_by_one_link(visitor: Visitor) -> None:
    address = sign_up(visitor)
    visitor.submit("/accounts/reset/", email=address)
    link = visitor.dyno.mailed_link(address, "Choose a new password")
    fields = {"new_password1": "another fine horse", "new_password2": "another fine horse"}
    responses = visitor.submit_at_once(link, 12, **fields)
    first, *others = sorted(response.status_code for response in responses)
    assert first in REDIRECTS
    assert others == [410] * 11


def test_leaves_no_session_of_the_password_before(visitor: Visitor) -> None:
    address, old = sign_up(visitor), PASSWORD
    for new in (f"{number} fine horses" for number in range(5)):
        browsers = [Visitor(visitor.dyno) for _ in range(6)]
        forms = [browser.open_form("/accounts/login/") for browser in browsers]
        page, hidden = visitor.open_form("/accounts/password/")
        change = hidden | {"old_password": old, "new_password1": new, "new_password2": new}
        with ThreadPoolExecutor(len(browsers) + 1) as pool:
            logins = [
                pool.submit(browser.request, "POST", path, hidden | {"username": address, "password": old})
                for browser, (path, hidden) in zip(browsers, forms, strict=True)
            ]
            changed = pool.submit(visitor.request, "POST", page, change)
        assert changed.result().headers["Location"] == "/accounts/"
        assert {login.result().status_code for login in logins} <= {200, 429} | REDIRECTS
        assert {browser.get("/accounts/").status_code for browser in browsers} <= REDIRECTS
        assert visitor.get("/accounts/").status_code == 200
        old = new


def test_logs_no_token_of_a_link(visitor: Visitor) -> None:
    address = new_address()
    links = []
    for page, subject in ("signup", "Finish signing up"), ("reset", "Choose a new password"):
        visitor.submit(f"/accounts/{page}/", email=address)
        links.append(visitor.dyno.mailed_link(address, subject))
        visitor.submit(links[-1], new_password1=PASSWORD, new_password2=PASSWORD)
        visitor.get(links[-1])
    visitor.dyno.wait_for(r"gunicorn\.access method=GET path=/accounts/signup/finish/ ")
    visitor.dyno.wait_for(r"gunicorn\.access method=GET path=/accounts/reset/finish/ ")
    for link in links:
        token = link.rpartition("=")[2]
        # In the mail, which the log has in place of a mail server.
        assert [line.partition(" | ")[2] for line in visitor.dyno.log if token in line] == [f"https://localhost{link}"]


def test_keeps_passwords_as_argon2(visitor: Visitor, database_url: str) -> None:
    address = sign_up(visitor)
    with psycopg.connect(database_url) as connection:
        tables = "SELECT table_name FROM information_schema.columns WHERE column_name = 'password'"
        table = connection.execute(tables).fetchone()[0]
        stored = connection.execute(f"SELECT password FROM {table} WHERE email = %s", [address]).fetchone()[0]
    assert "argon2id" in stored
    assert "m=19456,t=2,p=1" in stored


def test_answers_alike_whether_or_not_an_address_has_an_account(visitor: Visitor) -> None:
    known = sign_up(visitor)
    stranger = Visitor(visitor.dyno)
    for path in "/accounts/signup/", "/accounts/reset/":
        answers = [stranger.submit(path, email=address) for address in (known, new_address())]
        assert answers[0].headers["Location"] == answers[1].headers["Location"]
        assert answers[0].status_code == answers[1].status_code


class Guesser:
    """Tries to log in to one account."""

    def __init__(self, dyno: Dyno) -> None:
        self.visitor = Visitor(dyno)
        self.data = self.visitor.open_form("/accounts/login/")[1] | {"username": new_address(), "password": "a guess"}

    def guess(self, times: int) -> list[int]:
        """The statuses of so many attempts at once."""
        with ThreadPoolExecutor(16) as pool:
            responses = pool.map(lambda _: self.visitor.request("POST", "/accounts/login/", self.data), range(times))
            return [response.status_code for response in responses]

    def allowed(self) -> int:
        """How many more attempts are allowed."""
        allowed = 0
        while True:
            # Every worker must say no before the account is known to be blocked.
            statuses = self.guess(16)
            allowed += statuses.count(200)
            assert allowed < 100
            if set(statuses) == {429}:
                return allowed


def test_counts_attempts_over_all_workers_in_redis(project: Project, database_url: str, tmp_path: Path) -> None:
    with cache_server(tmp_path) as url:
        variables = {"DATABASE_URL": database_url, "REDIS_URL": url, "SECRET_KEY": SECRET_KEY}
        with running(project, **variables) as dyno, running(project, **variables) as other:
            guesser = Guesser(dyno)
            assert guesser.allowed() == 10
            guesser.visitor.dyno = other
            assert guesser.allowed() == 0


def test_knows_a_used_link_on_every_dyno_with_redis(project: Project, database_url: str, tmp_path: Path) -> None:
    with cache_server(tmp_path) as url:
        variables = {"DATABASE_URL": database_url, "REDIS_URL": url, "SECRET_KEY": SECRET_KEY}
        with running(project, **variables) as dyno, running(project, **variables) as other:
            visitor, address = Visitor(dyno), new_address()
            visitor.submit("/accounts/signup/", email=address)
            link = dyno.mailed_link(address, "Finish signing up")
            visitor.submit(link, new_password1=PASSWORD, new_password2=PASSWORD)
            assert visitor.submit("/accounts/delete/", password=PASSWORD).headers["Location"] == "/"
            assert Visitor(other).get(link).status_code == 410


@pytest.mark.parametrize("preload", ["on", "off"])
def test_counts_attempts_over_all_workers_without_redis(preload: str, project: Project, database_url: str) -> None:
    with running(project, DATABASE_URL=database_url, WEB_CONCURRENCY="3", WEB_PRELOAD=preload) as dyno:
        assert Guesser(dyno).allowed() == 10


def test_remembers_attempts_when_its_workers_are_killed(project: Project, database_url: str) -> None:
    with running(project, DATABASE_URL=database_url) as dyno:
        guesser = Guesser(dyno)
        assert guesser.guess(6) == [200] * 6
        for line in dyno.wait_for("Booting worker with pid: ", times=2):
            os.kill(int(re.findall(r"pid: (\d+)", line)[0]), signal.SIGKILL)
        dyno.wait_for("Booting worker with pid: ", times=4)
        assert guesser.allowed() == 4


def test_counts_attempts_while_redis_is_down(project: Project, database_url: str, refusing_port: int) -> None:
    url = f"redis://127.0.0.1:{refusing_port}"
    with running(project, DATABASE_URL=database_url, REDIS_URL=url) as dyno:
        assert Guesser(dyno).allowed() == 10
        dyno.wait_for("level=warning logger=accounts.throttle .*Redis does not answer")
        assert dyno.stop() == 0


def test_knows_a_client_by_what_the_router_wrote(dyno: Dyno) -> None:
    """As the last entry of the last field, behind all that the client wrote, in however many fields."""
    guesser = Guesser(dyno)
    cookies = "; ".join(f"{name}={value}" for name, value in guesser.visitor.cookies.items())
    headers = {"Host": HOST, "Referer": f"https://{HOST}/", "X-Forwarded-Proto": "https", "Cookie": cookies}
    headers["Content-Type"] = "application/x-www-form-urlencoded"
    body = urlencode(guesser.data).encode()
    statuses = []
    for number in range(12):
        connection = http.client.HTTPConnection("127.0.0.1", dyno.port, timeout=PATIENCE)
        connection.putrequest("POST", "/accounts/login/", skip_host=True)
        for forwarded in f"198.51.100.{number}", f"198.51.100.{number}, 203.0.113.9":
            connection.putheader("X-Forwarded-For", forwarded)
        for name, value in (headers | {"Content-Length": str(len(body))}).items():
            connection.putheader(name, value)
        connection.endheaders(body)
        statuses.append(connection.getresponse().status)
        connection.close()
    assert statuses == [200] * 10 + [429] * 2
    dyno.wait_for(r"gunicorn\.access method=POST path=/accounts/login/ status=429 .* client=203\.0\.113\.9 ")


@pytest.mark.parametrize("scheme", ["smtp", "submission", "smtps"])
def test_sends_mail(scheme: str, project: Project, database_url: str, tmp_path: Path) -> None:
    address = new_address()
    with mail_server(scheme, tmp_path) as server:
        variables = {"EMAIL_URL": server.url, "EMAIL_FROM": "us@example.com", "SSL_CERT_FILE": str(server.authority)}
        with running(project, DATABASE_URL=database_url, **variables) as dyno:
            response = Visitor(dyno).submit("/accounts/signup/", email=address)
            assert response.headers["Location"] == "/accounts/sent/"
        (message,) = server.mailbox.messages
    assert (message["To"], message["From"]) == (address, "us@example.com")
    assert message["Date"]
    assert message["Message-ID"]
    text = message.get_payload(decode=True).decode()
    assert "https://localhost/accounts/signup/" in text


def test_does_not_hand_mail_to_a_server_that_nobody_vouches_for(
    project: Project, database_url: str, tmp_path: Path
) -> None:
    with mail_server("smtps", tmp_path) as server:
        with running(project, DATABASE_URL=database_url, EMAIL_URL=server.url) as dyno:
            assert Visitor(dyno).submit("/accounts/signup/", email=new_address()).status_code == 503
        assert server.mailbox.messages == []


def test_stays_calm_while_its_mail_server_is_down(project: Project, database_url: str, refusing_port: int) -> None:
    url = f"smtp://localhost:{refusing_port}"
    with running(project, DATABASE_URL=database_url, EMAIL_URL=url) as dyno:
        visitor = Visitor(dyno)
        for path in "/accounts/signup/", "/accounts/reset/":
            response = visitor.submit(path, email="typed@example.com")
            assert response.status_code == 503
            assert "The mail could not be sent just now." in response.text
            assert 'value="typed@example.com"' in response.text
        dyno.wait_for("level=error logger=accounts.views .*mail server.*ConnectionRefusedError", times=2)
        assert not [line for line in dyno.log if "Traceback" in line]
        assert visitor.get("/accounts/login/").status_code == 200


@pytest.mark.parametrize("path", ["", "login/", "signup/", "reset/", "password/", "delete/"])
def test_says_that_account_pages_need_a_database(path: str, bare_dyno: Dyno) -> None:
    visitor = Visitor(bare_dyno)
    response = visitor.get(f"/accounts/{path}")
    while response.status_code in REDIRECTS:
        response = visitor.get(response.headers["Location"])
    assert response.status_code == 503
    assert "Back soon" in response.text
    its_own = f"request_id={response.headers['X-Request-Id']} "
    bare_dyno.wait_for(f"{its_own}.*No database is attached.*heroku addons:create heroku-postgresql")
    # The cure alone, and no traceback around it.
    assert not [line for line in bare_dyno.log if its_own in line and "Traceback" in line]
    visitor.cookies["__Host-session"] = "left from better times"
    assert visitor.get("/").status_code == 200


def test_closes_sign_up_alone(visitor: Visitor, project: Project, database_url: str) -> None:
    address = new_address()
    visitor.submit("/accounts/signup/", email=address)
    mailed = visitor.dyno.mailed_link(address, "Finish signing up")
    with running(project, DATABASE_URL=database_url, SECRET_KEY=SECRET_KEY, SIGN_UP="off") as dyno:
        visitor = Visitor(dyno)
        for path in "/accounts/signup/", mailed:
            closed = visitor.get(path)
            assert closed.status_code == 403
            assert "Sign-up is closed" in closed.text
        assert "/accounts/signup/" not in visitor.get("/accounts/login/").text
        assert visitor.submit("/accounts/reset/", email=new_address()).headers["Location"] == "/accounts/sent/"


# Releases


def test_lets_two_releases_run_at_once(project: Project, new_database: Callable[[], str]) -> None:
    url = new_database()
    with ThreadPoolExecutor(4) as pool:
        releases = list(pool.map(lambda _: project.run(project.processes["release"], DATABASE_URL=url), range(4)))
    assert [release.returncode for release in releases] == [0] * 4, releases


def test_leaves_the_database_as_it_was_when_a_migration_fails(
    project: Project, failing_migration: str, new_database: Callable[[], str]
) -> None:
    url = new_database()
    result = project.run(project.processes["release"], DATABASE_URL=url)
    assert result.returncode == 1
    assert result.stderr.startswith("release: the migrations failed: ")
    assert "no_such_table" in result.stderr
    assert result.stderr.count("\n") == 1
    with psycopg.connect(url) as connection:
        tables = "SELECT count(*) FROM information_schema.tables WHERE table_name = %s"
        assert connection.execute(tables, [failing_migration]).fetchone() == (0,)


# Doing without


@pytest.fixture
def used(project: Project, tmp_path: Path) -> Project:
    """A copy of the project that has run on a developer's machine, where somebody has an account."""
    used = copy.copy(project)
    used.path = shutil.copytree(project.path, tmp_path / "used")
    complete(used, project.processes["release"])
    complete(used, MAKE_AN_ACCOUNT[project.variant.framework])
    return used


MAKE_AN_ACCOUNT = {
    "django": "python manage.py createsuperuser --noinput --email kept@example.com",
    "flask": f"flask accounts create kept@example.com --password '{PASSWORD}'",
}


def complete(project: Project, command: str) -> str:
    """What a command prints that a developer runs in the project."""
    variables = {"DEBUG": "on", "DJANGO_SUPERUSER_PASSWORD": PASSWORD}
    result = project.run(command, tools=True, folder=project.path, **variables)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def delete_lines(pattern: str, *paths: Path) -> None:
    for path in paths:
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(line for line in lines if not re.search(pattern, line)))


def stays_whole(project: Project, statuses: dict[str, int]) -> None:
    """Whether what is left of a project passes everything and serves."""
    complete(project, "ruff check --fix --no-cache")
    complete(project, "ruff format --check --no-cache")
    repository.commit(project.path)
    for command in "mypy --cache-dir /dev/null .", "python -m pytest", "python -m runtime.doctor":
        result = project.run(command, tools=True, folder=project.path)
        assert result.returncode == 0, result.stdout + result.stderr
    complete(project, project.processes["release"])
    hand_over(project.path)
    with running(project, DATABASE_URL="sqlite:///db.sqlite3") as dyno:
        assert {path: dyno.get(path).status_code for path in statuses} == statuses
        assert "accounts" not in dyno.get("/").text


def test_needs_no_accounts(used: Project) -> None:
    """As its GUIDE.md says: without the files and the lines that name them, and without what they have stored."""
    folder = used.path
    for path in [*folder.glob("*accounts*"), *folder.glob("*/*accounts*"), *folder.glob("db.sqlite3*")]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    delete_lines("accounts", folder / "conftest.py", *folder.glob("config/*.py"), *folder.glob("pages/**/*.html"))
    admin = {"/admin/login/": 200} if used.variant.framework == "django" else {}
    stays_whole(used, {"/": 200, "/readyz": 200, "/accounts/login/": 404} | admin)
    if admin:
        complete(used, f"{MAKE_AN_ACCOUNT['django']} --username kept")


def test_needs_no_account_pages(used: Project) -> None:
    """As its GUIDE.md says: without the lines that lead there, while the users stay."""
    (used.path / "tests" / "test_accounts.py").unlink()
    lines = r"accounts/|accounts\.views|\(accounts\)"
    delete_lines(lines, *used.path.glob("config/*.py"), *used.path.glob("pages/**/*.html"))
    admin = {"/admin/login/": 200} if used.variant.framework == "django" else {}
    stays_whole(used, {"/": 200, "/readyz": 200, "/accounts/login/": 404} | admin)
    with pytest.raises(AssertionError, match="already"):
        complete(used, MAKE_AN_ACCOUNT[used.variant.framework])
