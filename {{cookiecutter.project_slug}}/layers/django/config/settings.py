"""Every setting of the project, from the environment (see .env.example) with defaults that are safe in production."""

import logging
import warnings
from pathlib import Path
from typing import Any

import dj_database_url
from django.utils.csp import CSP

from runtime import env, hosts, services

# {%- if cookiecutter.files|string|lower in cookiecutter._yes +%}
from runtime.store import attached_store, let_in

# {%- endif +%}

BASE_DIR = Path(__file__).resolve().parent.parent
SITE_NAME = "{{ cookiecutter.project_name }}"

# The one hinge between a developer's machine and everywhere else.
DEBUG = env.flag("DEBUG", default=False)

# Off only where no TLS is to be had, such as `make serve` on a developer's machine.
HTTPS = env.flag("HTTPS", default=not DEBUG)

# Applications

INSTALLED_APPS = [
    "accounts",
    # {% if cookiecutter.files|string|lower in cookiecutter._yes %}
    "files",
    # {% endif %}
    "pages",
    "runtime",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    # Before staticfiles, whose `runserver` would serve static files its own way.
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
]
# SecurityMiddleware and XFrameOptionsMiddleware are for Django's own checks: runtime/middleware.py does before them
# what they do.
MIDDLEWARE = [
    "runtime.framework.Limit",
    "django.middleware.security.SecurityMiddleware",
    "runtime.framework.StaticFiles",
    "runtime.framework.ContentSecurityPolicy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "pages.middleware.explain_wrong_method",
]
ROOT_URLCONF = "config.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.csp",
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.context.sign_up",
                "pages.context.site_name",
            ]
        },
    }
]
WSGI_APPLICATION = "config.wsgi.application"

# Below these paths errors are JSON, and elsewhere for whoever prefers it by Accept.
API_PATHS = ["/api/"]

# Services

CACHES: dict[str, Any] = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
DATABASES: dict[str, Any] = {}
DATABASE_URL = services.database_url(BASE_DIR, debug=DEBUG)
DEFAULT_FROM_EMAIL = services.mail_sender()
MAIL_SERVER = services.mail_server()
MAILERS: dict[str, Any] = {"default": {"BACKEND": "runtime.framework.LogBackend"}}
REDIS_URL = services.redis_url()
# {% if cookiecutter.files|string|lower in cookiecutter._yes %}
# Where files are kept that visitors send: a bucket, or here where DEBUG is on and there is none.
STORE = attached_store(BASE_DIR / "media", debug=DEBUG)
# {% endif %}

if (DATABASE_URL or "").startswith("postgresql"):
    # The tables of jobs and their pages in the admin; tasks are found by runtime/work.py.
    INSTALLED_APPS += ["procrastinate.contrib.django"]
    PROCRASTINATE_AUTODISCOVER_MODULE_NAME = None
if DATABASE_URL:
    # A connection is kept by its thread, and looked at before a request uses it.
    DATABASES["default"] = dj_database_url.parse(DATABASE_URL, conn_max_age=600, conn_health_checks=True)
    if DATABASE_URL.startswith("sqlite"):
        options = {"init_command": services.SQLITE, "transaction_mode": "IMMEDIATE"}
        DATABASES["default"]["OPTIONS"] = options | DATABASES["default"].get("OPTIONS", {})
if MAIL_SERVER:
    MAILERS["default"] = {"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": MAIL_SERVER}
if REDIS_URL:
    CACHES["default"] = {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": services.REDIS_OPTIONS,
    }

# Security

ALLOWED_HOSTS = hosts.allowed_hosts()
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "accounts.passwords.MaximumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
AUTH_USER_MODEL = "accounts.User"
# Where links in mails and all other hosts lead.
CANONICAL_HOST = hosts.canonical_host()
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_NAME = "__Host-csrf" if HTTPS else "csrf"
CSRF_COOKIE_SECURE = HTTPS
CSRF_FAILURE_VIEW = "pages.views.csrf_failure"
# Those of ALLOWED_HOSTS that are answered to this machine only.
LOCAL_HOSTS = hosts.local_hosts(debug=DEBUG)
# In a cookie: showing one needs no database.
MESSAGE_STORAGE = "django.contrib.messages.storage.cookie.CookieStorage"
PASSWORD_HASHERS = ["accounts.passwords.Hasher"]
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
SESSION_COOKIE_SECURE = HTTPS
SESSION_ENGINE = "runtime.framework"
SIGN_UP = env.flag("SIGN_UP", default=True)  # off: only you make accounts
# Whether HSTS also binds every other host of the domain is for the domain's owner to say. And plain HTTP is redirected
# before Django sees it, with HTTPS above: a second time here, it would be every answer that Django's test client gets.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W008", "security.W021"]

if DEBUG:
    # Debug toolbars write into pages: what the policy would refuse is told in the browser's console, and works.
    SECURE_CSP, SECURE_CSP_REPORT_ONLY = {}, SECURE_CSP

# Bodies of requests

# Far below what the server takes (WEB_MAX_BODY_MB), files included. A view that wants files asks for more by
# @takes_files(megabytes=20) from runtime/bodies.py: inside the view it would be too late, since the form is read.
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000
DATA_UPLOAD_MAX_NUMBER_FILES = 100
# Beyond it a file waits on the disk.
FILE_UPLOAD_MAX_MEMORY_SIZE = 1_000_000

# Static files

STATIC_ROOT = BASE_DIR / "staticfiles"
STATIC_URL = "/static/"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "runtime.framework.Storage"},
}
# {% if cookiecutter.files|string|lower in cookiecutter._yes %}
STORAGES["default"] = {"BACKEND": "runtime.storage.Storage"}
# {% endif %}
WHITENOISE_ALLOW_ALL_ORIGINS = False
WHITENOISE_USE_FINDERS = DEBUG or not (STATIC_ROOT / "staticfiles.json").exists()

if WHITENOISE_USE_FINDERS and not DEBUG:
    # They are then served from the applications' folders; WhiteNoise would warn on each boot all the same.
    warnings.filterwarnings("ignore", "No directory at", UserWarning)
    env.advise(
        "Static files were not published: they are served without hashed names and uncompressed.",
        "Add to the build: python -m config.build",
    )

# Language and time

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"

# Logging

# `config` itself did it.
LOGGING_CONFIG = None
# It would log each task as it becomes known.
logging.getLogger("procrastinate").setLevel("WARNING")
# The access line tells a 404 already.
logging.getLogger("django.request").setLevel("ERROR")
