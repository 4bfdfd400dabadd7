"""The shop, tested as Django's documentation does, and pytest-django's."""

from collections.abc import Iterator
from typing import cast

import pytest
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client, RequestFactory, TestCase
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from shop import views
from shop.models import Category, Product
from tests.accounts import PASSWORD, Person
from tests.accounts_fixtures import log_in
from tests.visitor import Visitor


class Pages(TestCase):
    user: User
    category: Category

    @classmethod
    def setUpTestData(cls) -> None:
        cls.user = User.objects.create_user("seller@example.com", PASSWORD)
        cls.category = Category.objects.create(name="Tea")
        for number in range(12):
            Product.objects.create(name=f"Tea {number:02}", category=cls.category, price="1.50")

    def test_shows_ten_a_page(self) -> None:
        first = self.client.get("/shop/")
        self.assertTemplateUsed(first, "shop/index.html")
        self.assertContains(first, "Tea 09 (Tea): 1.50")
        self.assertContains(first, "/shop/?page=2")
        self.assertNotContains(first, "Tea 10")
        self.assertContains(self.client.get("/shop/", {"page": 2}), "Tea 11")

    def test_asks_a_stranger_to_log_in(self) -> None:
        self.assertRedirects(self.client.get("/shop/new/"), "/accounts/login/?next=/shop/new/")

    def test_sells(self) -> None:
        self.assertTrue(self.client.login(username="seller@example.com", password=PASSWORD))
        fields = {"name": "Mate", "category": self.category.pk, "price": "2.00"}
        self.assertContains(self.client.post("/shop/new/", fields, follow=True), "Mate is for sale.")
        self.assertContains(self.client.post("/shop/new/", fields), "already exists")

    def test_takes_a_list_and_says_so_by_mail(self) -> None:
        self.client.force_login(self.user)
        file = SimpleUploadedFile("list.csv", b"Mate,Tea,2.00\nSencha,Tea,3.00\n")
        self.assertRedirects(self.client.post("/shop/import/", {"file": file}), "/shop/")
        self.assertEqual([message.subject for message in mail.outbox], ["The list"])
        self.assertEqual(self.client.get("/shop/data/").json()["products"][0]["name"], "Mate")

    def test_checks_a_token_where_it_is_asked_to(self) -> None:
        self.assertEqual(Client(enforce_csrf_checks=True).post("/shop/Tea 01/gone/").status_code, 403)


@pytest.mark.parametrize("price", ["1.00", "2.00"])
def test_sells_the_same_again_in_the_next_test(price: str, client: Client) -> None:
    client.force_login(User.objects.create_user("seller@example.com"))
    category = Category.objects.create(name="Coffee")
    client.post("/shop/new/", {"name": "Mocha", "category": category.pk, "price": price})
    assert Product.objects.get().price == pytest.approx(float(price))


def test_asks_for_categories_once(client: Client, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    category = Category.objects.create(name="Coffee")
    for name in "Mocha", "Robusta":
        Product.objects.create(name=name, category=category, price=1)
    with django_assert_num_queries(2):
        client.get("/shop/")


def test_is_in_the_admin(admin_client: Client) -> None:
    assert admin_client.get("/admin/shop/product/").status_code == 200


def test_an_exception_of_a_view_reaches_its_test(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(product: Product) -> HttpResponse:
        raise LookupError(product.name)

    Product.objects.create(name="Mocha", category=Category.objects.create(name="Coffee"), price=1)
    monkeypatch.setattr(views, "describe", fail)
    with pytest.raises(LookupError, match="Mocha"):
        client.get("/shop/data/")


def test_a_visitor_sells_by_the_form(web: Visitor) -> None:
    person = Person("seller@example.com")
    category = Category.objects.create(name="Coffee")
    log_in(web, person.address)
    assert "Enter a number." in web.submit("/shop/new/", name="Mocha", category=str(category.pk), price="much").text
    assert web.submit("/shop/new/", name="Mocha", category=str(category.pk), price="1").location == "/shop/"


def test_a_stream_begins_at_once(rf: RequestFactory) -> None:
    Product.objects.create(name="Mocha", category=Category.objects.create(name="Coffee"), price=1)
    assert b'"Mocha"' in next(iter(cast("Iterator[bytes]", views.news(rf.get("/shop/news/")).streaming_content)))
