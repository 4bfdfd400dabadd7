"""The cache as the server sees it."""

from django.core.cache import cache

from config import settings

# Workers share what is imported before the fork; Django would import it in each of them at the first use.
if settings.REDIS_URL:
    import redis  # noqa: F401


def check() -> None:
    """Raise if the cache does not answer."""
    cache.get("readyz")
