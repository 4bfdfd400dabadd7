"""The project as it is, with one more page, which waits for the database."""

from django.conf import settings

from config.wsgi import application  # noqa: F401

settings.ROOT_URLCONF = "waiting"
