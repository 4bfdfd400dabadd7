"""The shop, tested as Flask's documentation does, and pytest-flask's."""

import io
from decimal import Decimal

import pytest
from flask import Flask, request
from flask.testing import FlaskClient

from config.app import create_app
from config.database import db
from shop import views
from shop.models import Category, Product
from tests.accounts import PASSWORD, Person
from tests.accounts_fixtures import log_in
from tests.visitor import Visitor


@pytest.fixture
def category(app: Flask) -> int:
    with app.app_context():
        db.session.add(category := Category(name="Tea"))
        db.session.commit()
        return category.id


@pytest.fixture
def seller(client: FlaskClient) -> FlaskClient:
    """The client, where somebody is logged in."""
    person = Person("seller@example.com")
    client.post("/accounts/login/", data={"username": person.address, "password": PASSWORD})
    return client


def test_shows_ten_a_page(app: Flask, category: int, client: FlaskClient) -> None:
    with app.app_context():
        db.session.add_all(Product(name=f"Tea {n:02}", category_id=category, price=Decimal("1.50")) for n in range(12))
        db.session.commit()
    first = client.get("/shop/").text
    assert "Tea 09 (Tea): 1.50" in first
    assert "/shop/?page=2" in first
    assert "Tea 10" not in first
    assert "Tea 11" in client.get("/shop/", query_string={"page": 2}).text


def test_asks_a_stranger_to_log_in(client: FlaskClient) -> None:
    with client:
        assert client.get("/shop/new/").location == "/accounts/login/?next=/shop/new/"
        assert request.path == "/shop/new/"


@pytest.mark.parametrize("price", ["1.00", "2.00"])
def test_sells_the_same_again_in_the_next_test(price: str, category: int, seller: FlaskClient, app: Flask) -> None:
    fields = {"name": "Mate", "category": category, "price": price}
    assert "Mate is for sale." in seller.post("/shop/new/", data=fields, follow_redirects=True).text
    assert "already exists" in seller.post("/shop/new/", data=fields).text
    with app.app_context():
        assert db.session.scalars(db.select(Product)).one().price == Decimal(price)


def test_takes_a_list(category: int, seller: FlaskClient) -> None:
    file = io.BytesIO(b"Mate,Tea,2.00\nSencha,Tea,3.00\n")
    assert seller.post("/shop/import/", data={"file": (file, "list.csv")}).location == "/shop/"
    assert [product["name"] for product in seller.get("/shop/data/").get_json()["products"]] == ["Mate", "Sencha"]


def test_an_exception_of_a_view_reaches_its_test(
    category: int, seller: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(product: Product) -> dict[str, object]:
        raise LookupError(product.name)

    seller.post("/shop/new/", data={"name": "Mate", "category": category, "price": "2"})
    monkeypatch.setattr(views, "describe", fail)
    with pytest.raises(LookupError, match="Mate"):
        seller.get("/shop/data/")


def test_the_pages_of_an_application_made_here_are_no_redirects() -> None:
    app = create_app({"TESTING": True})
    assert app.test_client().get("/shop/").status_code == 200
    assert app.test_client().post("/shop/Mate/gone/").status_code == 403


def test_a_visitor_sells_by_the_form(web: Visitor, category: int, application: Flask) -> None:
    application.config.update(TESTING=False, WTF_CSRF_ENABLED=True)
    log_in(web, Person("seller@example.com").address)
    assert "Enter a number." in web.submit("/shop/new/", name="Mate", category=str(category)).text
    assert web.submit("/shop/new/", name="Mate", category=str(category), price="1").location == "/shop/"
