"""All that the runtime needs of Django, and what Django needs of the runtime. Every framework has a module like it.

The part for the doctor imports what it needs when it is asked: a process that serves would carry it for nothing.
"""

import contextlib
import importlib
import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from wsgiref.headers import Headers

from django.conf import settings
from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import VALID_KEY_CHARS
from django.contrib.staticfiles.storage import StaticFilesStorage, staticfiles_storage
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured, RequestDataTooBig
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.db import DEFAULT_DB_ALIAS, close_old_connections, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.http import HttpRequest, HttpResponse, HttpResponseBase, multipartparser
from django.http import request as requests
from django.middleware.csp import ContentSecurityPolicyMiddleware
from django.urls import Resolver404, get_resolver, resolve
from django.utils.http import parse_header_parameters
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.storage import CompressedManifestStaticFilesStorage

from runtime import backlog, csp, static
from runtime.checks import CheckError

logger = logging.getLogger(__name__)


def setting(name: str) -> Any:
    """A setting of the project's."""
    return getattr(settings, name)


# Services


def services(application: object) -> dict[str, Callable[[], object] | None]:
    """What the project needs, each with a function that raises where it does not answer, or None where it is missing.

    ``application`` is not needed here: Django has one at a time.
    """
    attached: dict[str, Callable[[], object] | None] = {"database": ask_database if settings.DATABASE_URL else None}
    return attached | ({"cache": ask_cache} if settings.REDIS_URL else {})


def lacks_database(error: BaseException | None) -> bool:
    """Whether Django raised it since no database is attached."""
    return isinstance(error, ImproperlyConfigured) and "settings.DATABASES" in str(error)


def tells_more(record: logging.LogRecord) -> bool:
    """Whether an event tells more than that no database is attached, which the page's own does with its cure."""
    return not (record.exc_info and lacks_database(record.exc_info[1]))


logging.getLogger("django.request").addFilter(tells_more)


def ask_database() -> dict[str, str]:
    """The states of what is in it."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return backlog.states(job_connection())
    finally:
        # A thread keeps its connection, and the one that asks this has no other use for it. SQLite's own ``close`` does
        # nothing where the database is in memory.
        BaseDatabaseWrapper.close(connections[DEFAULT_DB_ALIAS])


def ask_cache() -> None:
    cache.get("readyz")


def disconnect() -> None:
    """Close every database connection of this process."""
    for opened in connections.all(initialized_only=True):
        opened.close()
        if hasattr(opened, "close_pool"):
            opened.close_pool()


def job_connection() -> Any:
    """The connection, and with it the transaction, that whoever calls is in; None on SQLite, which has no jobs."""
    if connection.vendor == "sqlite":
        return None
    connection.ensure_connection()
    return connection.connection


@contextlib.contextmanager
def around_job(application: object) -> Iterator[None]:
    """What a request has, too: a connection that is looked at before it is used."""
    close_old_connections()
    try:
        yield
    finally:
        close_old_connections()


class LogBackend(BaseEmailBackend):
    """Writes each mail to the log in place of sending it."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for message in email_messages:
            recipients = ", ".join(message.recipients())
            logger.info(f"Mail to {recipients}: {message.subject}", extra={"body": message.body})
        return len(email_messages)


# What strangers send


class SessionStore(db.SessionStore):
    """Django's own, but of a cookie that no session ever had it does not ask the database, which may not take it."""

    def _validate_session_key(self, key: str | None) -> bool:
        return bool(super()._validate_session_key(key)) and {*(key or "")} <= {*VALID_KEY_CHARS}  # type: ignore[misc]


def header_parameters(line: str) -> tuple[str, dict[str, str]]:
    """Django's own, which fails over parameters that Python's parser of mails does not understand: here they are none.

    It reads the type of each body, and the fields of each part of one.
    """
    try:
        return parse_header_parameters(line)
    except (TypeError, ValueError):
        return line.partition(";")[0].strip().lower(), {}


requests.parse_header_parameters = header_parameters  # type: ignore[attr-defined]
multipartparser.parse_header_parameters = header_parameters  # type: ignore[attr-defined]


# Static files


