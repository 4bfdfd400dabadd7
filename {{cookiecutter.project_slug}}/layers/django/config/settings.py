"""Every setting of the project, from the environment (see .env.example) with defaults that are safe in production."""

import logging
import warnings
from pathlib import Path
from typing import Any

import dj_database_url

from runtime import env, hosts, services

# {%- if cookiecutter.files|string|lower in cookiecutter._yes +%}
from runtime.store import attached_store

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
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    # Before staticfiles, whose `runserver` would serve static files its own way.
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
]
# SecurityMiddleware and the last are for Django's own checks: runtime/middleware.py does before them what they do.
MIDDLEWARE = [
    "runtime.framework.Limit",
    "django.middleware.security.SecurityMiddleware",
    "runtime.framework.StaticFiles",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "config.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "pages.context.site_name",
            ]
        },
    }
]
WSGI_APPLICATION = "config.wsgi.application"

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

if DATABASE_URL:
    # A connection is kept by its thread, and looked at before a request uses it.
    DATABASES["default"] = dj_database_url.parse(DATABASE_URL, conn_max_age=600, conn_health_checks=True)
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
# Where links in mails lead.
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
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_SSL_REDIRECT = HTTPS
SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "session"
SESSION_COOKIE_SECURE = HTTPS
# Whether HSTS also binds every other host of the domain is for the domain's owner to say.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]

# Bodies of requests

# Far below what the server takes (WEB_MAX_BODY_MB), files included. A view that wants files asks for more by
# @takes_files(megabytes=20) from runtime/framework.py: inside the view it would be too late, since the form is read.
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
        "Static files were not collected: they are served without hashed names and uncompressed.",
        "Add to the build: python manage.py collectstatic --noinput",
    )

# Language and time

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"

# Logging

# `config` itself did it.
LOGGING_CONFIG = None
# The access line tells a 404 already.
logging.getLogger("django.request").setLevel("ERROR")
