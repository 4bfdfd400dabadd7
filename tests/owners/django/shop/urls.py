"""Which address of the shop leads where."""

from django.urls import path

from shop import views

urlpatterns = [
    path("", views.index),
    path("data/", views.data),
    path("import/", views.take_list),
    path("new/", views.new),
    path("news/", views.news),
    path("<str:name>/gone/", views.stop_selling),
]
