"""The cache, and how the server sees it."""

from flask_caching import Cache

cache = Cache()


def check() -> None:
    """Raise if the cache does not answer."""
    from config.wsgi import application

    with application.app_context():
        cache.get("readyz")
