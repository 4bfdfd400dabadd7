"""What only Flask has."""

from email.message import EmailMessage

from config import mail
from config.migrations import alembic
from config.wsgi import application


def test_models_and_migrations_agree() -> None:
    with application.app_context():
        assert alembic.compare_metadata() == []


def test_mail_goes_to_the_log(log: list[str]) -> None:
    message = EmailMessage()
    message["To"], message["Subject"] = "you@example.com", "Hello"
    message.set_content("Two\nlines")
    mail.send(message)
    assert r'msg="Mail to you@example.com: Hello\nTwo\nlines\n"' in log[0]
