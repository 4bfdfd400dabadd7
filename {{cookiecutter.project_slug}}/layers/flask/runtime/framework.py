"""What ``make doctor`` asks of Flask; on a database in memory, since it is asked on any machine."""

import re

from click import Context, Group
from flask.cli import FlaskGroup, ScriptInfo

from config import settings
from config.doctor import ROOT, CheckError, templates

settings.DATABASE_URL = settings.SQLALCHEMY_DATABASE_URI = "sqlite://"
settings.SQLALCHEMY_ENGINE_OPTIONS = {}


def static_files() -> None:
    """Every file that a template names must exist, or the page looks broken."""
    for template in templates():
        for name in re.findall(r"url_for\([\"']static[\"'], filename=[\"']([^\"']+)", template.read_text("utf-8")):
            if not (ROOT / "pages" / "static" / name).exists():
                raise CheckError(f"{template.relative_to(ROOT)} names {name}, which is no static file.", "Correct it.")


def migrations() -> None:
    from config.migrations import alembic
    from config.wsgi import application

    with application.app_context():
        alembic.upgrade()
        if alembic.compare_metadata():
            raise CheckError("A model has changed since the last migration.", "flask db revision 'What has changed'")


def deployment() -> None:
    from config.wsgi import application

    for name in "SESSION_COOKIE_HTTPONLY", "SESSION_COOKIE_SAMESITE", "SESSION_COOKIE_SECURE":
        if not application.config[name]:
            raise CheckError(
                f"{name} is off: others could read or send the visitors' session.", "Set it in config/settings.py."
            )
    if "csrf" not in application.extensions:
        raise CheckError("Forms are not protected against other sites.", "csrf.init_app(app) in config/app.py.")


def unknown_command(program: str, arguments: list[str]) -> str | None:
    """The argument of flask that names no command, of the application's or of a group such as ``db``."""
    import config.migrations  # noqa: F401  It adds `flask db`.
    from config.wsgi import application

    group: Group = FlaskGroup()
    with Context(group, obj=ScriptInfo(create_app=lambda: application)) as context:
        for name in arguments:
            if name.startswith("-") or "$" in name:
                return None
            if not (command := group.get_command(context, name)):
                return name
            if not isinstance(command, Group):
                return None
            group = command
    return None
