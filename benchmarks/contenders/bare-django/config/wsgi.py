"""Django and little around it: three views, WhiteNoise's middleware, the project's packages and applications."""

import argon2  # noqa: F401
import limits.storage
import limits.strategies  # noqa: F401
from django.conf import settings

from config import settings as project

settings.configure(
    ALLOWED_HOSTS=["*"],
    DATABASES=project.DATABASES,
    INSTALLED_APPS=[app for app in project.INSTALLED_APPS if app.startswith("django.")],
    LOGGING_CONFIG=None,
    MIDDLEWARE=["whitenoise.middleware.WhiteNoiseMiddleware"],
    ROOT_URLCONF="config.wsgi",
    SECRET_KEY=project.SECRET_KEY,
    STATIC_ROOT=project.STATIC_ROOT,
    STATIC_URL=project.STATIC_URL,
    STORAGES={"staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}},
    TEMPLATES=[
        {
            "APP_DIRS": True,
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "DIRS": [project.BASE_DIR / "pages" / "templates"],
        }
    ],
)

from django.core.wsgi import get_wsgi_application  # noqa: E402

application = get_wsgi_application()

from django.contrib import admin  # noqa: E402
from django.db import connection  # noqa: E402
from django.http import HttpRequest, HttpResponse  # noqa: E402
from django.shortcuts import render  # noqa: E402
from django.urls import path  # noqa: E402


def sized(response: HttpResponse) -> HttpResponse:
    """With the length that lets a connection be kept without chunks, as CommonMiddleware gives it in the project."""
    response["Content-Length"] = str(len(response.content))
    return response


def home(request: HttpRequest) -> HttpResponse:
    return sized(render(request, "home.html", {"site_name": project.SITE_NAME}))


def trivial(request: HttpRequest) -> HttpResponse:
    return sized(HttpResponse("ok\n", content_type="text/plain"))


def wait(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(0.05)")
    return sized(HttpResponse("waited"))


urlpatterns = [path("", home), path("healthz", trivial), path("wait", wait), path("admin/", admin.site.urls)]
