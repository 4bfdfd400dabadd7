"""What every form has: protection against requests from other sites, and inputs that a screen reader understands."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import request
from flask_wtf import CSRFProtect, FlaskForm
from werkzeug.datastructures import CombinedMultiDict, MultiDict
from wtforms import Field, FileField

# For every POST of the application, whether or not it has a form class.
csrf = CSRFProtect()


class Form(FlaskForm):
    """Flask-WTF's form, with types for whoever checks them."""

    class Meta(FlaskForm.Meta):
        csrf = False  # the application's own is enough

        def wrap_formdata(self, form: Any, formdata: Any) -> Any:
            """The text that was sent, and the files where a field wants one: any other takes whatever it gets."""
            if formdata is None or hasattr(formdata, "getlist"):  # which the caller has given
                return formdata
            if not form.is_submitted():
                return None
            wanted = {name for name, field in form._fields.items() if isinstance(field, FileField)}
            files = MultiDict((name, file) for name, file in request.files.items(multi=True) if name in wanted)
            return CombinedMultiDict([files, request.form])

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)  # type: ignore[no-untyped-call]

    def validate_on_submit(self, extra_validators: Any = None) -> bool:
        return bool(super().validate_on_submit(extra_validators))  # type: ignore[no-untyped-call]

    def validate(self, extra_validators: Mapping[str, Sequence[Any]] | None = None) -> bool:
        if super().validate(extra_validators) and (reason := self.problem()):
            self.form_errors.append(reason)
        return not self.errors

    def problem(self) -> str | None:
        """What is wrong with the form as a whole, asked for when each field is right."""
        return None


def aria(field: Field) -> dict[str, str]:
    """The attributes that tie an input to its help and its errors."""
    described = [f"{field.id}_helptext"] if field.description else []
    if field.errors:
        return {"aria-invalid": "true", "aria-describedby": " ".join([*described, f"{field.id}_error"])}
    return {"aria-describedby": described[0]} if described else {}
