"""How passwords are stored, and how long they may be."""

from django.contrib.auth.hashers import Argon2PasswordHasher
from django.core.exceptions import ValidationError

from accounts import texts


class Hasher(Argon2PasswordHasher):
    """Argon2id as OWASP's password storage cheat sheet asks for it: 19 MiB, where Django's own would take 100 MiB.

    Every thread may be hashing at once, and a small dyno has 512 MB for all of them.
    """

    memory_cost = 19 * 1024
    parallelism = 1
    time_cost = 2


class MaximumLengthValidator:
    """Refuses what would take long to look at."""

    def validate(self, password: str, user: object = None) -> None:
        if len(password) > texts.PASSWORD_MAX_LENGTH:
            raise ValidationError(texts.PASSWORD_TOO_LONG, code="password_too_long")

    def get_help_text(self) -> str:
        return texts.PASSWORD_TOO_LONG
