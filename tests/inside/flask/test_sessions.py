"""Sessions, where only Flask's could outlive a password."""

import uuid

import pytest

from accounts import passwords, views
from accounts.forms import NewPasswordForm
from accounts.models import User
from config.database import db
from tests.accounts import PASSWORD, Person
from tests.visitor import REDIRECTS, Visitor


def test_a_change_of_password_opens_a_session_for_no_other_change(
    web: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, new = Person(f"{uuid.uuid4().hex}@example.com"), "another fine horse"
    web.submit("/accounts/login/", username=person.address, password=PASSWORD)
    replace_password = views.replace_password

    def another_meanwhile(user: User, form: NewPasswordForm) -> str | None:
        stored = replace_password(user, form)
        user.password = passwords.hasher.hash("a third fine horse")
        db.session.commit()
        return stored

    monkeypatch.setattr(views, "replace_password", another_meanwhile)
    changed = web.submit("/accounts/password/", old_password=PASSWORD, new_password1=new, new_password2=new)
    assert changed.location == "/accounts/"
    assert web.get("/accounts/").status_code in REDIRECTS
