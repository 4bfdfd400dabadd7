"""What a generated project keeps: SQLite is as strict as PostgreSQL, and a migration is taken whole or not at all."""

import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from textwrap import dedent, indent

import pytest

from tests.conftest import thorough
from tests.dyno import PATIENCE
from tests.projects import THOROUGH, Project

flask = pytest.mark.parametrize("project", [it for it in THOROUGH if it.framework == "flask"], indirect=True, ids=str)
SQLITE = "sqlite:///data.sqlite3"
# What belongs to a person, with what an application's own tables begin to have: a default, a rule, an owner.
MODELS = {
    "django": '''"""What people order."""

from django.conf import settings
from django.db import models


class Order(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    state = models.CharField(max_length=5, default="open", null=True)
    count = models.IntegerField(default=0)

    class Meta:
        constraints = (models.CheckConstraint(condition=models.Q(state__in=("open", "paid")), name="order_state"),)

    def __str__(self) -> str:
        return str(self.state)
''',
    "flask": '''"""What people order."""

from sqlalchemy import CheckConstraint, ForeignKey, String, text
from sqlalchemy.orm import Mapped, mapped_column

from config.database import Base


class Order(Base):
    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    state: Mapped[str | None] = mapped_column(String(5), server_default=text("'open'"))
    count: Mapped[int] = mapped_column(default=0)

    __table_args__ = (CheckConstraint("state IN ('open', 'paid')", name="state"),)
''',
}
# The same functions in both, for the scripts below.
TOOLS = {
    "django": """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
import django
django.setup()
from contextlib import nullcontext
from django.db import IntegrityError, transaction
from django.db.models.functions import Upper
from accounts.models import User
from shop.models import Order
inside, read = nullcontext, Order.objects.iterator
def person(address):
    return User.objects.create_user(address, "a fine old horse").pk
def order(user):
    Order.objects.create(user_id=user, state="paid")
def leave(user):
    User.objects.get(pk=user).delete()
def orders():
    return [(it.user_id, it.state) for it in Order.objects.all()]
def shout():
    User.objects.update(email=Upper("email"))
def add_one():
    with transaction.atomic():
        it = Order.objects.get()
        it.count += 1
        it.save()
def count():
    return Order.objects.get().count
""",
    "flask": """
import sys
from config.wsgi import application
from config.database import db
from accounts.models import User
from shop.models import Order
from sqlalchemy.exc import IntegrityError
inside = application.app_context
def read():
    return db.session.scalars(db.select(Order).execution_options(yield_per=1))
def add(it):
    db.session.add(it)
    db.session.commit()
    return it
def person(address):
    return add(User(email=address, password="x")).id
def order(user):
    add(Order(user_id=user, state="paid"))
def leave(user):
    db.session.delete(db.session.get_one(User, user))
    db.session.commit()
def orders():
    db.session.rollback()
    return [(it.user_id, it.state) for it in db.session.scalars(db.select(Order))]
def shout():
    db.session.execute(db.update(User).values(email=db.func.upper(User.email)))
    db.session.commit()
def add_one():
    it = db.session.scalars(db.select(Order)).one()
    it.count = Order.count + 1
    db.session.commit()
def count():
    return db.session.scalars(db.select(Order)).one().count
""",
}


