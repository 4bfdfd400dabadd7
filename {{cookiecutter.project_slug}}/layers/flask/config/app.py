"""The application, put together."""

from flask import Flask
from werkzeug.exceptions import HTTPException

from accounts.commands import commands as accounts_commands
from accounts.views import accounts
from config import bodies, settings, static
from config.cache import cache
from config.database import db, unattached
from config.forms import aria, csrf
from config.middleware import Middleware
from pages import views


def create_app() -> Flask:
    """A new application from the settings."""
    app = Flask("pages")
    app.config.from_object(settings)
    if settings.DATABASE_URL is None:
        app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"creator": unattached}
    db.init_app(app)
    cache.init_app(app)
    # Before whatever reads a body, which the protection of forms does.
    bodies.init_app(app)
    csrf.init_app(app)
    app.add_template_filter(aria)
    app.cli.add_command(accounts_commands)
    app.register_blueprint(accounts)
    app.register_blueprint(views.pages)
    app.register_error_handler(HTTPException, views.http_error)
    app.context_processor(lambda: {"site_name": settings.SITE_NAME})
    # Without hashed names a developer's change shows at once.
    if not settings.DEBUG:
        static.init_app(app)
    app.wsgi_app = Middleware(app.wsgi_app)  # type: ignore[method-assign]
    return app
