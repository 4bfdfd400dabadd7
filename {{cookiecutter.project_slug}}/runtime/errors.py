"""Where errors are sent besides the log: to the server that SENTRY_DSN names, if any.

Sentry, GlitchTip, Bugsink and others speak its protocol. Every ERROR of the log, of whatever process, becomes one event
there, and so does an exception that ends a process. ``runtime.sentry`` does it, and is imported only where the variable
is set.
"""

import re
from urllib.parse import urlsplit

from runtime import env

# Which commit runs, in the words of Heroku, Render, Railway, Dokku, Scalingo, Fly.io and of a build.
RELEASES = (
    "SENTRY_RELEASE",
    "HEROKU_BUILD_COMMIT",
    "HEROKU_SLUG_COMMIT",
    "RENDER_GIT_COMMIT",
    "RAILWAY_GIT_COMMIT_SHA",
    "GIT_REV",
    "CONTAINER_VERSION",
    "FLY_IMAGE_REF",
    "SOURCE_VERSION",
)


def dsn() -> str | None:
    """Where errors are sent, or None: they are in the log only."""
    if not (url := env.text("SENTRY_DSN")):
        return None
    try:
        parts = urlsplit(url)
        valid = parts.scheme in {"http", "https"} and bool(parts.username and parts.hostname) and parts.port != 0
        valid = valid and re.fullmatch(r"/(.*/)?[0-9]+", parts.path) is not None
    except ValueError:
        valid = False
    if not valid:
        # Whoever knows the key may send.
        shown = re.sub(r"[^/]*@", "…@", url)
        env.refuse(
            f"SENTRY_DSN is {shown!r}, not a project's address.",
            "It looks like https://KEY@HOST/NUMBER: copy it from the project's settings there (Client Keys).",
        )
    return url


def release() -> str:
    """Which version runs, as the platform says; "" where none does."""
    # Of Fly.io's image, whose registry's address no release's name may have.
    return next(filter(None, map(env.text, RELEASES)), "").rpartition("/")[2]


def environment() -> str:
    """Which of several installations this is."""
    named = env.text("SENTRY_ENVIRONMENT") or env.text("RAILWAY_ENVIRONMENT_NAME")
    review = env.text("HEROKU_PR_NUMBER") or env.text("IS_PULL_REQUEST") == "true"
    other = "development" if env.flag("DEBUG", default=False) else "production"
    return named or ("review" if review else other)


def configure() -> None:
    """Send errors from now on, in this process and all that it forks; after ``logs.configure``."""
    address, version, place = dsn(), release(), environment()
    if address:
        from runtime import sentry

        sentry.start(address, version, place, env.text("DYNO"))


def send(error: BaseException) -> None:
    """Send an exception of which the log has a line at most."""
    if dsn():
        import sentry_sdk

        sentry_sdk.capture_exception(error)
