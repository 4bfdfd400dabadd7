"""Which address of the files' pages leads where."""

from django.urls import path

from files import views

app_name = "files"
urlpatterns = [
    path("", views.Files.as_view(), name="files"),
    path("large/", views.Large.as_view(), name="large"),
    path("arrived/", views.Arrived.as_view(), name="arrived"),
    path("<int:pk>/", views.Open.as_view(), name="open"),
    path("<int:pk>/remove/", views.Remove.as_view(), name="remove"),
]
