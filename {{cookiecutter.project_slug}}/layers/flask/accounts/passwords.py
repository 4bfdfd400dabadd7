"""How passwords are stored, and which are refused: as Django does both."""

import difflib
import re
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from accounts import texts
from accounts.models import User

# Argon2id as OWASP's password storage cheat sheet asks for it: 19 MiB, since every thread may be hashing at once, and
# a small dyno has 512 MB for all of them.
hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)

# Those of Django's list (20,000 passwords by Royce Williams) that are long enough for us.
COMMON = frozenset((Path(__file__).parent / "common-passwords.txt").read_text("utf-8").split())


def verify(user: User | None, password: str) -> bool:
    """Whether it is the user's password; takes as long for a user who does not exist, or has no password."""
    if len(password) > texts.PASSWORD_MAX_LENGTH:
        return False
    try:
        return hasher.verify(user.password if user else "", password)
    except VerificationError:
        return False
    except InvalidHashError:
        hasher.hash(password)
        return False


def problems(password: str, email: str) -> list[str]:
    """Why a password is not good enough, if it is not."""
    if len(password) > texts.PASSWORD_MAX_LENGTH:
        return [texts.PASSWORD_TOO_LONG]
    found = []
    if any(alike(password, part) for part in [*re.split(r"\W+", email), email]):
        found.append(f"The password is too similar to the {texts.EMAIL.lower()}.")
    if len(password) < texts.PASSWORD_LENGTH:
        found.append(f"This password is too short. It must contain at least {texts.PASSWORD_LENGTH} characters.")
    if password.lower().strip() in COMMON:
        found.append("This password is too common.")
    if password.isdigit():
        found.append("This password is entirely numeric.")
    return found


def alike(password: str, part: str) -> bool:
    matcher = difflib.SequenceMatcher(a=password.lower(), b=part.lower())
    # The first looks at the lengths only: an address may have a hundred parts, and most are much shorter.
    return matcher.real_quick_ratio() >= 0.7 and matcher.quick_ratio() >= 0.7
