"""Somebody's application on top of a generated Flask project, with pages that misbehave."""

import hashlib
import os
from typing import NoReturn

from config.database import db
from config.wsgi import application
from flask import Response, jsonify
from sqlalchemy import text

print(f"probe imported by {os.getpid()}", flush=True)


@application.get("/broken")
def broken() -> NoReturn:
    raise RuntimeError("a bug\nwith two lines")


@application.get("/data")
def data() -> str:
    return str(db.session.execute(text("SELECT 42")).scalar_one())


@application.get("/process")
def process() -> Response:
    return jsonify(pid=os.getpid(), key=hashlib.sha256(application.config["SECRET_KEY"].encode()).hexdigest())
