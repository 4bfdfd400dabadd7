"""How passwords are stored."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class Hasher(Argon2PasswordHasher):
    """Argon2id as OWASP's password storage cheat sheet asks for it: 19 MiB, where Django's own would take 100 MiB.

    Every thread may be hashing at once, and a small dyno has 512 MB for all of them.
    """

    memory_cost = 19 * 1024
    parallelism = 1
    time_cost = 2
