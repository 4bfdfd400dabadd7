"""The pages of one's own files."""

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from itsdangerous import BadData, URLSafeTimedSerializer
from sqlalchemy.exc import IntegrityError
from werkzeug.wrappers import Response

from accounts.models import User
from accounts.sessions import login_required
from accounts.views import keep_no_copy, need_a_database
from config.database import db
from files import rules
from files.models import File
from runtime import kinds, storage, store
from runtime.bodies import takes_files
from runtime.framework import setting

files = Blueprint("files", __name__, url_prefix="/files", template_folder="templates")
files.before_request(need_a_database)
files.after_request(keep_no_copy)

type Page = str | tuple[str, int] | Response

# No row has a larger number, and the database would refuse to look for one.
NUMBER = f"<int(max={2**31 - 1}):number>"


def promises() -> URLSafeTimedSerializer:
    """Signs what a file was promised to be, which its sender brings back."""
    return URLSafeTimedSerializer(setting("SECRET_KEY"), salt="files.large")


def of(user: User) -> list[File]:
    query = db.select(File).filter_by(owner_id=user.id).order_by(File.created.desc(), File.id.desc())
    return list(db.session.scalars(query))


def one_of(user: User, number: int) -> File:
    file: File = db.first_or_404(db.select(File).filter_by(id=number, owner_id=user.id))
    return file


def add(user: User, name: str, title: str, media_type: str, size: int) -> None:
    db.session.add(File(owner_id=user.id, name=name, title=title, media_type=media_type, size=size))
    db.session.commit()


# Checked before the form is read: a little more than the file itself.
@files.route("/", methods=["GET", "POST"])
@takes_files(megabytes=rules.MEGABYTES + 1)
@login_required
def index(user: User) -> Page:
    problem = None
    if request.method == "POST":
        sent = request.files.get("file")
        problem = rules.problem(sent.stream if sent else None, len(of(user)))
        if sent and not problem:
            size, kind = rules.size_of(sent.stream), kinds.of(sent.stream)
            add(user, storage.save(sent.stream, rules.FOLDER), rules.title(sent.filename), kind.media_type, size)
            flash(rules.SENT)
            return redirect(url_for("files.index"))
    where = storage.current()
    if isinstance(where, store.Nowhere):
        where.ask()
    direct = rules.LARGE_MEGABYTES and isinstance(where, store.Bucket)
    page = render_template("files/files.html", rules=rules, files=of(user), direct=direct, problem=problem)
    return page, problem.status if problem else 200


@files.get(f"/{NUMBER}/")
@login_required
def show(user: User, number: int) -> Page:
    return redirect(one_of(user, number).url)


@files.post(f"/{NUMBER}/remove/")
@login_required
def remove(user: User, number: int) -> Page:
    db.session.delete(one_of(user, number))
    db.session.commit()
    flash(rules.REMOVED)
    return redirect(url_for("files.index"))


@files.route("/large/", methods=["GET", "POST"])
@login_required
def large(user: User) -> Page:
    """A form that sends a file to the bucket, past us: of one kind, under one name, up to a size."""
    if not rules.LARGE_MEGABYTES or isinstance(storage.current(), store.Folder):
        return redirect(url_for("files.index"))
    if request.method == "GET":
        return render_template("files/large.html", rules=rules)
    chosen, typed = request.form.get("kind", ""), request.form.get("title", "").strip()
    problem = rules.TOO_MANY if len(of(user)) >= rules.MOST_FILES else rules.NO_TITLE
    if problem == rules.TOO_MANY or chosen not in rules.CHOICES or not typed:
        return render_template("files/large.html", rules=rules, problem=problem), problem.status
    kind, title = rules.CHOICES[chosen], rules.title(typed)
    name = store.new_name(rules.FOLDER, kind)
    promise = promises().dumps([user.id, name, kind.media_type, title])
    back = url_for("files.arrived", promise=promise, _external=True)
    upload = storage.current().form(name, kind, rules.LARGE_MEGABYTES * 1_000_000, back)
    if upload is None:
        abort(404)
    return render_template(
        "files/large.html",
        rules=rules,
        upload=upload,
        fields=[*upload.fields.items()],
        title=title,
        kind=chosen,
        media_type=kind.media_type,
    )


@files.get("/arrived/")
@login_required
def arrived(user: User) -> Page:
    """Where the bucket sends a browser back to: takes note of a file that is there and what it was promised to be."""
    flash(rules.SENT if record(user) else rules.NOT_ARRIVED)
    return redirect(url_for("files.index"))


def record(user: User) -> bool:
    try:
        promise = promises().loads(request.args.get("promise", ""), max_age=2 * store.SENDABLE)
    except BadData:
        return False
    owner, name, media_type, title = promise
    if owner != user.id:
        return False
    if any(file.name == name for file in of(user)):
        return True
    if len(of(user)) >= rules.MOST_FILES:  # there were fewer when it was promised
        storage.delete(name)
        return False
    size = storage.current().arrived(name, kinds.KINDS[media_type], rules.LARGE_MEGABYTES * 1_000_000)
    if size is None:
        return False
    try:
        add(user, name, title, media_type, size)
    except IntegrityError:  # two windows were told at once
        db.session.rollback()
    return True
