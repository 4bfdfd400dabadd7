"""The shop: its pages, its data for others, and its news as they happen."""

import csv
import io
import json
import time
from collections.abc import Iterator

from flask import Blueprint, Response, flash, jsonify, redirect, render_template, request, stream_with_context, url_for
from sqlalchemy.exc import IntegrityError
from werkzeug.wrappers import Response as AnyResponse

from accounts.models import User
from accounts.sessions import login_required
from config.database import db
from runtime.bodies import takes_files
from shop.forms import ImportForm, ProductForm
from shop.models import Category, Product

shop = Blueprint("shop", __name__, url_prefix="/shop", template_folder="templates")


@shop.get("/")
def index() -> str:
    page = db.paginate(db.select(Product).order_by(Product.name), per_page=10)
    return render_template("shop/index.html", page=page, following=page.next_num)


@shop.route("/new/", methods=["GET", "POST"])
@login_required
def new(user: User) -> str | AnyResponse:
    form = ProductForm()
    form.category.choices = [(found.id, found.name) for found in db.session.scalars(db.select(Category))]
    if form.validate_on_submit():
        product = Product(category_id=form.category.data, name=form.name.data or "", price=form.price.data)
        db.session.add(product)
        try:
            db.session.commit()
        except IntegrityError:
            db.session.rollback()
            form.name.errors = ["A product of this name already exists."]
        else:
            flash(f"{product.name} is for sale.")
            return redirect(url_for("shop.index"))
    return render_template("shop/form.html", form=form, title="Sell")


@shop.route("/import/", methods=["GET", "POST"])
@takes_files(megabytes=5)
@login_required
def take_list(user: User) -> str | AnyResponse:
    """A list of products with their categories and prices, as a spreadsheet writes it."""
    form = ImportForm()
    if form.validate_on_submit():
        lines = io.TextIOWrapper(form.file.data, "utf-8", newline="")
        for name, category, price in csv.reader(lines):
            found = db.session.scalars(db.select(Category).filter_by(name=category)).one()
            db.session.add(Product(name=name, category=found, price=price))
        db.session.commit()
        return redirect(url_for("shop.index"))
    return render_template("shop/form.html", form=form, title="Import")


@shop.post("/<name>/gone/")
@login_required
def stop_selling(user: User, name: str) -> str:
    """Answers with what a script puts in the product's place."""
    db.session.delete(db.first_or_404(db.select(Product).filter_by(name=name)))
    db.session.commit()
    return "<li>Gone</li>" if "HX-Request" in request.headers else "Gone"


@shop.get("/data/")
def data() -> Response:
    products = db.session.scalars(db.select(Product).order_by(Product.name))
    return jsonify(products=[describe(product) for product in products])


def describe(product: Product) -> dict[str, object]:
    return {"name": product.name, "category": product.category.name, "price": str(product.price)}


@shop.get("/news/")
def news() -> Response:
    """Each product as soon as it is for sale, as server-sent events."""

    def events() -> Iterator[str]:
        last = 0
        while True:
            for product in db.session.scalars(db.select(Product).where(Product.id > last).order_by(Product.id)).all():
                last = product.id
                yield f"data: {json.dumps(describe(product))}\n\n"
            # Whoever waits keeps no transaction open.
            db.session.rollback()
            yield ": nothing new\n\n"
            time.sleep(0.2)

    return Response(stream_with_context(events()), content_type="text/event-stream")