class Storage(CompressedManifestStaticFilesStorage):
    """WhiteNoise's manifest storage; a file that is not in the manifest keeps its plain name, with no page failing.

    They are content-hashed and compressed by ``collectstatic``, and served all the same where it has not run.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)  # type: ignore[no-untyped-call]
        # By the names that have a hash.
        self.addresses: dict[str, str] = {}

    def url(self, name: str | None, force: bool = False) -> str:
        if not name or (hashed := self.hashed_files.get(name)) is None:
            return StaticFilesStorage.url(self, name)
        # A page names the same few each time, and Django would take each address apart and put it together again.
        if settings.DEBUG or hashed not in self.addresses:
            self.addresses[hashed] = super().url(name, force)
        return self.addresses[hashed]


class StaticFiles(WhiteNoiseMiddleware):
    """WhiteNoise's, which would also publish the manifest, with the name of every file, and hidden files.

    ``collectstatic`` leaves hidden files and an editor's copies behind; where it has not run, nothing else does.
    """

    def add_file_to_dictionary(self, url: str, path: str, stat_cache: Any = None) -> None:
        name = url.removeprefix(self.static_prefix)
        if name != Storage.manifest_name and not static.is_hidden(name.split("/")):
            super().add_file_to_dictionary(url, path, stat_cache)  # type: ignore[no-untyped-call]

    def add_cache_headers(self, headers: Headers, path: str, url: str) -> None:
        super().add_cache_headers(headers, path, url)  # type: ignore[no-untyped-call]
        names: dict[str, str] = {} if self.use_finders else getattr(staticfiles_storage, "hashed_files", {})
        name = url.removeprefix(self.static_prefix)
        plain = name if name in names else self.get_name_without_hash(name)  # type: ignore[no-untyped-call]
        if name in {plain, names.get(plain)}:
            static.set_etag(headers, names.get(plain, ""))


# Responses


class ContentSecurityPolicy(ContentSecurityPolicyMiddleware):
    """Django's, whose word is the last: a view may have decided that there is no policy (``@csp_override({})``)."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        decided = super().process_response(request, response)
        request.META[csp.LEFT_OUT] = [name for name in (csp.ENFORCED, csp.REPORTED) if name not in decided]
        return decided


# Bodies of requests


class Limit:
    """Refuses a request that is too large before anything reads it, and also where nobody would.

    Django itself counts no files, and nothing of what comes in chunks: it takes such a body for empty.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        sent = request.META.get("CONTENT_LENGTH") or ""
        size = int(sent) if sent.isdecimal() else 0
        most: int | None = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        if most is not None and size > most and size > getattr(view_of(request), "max_body", most):
            # Raised, it would be an error in the log.
            answer: Callable[..., HttpResponseBase] = get_resolver().resolve_error_handler(400)
            return answer(request, exception=RequestDataTooBig())
        return self.get_response(request)


def view_of(request: HttpRequest) -> Any:
    try:
        return resolve(request.path_info).func
    except Resolver404:
        return None


# What the doctor asks


def load(name: str) -> object:
    """The application of a module, without a database, since the doctor asks on any machine."""
    application: object = importlib.import_module(name).application
    settings.DATABASES.clear()
    return application


def check_static_files(application: object, templates: Mapping[Path, str]) -> str | None:
    """Every file that a template or a stylesheet names must exist, or the build and the page fail."""
    import io
    import tempfile

    from django.contrib.staticfiles import finders
    from django.core.management import call_command
    from django.test import override_settings

    for template, text in templates.items():
        for name in re.findall(r"[{]% static [\"']([^\"']+)", text):
            if finders.find(name) is None:
                raise CheckError(f"{template} names {name}, which is no static file.", "Correct it.")
    manifest = {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}
    storages = settings.STORAGES | {"staticfiles": manifest}
    with tempfile.TemporaryDirectory() as folder, override_settings(STATIC_ROOT=folder, STORAGES=storages):
        # The admin's own files are Django's to check.
        call_command("collectstatic", ignore_patterns=["admin"], interactive=False, verbosity=0, stderr=io.StringIO())
    return None


def check_migrations(application: object) -> str | None:
    """Every model must be as its migrations make it."""
    from django.apps import apps
    from django.core.management import call_command
    from django.db.migrations.loader import MigrationLoader

    # Without a migrations folder, a new application's models are nothing that Django looks at.
    for label in sorted(MigrationLoader(None).unmigrated_apps):
        if [*apps.get_app_config(label).get_models()]:
            raise CheckError(f"{label} has models and no migrations.", f"python manage.py makemigrations {label}")
    try:
        call_command("makemigrations", check=True, dry_run=True, verbosity=0)
    except SystemExit as error:
        raise CheckError("A model has changed since the last migration.", "python manage.py makemigrations") from error
    return None


def check_deployment(application: object) -> None:
    """Django's own checks of what is risky in production, and what only a platform does to files."""
    import io

    from django.core.management import call_command

    call_command("check", deploy=True, fail_level="WARNING", stdout=io.StringIO())
    check_files()


def check_files() -> None:
    """No field may keep its files below the project: on a platform they are gone at the next restart."""
    from django.apps import apps
    from django.core.files.storage import FileSystemStorage
    from django.db.models import FileField

    for model in apps.get_models():
        for field in model._meta.get_fields():
            storage = field.storage if isinstance(field, FileField) else None
            if isinstance(storage, FileSystemStorage) and Path(storage.location).is_relative_to(Path.cwd()):
                raise CheckError(
                    f"{model._meta.label}.{field.name} keeps files on a disk that is wiped at each restart.",
                    "Keep them in a bucket: cruft update --variables-to-update '{\"files\": true}' adds what it takes.",
                )


def unknown_command(application: object, program: str, arguments: list[str]) -> str | None:
    """The argument of manage.py that names no command."""
    from django.core.management import get_commands

    name = arguments[0]
    return None if name.startswith("-") or "$" in name or name in {"help", *get_commands()} else name
