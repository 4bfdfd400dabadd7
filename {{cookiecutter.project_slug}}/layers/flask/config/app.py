"""The application, put together."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from flask import Flask
from werkzeug.exceptions import HTTPException

from accounts.commands import commands as accounts_commands
from accounts.views import accounts
from config import settings
from config.cache import cache
from config.database import db

# {%- if cookiecutter.files|string|lower in cookiecutter._yes +%}
from files.commands import commands as files_commands
from files.views import files

# {%- endif +%}
from pages import errors, views
from pages.forms import aria, csrf
from runtime import assets, framework
from runtime.middleware import Middleware

# {%- if cookiecutter.files|string|lower in cookiecutter._yes +%}
from runtime.storage import init_app

# {%- endif +%}


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """A new application from the settings, in which ``config`` may change any."""
    app = Flask("pages")
    app.config.from_object(settings)
    app.config.from_mapping(config or {})
    framework.init_app(app)
    db.init_app(app)
    cache.init_app(app)
    csrf.init_app(app)
    app.add_template_filter(aria)
    app.cli.add_command(accounts_commands)
    app.register_blueprint(accounts)
    app.register_blueprint(views.pages)
    # {% if cookiecutter.files|string|lower in cookiecutter._yes %}
    app.cli.add_command(files_commands)
    app.register_blueprint(files)
    # {% endif %}
    app.register_error_handler(HTTPException, views.http_error)
    app.context_processor(lambda: {"site_name": app.config["SITE_NAME"]})
    assets.serve(app)
    needed = framework.services(app)
    # {% if cookiecutter.files|string|lower in cookiecutter._yes %}
    needed |= init_app(app)
    # {% endif %}
    # Around all that the application does, static files included.
    app.wsgi_app = Middleware(  # type: ignore[method-assign]
        app.wsgi_app,
        hosts=app.config["ALLOWED_HOSTS"],
        local_hosts=app.config["LOCAL_HOSTS"],
        canonical_host=app.config["CANONICAL_HOST"],
        services=needed,
        error=partial(errors.answer, api_paths=app.config["API_PATHS"]),
        csp=app.config["SECURE_CSP"],
        csp_report_only=app.config["SECURE_CSP_REPORT_ONLY"],
        https=app.config["HTTPS"],
        hsts_seconds=app.config["SECURE_HSTS_SECONDS"],
        debug=app.config["DEBUG"],
        # Read when something fails: tests set it on an application that is made already.
        testing=lambda: app.testing,
    )
    return app
