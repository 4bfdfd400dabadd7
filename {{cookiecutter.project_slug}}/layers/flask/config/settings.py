"""Every setting of the project, from the environment (see .env.example) with defaults that are safe in production."""

from pathlib import Path
from typing import Any

from runtime import env, hosts, services, timeouts

# {%- if cookiecutter.files|string|lower in cookiecutter._yes +%}
from runtime.store import attached_store

# {%- endif +%}

BASE_DIR = Path(__file__).resolve().parent.parent
SITE_NAME = "{{ cookiecutter.project_name }}"

# The one hinge between a developer's machine and everywhere else.
DEBUG = env.flag("DEBUG", default=False)

# Off only where no TLS is to be had, such as `make serve` on a developer's machine.
HTTPS = env.flag("HTTPS", default=not DEBUG)

# Services

CACHE_TYPE = "SimpleCache"
DATABASE_URL = services.database_url(BASE_DIR, debug=DEBUG)
MAIL_SENDER = services.mail_sender()
MAIL_SERVER = services.mail_server()
REDIS_URL = services.redis_url()
SQLALCHEMY_DATABASE_URI = DATABASE_URL
SQLALCHEMY_ENGINE_OPTIONS: dict[str, Any] = {}
# {% if cookiecutter.files|string|lower in cookiecutter._yes %}
# Where files are kept that visitors send: a bucket, or here where DEBUG is on and there is none.
STORE = attached_store(BASE_DIR / "media", debug=DEBUG)
# {% endif %}

if REDIS_URL:
    CACHE_TYPE = "RedisCache"
    CACHE_REDIS_URL = REDIS_URL
    CACHE_OPTIONS = services.REDIS_OPTIONS
if DATABASE_URL and DATABASE_URL.startswith("postgresql"):
    # One connection a thread, looked at before a request uses it.
    SQLALCHEMY_ENGINE_OPTIONS = {
        "max_overflow": 0,
        "pool_pre_ping": True,
        "pool_size": services.THREADS,
        "pool_timeout": timeouts.CONNECT,
    }

# Security

ALLOWED_HOSTS = hosts.allowed_hosts()
# Where links in mails lead.
CANONICAL_HOST = hosts.canonical_host()
# Those of ALLOWED_HOSTS that are answered to this machine only.
LOCAL_HOSTS = hosts.local_hosts(debug=DEBUG)
PERMANENT_SESSION_LIFETIME = 14 * 24 * 3600
SECRET_KEY = env.secret_key()
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "session"
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = HTTPS
SESSION_REFRESH_EACH_REQUEST = False
# As long as the session: a form may be open for a day.
WTF_CSRF_TIME_LIMIT = None

# Bodies of requests

# Far below what the server takes (WEB_MAX_BODY_MB). A view that wants files asks for more, below its route, by
# @takes_files(megabytes=20) from runtime/framework.py: inside the view it would be too late, since the form is read.
MAX_CONTENT_LENGTH = 1_000_000
MAX_FORM_MEMORY_SIZE = 500_000
MAX_FORM_PARTS = 1000

# Migrations

ALEMBIC = {"script_location": str(BASE_DIR / "migrations")}
