"""What the project's owner does with accounts: ``flask accounts --help`` lists the commands."""

import click
from flask.cli import AppGroup
from sqlalchemy.exc import IntegrityError

from accounts import passwords
from accounts.models import User
from config.database import db

commands = AppGroup("accounts", help="Manage accounts.")


def find(email: str) -> User:
    if user := User.find(email):
        return user
    raise click.ClickException(f"No account has the address {email}.")


@commands.command("list")
def list_accounts() -> None:
    """Print every account."""
    for user in db.session.scalars(db.select(User).order_by(User.email)):
        states = ["staff"] * user.is_staff + ["deactivated"] * (not user.is_active)
        last_login = f"{user.last_login:%Y-%m-%d}" if user.last_login else "never"
        click.echo(
            f"{user.email} joined={user.date_joined:%Y-%m-%d} last_login={last_login} {' '.join(states)}".rstrip()
        )


@commands.command("create")
@click.argument("email")
@click.option("--staff", is_flag=True, help="May do what only staff may.")
@click.password_option()
def create(email: str, staff: bool, password: str) -> None:
    """Make an account without a mail; asks for the password."""
    if problems := passwords.problems(password, email):
        raise click.ClickException(" ".join(problems))
    db.session.add(User(email=email, password=passwords.hasher.hash(password), is_staff=staff))
    try:
        db.session.commit()
    except IntegrityError as error:
        db.session.rollback()
        raise click.ClickException(f"There is an account with the address {email} already.") from error
    click.echo(f"{email} may log in.")


@commands.command("promote")
@click.argument("email")
def promote(email: str) -> None:
    """Make somebody staff."""
    find(email).is_staff = True
    db.session.commit()


@commands.command("demote")
@click.argument("email")
def demote(email: str) -> None:
    """Make somebody an ordinary user again."""
    find(email).is_staff = False
    db.session.commit()


@commands.command("deactivate")
@click.argument("email")
def deactivate(email: str) -> None:
    """Log somebody out, and do not let them in again."""
    user = find(email)
    user.is_active = False
    user.sessions.clear()
    db.session.commit()


@commands.command("activate")
@click.argument("email")
def activate(email: str) -> None:
    """Let somebody in again."""
    find(email).is_active = True
    db.session.commit()


@commands.command("delete")
@click.argument("email")
@click.confirmation_option(prompt="Delete the account and everything that belongs to it?")
def delete(email: str) -> None:
    """Delete an account."""
    db.session.delete(find(email))
    db.session.commit()
