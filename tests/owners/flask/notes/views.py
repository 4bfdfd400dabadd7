"""The notes page."""

from flask import Blueprint, redirect, render_template
from werkzeug.wrappers import Response
from wtforms import StringField
from wtforms.validators import InputRequired

from accounts.models import User
from accounts.sessions import login_required
from config.database import db
from notes.models import Note
from pages.forms import Form

notes = Blueprint("notes", __name__, url_prefix="/notes", template_folder="templates")


class NoteForm(Form):
    text = StringField("Note", [InputRequired()])


@notes.route("/", methods=["GET", "POST"])
@login_required
def index(user: User) -> str | Response:
    form = NoteForm()
    if form.validate_on_submit():
        db.session.add(Note(user_id=user.id, text=form.text.data))
        db.session.commit()
        return redirect("/notes/")
    found = db.session.scalars(db.select(Note).filter_by(user_id=user.id))
    return render_template("notes/index.html", form=form, notes=found)
