"""Somebody's application on top of a generated Flask project, with pages that misbehave."""

import hashlib
import os
import time
from typing import NoReturn

import probe_worker
from flask import Response, jsonify, render_template, request
from sqlalchemy import text

from config.database import db
from config.wsgi import application
from pages.forms import csrf

leaked: list[bytes] = []
print(f"probe imported by {os.getpid()}\n", end="", flush=True)

# What everybody is told not to do.
if "PROBE_QUERIES" in os.environ:
    with application.app_context():
        backend = db.session.execute(text("SELECT pg_backend_pid()")).scalar_one()
        print(f"probe connected to backend {backend}\n", end="", flush=True)


@application.get("/broken")
def broken() -> NoReturn:
    raise RuntimeError("a bug\nwith two lines")


@application.post("/mistake")
@csrf.exempt
def mistake() -> NoReturn:
    password = request.form["password"]
    assert password
    raise RuntimeError(request.form["words"])


@application.get("/data")
def data() -> str:
    return str(db.session.execute(text("SELECT 42")).scalar_one())


@application.get("/row")
def row() -> str:
    return str(db.session.execute(text("SELECT CAST(:n AS text), pg_sleep(0.01)"), {"n": request.args["n"]}).first()[0])


@application.get("/setting")
def setting() -> str:
    return str(db.session.execute(text("SELECT current_setting(:name)"), {"name": request.args["name"]}).scalar_one())


@application.get("/sleep")
def sleep() -> str:
    print("probe sleeps\n", end="", flush=True)
    time.sleep(float(request.args["seconds"]))
    return "slept"


@application.get("/hold")
def hold() -> str:
    print("probe holds\n", end="", flush=True)
    while not os.path.exists(request.args["until"]):
        time.sleep(0.01)
    return "held"


@application.get("/leak")
def leak() -> str:
    leaked.append(bytes(range(256)) * 4096 * int(request.args["mb"]))
    return "leaked"


@application.get("/large")
def large() -> bytes:
    return bytes(12_000_000)


@application.get("/process")
def process() -> Response:
    return jsonify(pid=os.getpid(), key=hashlib.sha256(application.config["SECRET_KEY"].encode()).hexdigest())


@application.get("/scripts")
def scripts() -> str:
    return render_template("scripts.html")


@application.get("/worker")
def worker() -> Response:
    return jsonify(probe_worker.state())
