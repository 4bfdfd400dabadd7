"""Every setting of the project, from the environment (see .env.example) with defaults that are safe in production."""

from pathlib import Path
from typing import Any

from runtime import env, hosts, services, timeouts
from runtime.csp import CSP

# {%- if cookiecutter.files|string|lower in cookiecutter._yes +%}
from runtime.store import attached_store, let_in

# {%- endif +%}

BASE_DIR = Path(__file__).resolve().parent.parent
SITE_NAME = "{{ cookiecutter.project_name }}"

# The one hinge between a developer's machine and everywhere else.
DEBUG = env.flag("DEBUG", default=False)

# Off only where no TLS is to be had, such as `make serve` on a developer's machine.
HTTPS = env.flag("HTTPS", default=not DEBUG)

# Below these paths errors are JSON, and elsewhere for whoever prefers it by Accept.
API_PATHS = ["/api/"]

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
# Where links in mails and all other hosts lead.
CANONICAL_HOST = hosts.canonical_host()
# Those of ALLOWED_HOSTS that are answered to this machine only.
LOCAL_HOSTS = hosts.local_hosts(debug=DEBUG)
PERMANENT_SESSION_LIFETIME = 14 * 24 * 3600
# Of addresses that are made outside a request, and of what Flask's test client asks for.
PREFERRED_URL_SCHEME = "https" if HTTPS else "http"
SECRET_KEY = env.secret_key()
SECRET_KEY_FALLBACKS = env.secret_key_fallbacks()
# What a page may load and run. What is written into it must name its `csp_nonce`; GUIDE.md has examples.
SECURE_CSP: dict[str, Any] = {
    "default-src": [CSP.SELF],
    "script-src": [CSP.SELF, CSP.NONCE],
    "style-src": [CSP.SELF, CSP.NONCE],
    "base-uri": [CSP.SELF],
    "form-action": [CSP.SELF],
    "frame-ancestors": [CSP.NONE],
    "object-src": [CSP.NONE],
}
SECURE_CSP_REPORT_ONLY: dict[str, Any] = {}
# {% if cookiecutter.files|string|lower in cookiecutter._yes %}
let_in(STORE, SECURE_CSP)
# {% endif %}
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "session"
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = HTTPS
SESSION_REFRESH_EACH_REQUEST = False
SIGN_UP = env.flag("SIGN_UP", default=True)  # off: only you make accounts
# As long as the session: a form may be open for a day.
WTF_CSRF_TIME_LIMIT = None

if DEBUG:
    # Debug toolbars write into pages: what the policy would refuse is told in the browser's console, and works.
    SECURE_CSP, SECURE_CSP_REPORT_ONLY = {}, SECURE_CSP

# Bodies of requests

# Far below what the server takes (WEB_MAX_BODY_MB). A view that wants files asks for more, below its route, by
# @takes_files(megabytes=20) from runtime/bodies.py: inside the view it would be too late, since the form is read.
MAX_CONTENT_LENGTH = 1_000_000
MAX_FORM_MEMORY_SIZE = 500_000
MAX_FORM_PARTS = 1000

# Language

LANGUAGE_CODE = "en-us"

# Static files

STATIC_ROOT = BASE_DIR / "staticfiles"

if not DEBUG and not (STATIC_ROOT / "staticfiles.json").exists():
    env.advise(
        "Static files were not published: they are served without hashed names and uncompressed.",
        "Add to the build: python -m config.build",
    )

# Migrations

ALEMBIC = {"script_location": str(BASE_DIR / "migrations")}
