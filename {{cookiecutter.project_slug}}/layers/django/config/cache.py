"""The cache as the server sees it."""

from django.core.cache import cache


def check() -> None:
    """Raise if the cache does not answer."""
    cache.get("readyz")
