"""Somebody's application on top of a generated Flask project, with a page that leaves work to a worker."""

from chores.tasks import record
from flask import request

from config.database import db
from config.wsgi import application


@application.get("/defer")
def defer() -> str:
    record.defer(number=int(request.args["number"]))
    if "fail" in request.args:
        raise RuntimeError("rolled back")
    db.session.commit()
    return "deferred"
