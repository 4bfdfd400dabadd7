"""The application as Gunicorn calls it."""

import os
from functools import partial

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django_application = get_wsgi_application()

# Workers share what is imported before the fork; Django would import this in each of them at the first request.
from config import settings, urls  # noqa: E402, F401
from pages import errors  # noqa: E402
from runtime import framework  # noqa: E402
from runtime.middleware import Middleware  # noqa: E402

# {%- if cookiecutter.files|string|lower in cookiecutter._yes +%}
from runtime.storage import attach  # noqa: E402

# {%- endif +%}

if settings.REDIS_URL:
    import redis  # noqa: F401

needed = framework.services(django_application)
# {% if cookiecutter.files|string|lower in cookiecutter._yes %}
needed |= attach(settings.STORE)
# {% endif %}

application = Middleware(
    django_application,
    hosts=settings.ALLOWED_HOSTS,
    local_hosts=settings.LOCAL_HOSTS,
    canonical_host=settings.CANONICAL_HOST,
    services=needed,
    error=partial(errors.answer, api_paths=settings.API_PATHS),
    csp=settings.SECURE_CSP,
    csp_report_only=settings.SECURE_CSP_REPORT_ONLY,
    https=settings.HTTPS,
    hsts_seconds=settings.SECURE_HSTS_SECONDS,
    debug=settings.DEBUG,
)
