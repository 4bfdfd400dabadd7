"""The cache: in Redis where REDIS_URL is set, else in each process' memory."""

from flask_caching import Cache

cache = Cache()
