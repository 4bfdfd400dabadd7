"""The application as Gunicorn calls it."""

import os

from django.core.wsgi import get_wsgi_application

from config.middleware import Middleware

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = Middleware(get_wsgi_application())

# Django would import all views at the first request, after the fork, and each worker keep them for itself.
from config import urls  # noqa: E402, F401
