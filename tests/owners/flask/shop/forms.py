"""What those who sell fill in."""

from flask_wtf.file import FileField, FileRequired
from wtforms import DecimalField, SelectField, StringField
from wtforms.validators import InputRequired, Length

from pages.forms import Form


class ProductForm(Form):
    category = SelectField("Category", coerce=int)
    name = StringField("Name", [InputRequired(), Length(max=40)])
    price = DecimalField("Price", [InputRequired("Enter a number.")])


class ImportForm(Form):
    file = FileField("File", [FileRequired()])
