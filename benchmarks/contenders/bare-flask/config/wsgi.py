"""Flask and nothing around it: three views, WhiteNoise, and the packages that the project imports too."""

import argon2  # noqa: F401
import flask_caching  # noqa: F401
import flask_wtf  # noqa: F401
import limits.storage
import limits.strategies  # noqa: F401
import whitenoise.compress  # noqa: F401
import wtforms  # noqa: F401
from flask import Flask, Response, render_template
from sqlalchemy import text
from whitenoise import WhiteNoise

from config import settings
from config.database import db

application = Flask("pages")
application.config.from_object(settings)
db.init_app(application)
application.wsgi_app = WhiteNoise(application.wsgi_app, root=application.static_folder, prefix="static/")


@application.get("/")
def home() -> str:
    return render_template("home.html", site_name=settings.SITE_NAME)


@application.get("/healthz")
def trivial() -> Response:
    return Response("ok\n", mimetype="text/plain")


@application.get("/wait")
def wait() -> str:
    db.session.execute(text("SELECT pg_sleep(0.05)"))
    return "waited"
