"""The project as it is, with a few more pages, which wait for the database or are for slow clients."""

from django.conf import settings

from config.wsgi import application  # noqa: F401

settings.ROOT_URLCONF = "more_urls"