class Shop:
    """A copy of a project with an application of its owner's, which has a table."""

    def __init__(self, project: Project, folder: Path) -> None:
        self.project, self.path = project, folder
        self.framework = project.variant.framework
        self.models = folder / "shop" / "models.py"

    def open(self) -> None:
        folder = self.path
        kept_out = shutil.ignore_patterns("staticfiles", "__pycache__")
        shutil.copytree(self.project.path, folder, ignore=kept_out)
        (folder / "shop").mkdir()
        (folder / "shop" / "__init__.py").touch()
        self.models.write_text(MODELS[self.framework])
        if self.framework == "django":
            self.change("config/settings.py", '    "pages",\n', '    "pages",\n    "shop",\n')
        else:
            line = "from runtime.middleware import Middleware\n"
            self.change("config/app.py", line, f"{line}from shop.models import Order\n")
            known = '    app.shell_context_processor(lambda: {"Order": Order})\n'
            self.change("config/app.py", "    return app\n", f"{known}    return app\n")
        self.migrate()

    def change(self, name: str, old: str, new: str) -> None:
        text = (self.path / name).read_text()
        assert text.count(old) == 1, (name, old)
        (self.path / name).write_text(text.replace(old, new))

    def run(self, command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return self.project.run(command, tools=True, folder=self.path, **{"DATABASE_URL": SQLITE} | variables)

    def does(self, command: str, **variables: str) -> str:
        result = self.run(command, **variables)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def release(self, **variables: str) -> subprocess.CompletedProcess[str]:
        return self.run(self.project.processes["release"], **variables)

    def migrate(self, **variables: str) -> None:
        """Write a migration for what has changed, and take it."""
        assert self.release(**variables).returncode == 0
        self.does("python manage.py makemigrations shop" if self.framework == "django" else "flask db revision x")
        result = self.release(**variables)
        assert result.returncode == 0, result.stderr

    def script(self, code: str) -> Path:
        """A script of these lines, in which the functions of TOOLS are known."""
        script = self.path / f"script_{len([*self.path.glob('script_*.py')])}.py"
        script.write_text(f"{TOOLS[self.framework]}\nwith inside():\n{indent(dedent(code), '    ')}")
        return script

    def python(self, code: str, **variables: str) -> str:
        """What these lines print."""
        return self.does(f"python {self.script(code)}", **variables)


@pytest.fixture(scope="module")
def opened(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a project with a shop, on a file of SQLite."""
    shop = Shop(project, tmp_path_factory.mktemp("opened") / "shop")
    shop.open()
    return shop.path


@pytest.fixture
def shop(project: Project, opened: Path, tmp_path: Path) -> Shop:
    """A copy of it."""
    return Shop(project, shutil.copytree(opened, tmp_path / "shop"))


@thorough
def test_gives_nobody_what_was_somebody_elses(shop: Shop) -> None:
    shop.python("""
        ann = person("ann@example.com")
        order(ann)
        leave(ann)
        eve = person("eve@example.com")
        assert ann != eve
        assert orders() == []
    """)


@thorough
def test_takes_no_row_that_refers_to_none(shop: Shop) -> None:
    shop.python("""
        try:
            order(77)
        except IntegrityError:
            pass
        else:
            raise AssertionError(orders())
    """)


@thorough
def test_passes_its_own_checks_with_a_generated_migration(shop: Shop) -> None:
    shop.does("ruff check")
    shop.does("ruff format --check")
    shop.does("mypy --cache-dir /dev/null .")


def alter(shop: Shop) -> None:
    """Change both tables in ways for which SQLite has no statement: they are made anew."""
    if shop.framework == "django":
        shop.change("shop/models.py", ", null=True", "")
        shop.change(
            "shop/models.py",
            "    count = ",
            '    next = models.ForeignKey("self", models.CASCADE, null=True)\n    count = ',
        )
        shop.change(
            "accounts/models.py", '"e-mail address", unique=True', '"e-mail address", unique=True, max_length=200'
        )
        shop.does("python manage.py makemigrations accounts")
    else:
        shop.change("shop/models.py", "Mapped[str | None]", "Mapped[str]")
        next_order = '    next_id: Mapped[int | None] = mapped_column(ForeignKey("orders.id"))\n'
        shop.change("shop/models.py", "    count: ", f"{next_order}    count: ")
        shop.change("accounts/models.py", "String(254)", "String(200)")


@thorough
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_keeps_everything_when_a_table_is_altered(
    database: str, project: Project, shop: Shop, new_database: Callable[[], str]
) -> None:
    variables = {"DATABASE_URL": SQLITE if database == "sqlite" else new_database()}
    shop.release(**variables).check_returncode()
    shop.python('order(person("ann@example.com"))', **variables)
    alter(shop)
    shop.migrate(**variables)
    shop.python(
        """
        [(ann, state)] = orders()
        assert state == "paid"
        eve = person("eve@example.com")
        leave(eve)
        assert person("zoe@example.com") not in {ann, eve}
        try:
            shout()
        except IntegrityError:
            pass
        else:
            raise AssertionError("a rule is gone")
    """,
        **variables,
    )


@flask
def test_remembers_who_has_left_when_their_table_is_altered(shop: Shop) -> None:
    """What Django forgets."""
    shop.python("person('ann@example.com')\nleave(person('eve@example.com'))")
    alter(shop)
    shop.migrate()
    assert shop.python("print(person('zoe@example.com'))") == "3\n"


def tables(file: Path) -> set[str]:
    with closing(sqlite3.connect(file)) as connection:
        return {sql for (sql,) in connection.execute("SELECT sql FROM sqlite_master")}


@thorough
def test_leaves_nothing_of_a_migration_that_fails(project: Project, failing_migration: str) -> None:
    file = project.home / "data.sqlite3"
    migration = next(path for path in project.path.rglob("0002_failing.py"))
    text = migration.read_text()
    migration.unlink()
    release = project.processes["release"]
    project.run(release, DATABASE_URL=f"sqlite:///{file}").check_returncode()
    before = tables(file)
    migration.write_text(text)
    for _ in range(2):
        result = project.run(release, DATABASE_URL=f"sqlite:///{file}")
        assert result.returncode == 1
        assert result.stderr.startswith("release: the migrations failed: no such table: no_such_table")
        assert tables(file) == before
    migration.write_text(text.replace("INSERT INTO no_such_table VALUES (1)", "SELECT 1"))
    project.run(release, DATABASE_URL=f"sqlite:///{file}").check_returncode()
    assert any(failing_migration in table for table in tables(file) - before)


@thorough
def test_takes_no_migration_that_leaves_a_row_which_refers_to_none(shop: Shop) -> None:
    shop.python("order(person('ann@example.com'))")
    before = tables(shop.path / "data.sqlite3")
    statement = "DELETE FROM accounts_user" if shop.framework == "django" else "DELETE FROM users"
    if shop.framework == "django":
        shop.does("python manage.py makemigrations shop --empty --name deleting")
        migration = next(shop.path.rglob("0002_deleting.py"))
        text = migration.read_text().replace("operations = [", f"operations = [migrations.RunSQL({statement!r}),")
    else:
        shop.does("flask db revision --empty deleting")
        migration = max(shop.path.glob("migrations/*_deleting.py"))
        text = migration.read_text().replace("    pass", f"    op.execute({statement!r})", 1)
    migration.write_text(text)
    assert shop.release().returncode == 1
    assert tables(shop.path / "data.sqlite3") == before
    assert shop.python("print(len(orders()))") == "1\n"


@thorough
def test_writes_while_somebody_reads(shop: Shop) -> None:
    shop.python("""
        ann = person("ann@example.com")
        for _ in range(500):
            order(ann)
    """)
    writing = shop.script("order(orders()[0][0])")
    shop.python(f"""
        import subprocess
        rows = iter(read())
        next(rows)
        subprocess.run([sys.executable, {str(writing)!r}], check=True)
        assert len([*rows]) == 499
    """)
    assert shop.python("print(len(orders()))") == "501\n"


@thorough
def test_lets_many_processes_write_at_once(shop: Shop) -> None:
    """Each reads before it writes, in one transaction, as a view does."""
    shop.python("order(person('ann@example.com'))")
    script = shop.script("for _ in range(100): add_one()")
    environment = shop.project.environment({"DATABASE_URL": SQLITE}, tools=True)
    processes = [
        subprocess.Popen(["python", script], cwd=shop.path, env=environment, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    for process in processes:
        _, errors = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, errors
    assert shop.python("print(count())") == "400\n"


QUERY = "from accounts.models import User; print(User.objects.count())"
WITHOUT = {
    "django": [
        "python manage.py migrate",
        "python manage.py createsuperuser --noinput --email you@example.com",
        "python manage.py dbshell",
        f"python manage.py shell -c '{QUERY}'",
    ],
    "flask": ["flask db upgrade", "flask db revision x", "flask accounts list"],
}


@pytest.mark.parametrize(
    ("project", "command"),
    [(variant, command) for variant in THOROUGH for command in WITHOUT[variant.framework]],
    indirect=["project"],
    ids=str,
)
def test_ends_a_command_without_a_database_in_one_line(project: Project, command: str) -> None:
    result = project.run(command)
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1, result.stderr
    for cure in "No database is attached.", "`make .env`", "heroku addons:create heroku-postgresql":
        assert cure in result.stderr
