"""What only Flask has."""

from config import mail
from config.migrations import alembic
from config.wsgi import application


def test_models_and_migrations_agree() -> None:
    with application.app_context():
        assert alembic.compare_metadata() == []


def test_mail_goes_to_the_log(log: list[str]) -> None:
    mail.send("you@example.com", "Hello", "Two\nlines")
    assert log[0].splitlines()[0].endswith('msg="Mail to you@example.com: Hello"')
    assert log[0].splitlines()[1:] == ["| Two", "| lines"]
