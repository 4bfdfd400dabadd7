"""The project as it is, with one more page, which waits for the database."""

from config.wsgi import application  # noqa: F401
from django.conf import settings

settings.ROOT_URLCONF = "waiting"
