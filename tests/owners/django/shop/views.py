"""The shop: its pages, its data for others, and its news as they happen."""

import csv
import io
import json
import time
from collections.abc import Iterator

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.mail import send_mail
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from runtime.bodies import takes_files
from shop.forms import ImportForm, ProductForm
from shop.models import Category, Product


def index(request: HttpRequest) -> HttpResponse:
    page = Paginator(Product.objects.select_related("category"), 10).get_page(request.GET.get("page"))
    following = page.next_page_number() if page.has_next() else None
    return render(request, "shop/index.html", {"page": page, "following": following})


@login_required
def new(request: HttpRequest) -> HttpResponse:
    form = ProductForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        product = form.save()
        messages.success(request, f"{product} is for sale.")
        return redirect("/shop/")
    return render(request, "shop/form.html", {"form": form, "title": "Sell"})


@login_required
@takes_files(megabytes=5)
def take_list(request: HttpRequest) -> HttpResponse:
    """A list of products with their categories and prices, as a spreadsheet writes it."""
    form = ImportForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        lines = io.TextIOWrapper(form.cleaned_data["file"], "utf-8", newline="")
        for name, category, price in csv.reader(lines):
            Product.objects.create(name=name, category=Category.objects.get(name=category), price=price)
        send_mail("The list", "It is for sale.", None, ["staff@example.com"])
        return redirect("/shop/")
    return render(request, "shop/form.html", {"form": form, "title": "Import"})


@require_POST
@login_required
def stop_selling(request: HttpRequest, name: str) -> HttpResponse:
    """Answers with what a script puts in the product's place."""
    get_object_or_404(Product, name=name).delete()
    return HttpResponse("<li>Gone</li>" if "HX-Request" in request.headers else "Gone")


def data(request: HttpRequest) -> JsonResponse:
    products = Product.objects.select_related("category")
    return JsonResponse({"products": [describe(product) for product in products]})


def describe(product: Product) -> dict[str, object]:
    return {"name": product.name, "category": product.category.name, "price": str(product.price)}


def news(request: HttpRequest) -> StreamingHttpResponse:
    """Each product as soon as it is for sale, as server-sent events."""

    def events() -> Iterator[str]:
        last = 0
        while True:
            for product in Product.objects.filter(pk__gt=last).select_related("category").order_by("pk"):
                last = product.pk
                yield f"data: {json.dumps(describe(product))}\n\n"
            yield ": nothing new\n\n"
            time.sleep(0.2)

    return StreamingHttpResponse(events(), content_type="text/event-stream")
