"""The application as Gunicorn calls it."""

import os

from django.core.wsgi import get_wsgi_application

from config.middleware import Middleware

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = Middleware(get_wsgi_application())
