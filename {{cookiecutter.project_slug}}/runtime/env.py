"""Reads the environment, and refuses what it cannot use in one line that names the value and the cure.

An empty variable counts as absent. Every variable is listed in ``.env.example``; nothing else is read.
A refusal is a ``SystemExit``: the process prints the line and ends with status 1, whichever command it was.
"""

import logging
import os
import secrets
from pathlib import Path
from typing import NoReturn

FLAGS = {"1": True, "on": True, "true": True, "yes": True, "0": False, "off": False, "false": False, "no": False}
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
SECRET_KEY_LENGTH = 50
SECRET_KEY_PLACEHOLDERS = ("change", "django-insecure", "example", "insecure", "placeholder", "secret", "your")

# What the owner should set next: each entry is one WARNING in the log, once a boot.
advice: list[str] = []


def load(file: Path) -> None:
    """Take variables that are not set yet from a file, where it exists: Git ignores it, so only a developer has one."""
    if file.exists():
        from dotenv import load_dotenv

        load_dotenv(file)


def advise(problem: str, cure: str) -> None:
    """Remember to tell the owner; reading the same variable twice tells it once."""
    if (line := f"{problem} {cure}") not in advice:
        advice.append(line)


def give_advice() -> None:
    """Write what is missing to the log."""
    for line in advice:
        logging.getLogger("config").warning(line)


def refuse(problem: str, cure: str) -> NoReturn:
    """End the process with one line."""
    raise SystemExit(f"{problem} {cure}")


def text(name: str, default: str = "") -> str:
    """What a variable says, without the spaces around it."""
    return os.environ.get(name, "").strip() or default


def flag(name: str, *, default: bool) -> bool:
    """Whether a variable says that something is on; ``FLAGS`` has the words for it."""
    if not (value := text(name)):
        return default
    if value.lower() not in FLAGS:
        refuse(f"{name} is {value!r}, neither on nor off.", f"Set one of them: heroku config:set {name}=on")
    return FLAGS[value.lower()]


def number(name: str, default: int, *, least: int, most: int) -> int:
    """A whole number from ``least`` to ``most``, both included."""
    if not (value := text(name)):
        return default
    if not value.isascii() or not value.isdigit() or not least <= int(value) <= most:
        refuse(
            f"{name} is {value!r}, not a whole number from {least} to {most}.",
            f"Set one: heroku config:set {name}={default}",
        )
    return int(value)


def words(name: str, default: list[str]) -> list[str]:
    """A list separated by commas or spaces."""
    return text(name).replace(",", " ").split() or default


def log_level() -> str:
    """The least that the log shows."""
    level = text("LOG_LEVEL", "info").upper()
    if level not in LOG_LEVELS:
        refuse(
            f"LOG_LEVEL is {text('LOG_LEVEL')!r}, none of {', '.join(LOG_LEVELS).lower()}.",
            "Set one of them: heroku config:set LOG_LEVEL=info",
        )
    return level


def secret_key() -> str:
    """The key that signs sessions and links.

    Without one, a random key is kept in the environment of this process: workers forked later, and a reloader's
    children, share it, and it ends with the process.
    """
    if not (key := text("SECRET_KEY")):
        advise(
            "SECRET_KEY is not set: a random key is used, and every restart logs all visitors out.",
            "Set one: heroku config:set SECRET_KEY=$(openssl rand -hex 32)",
        )
        os.environ["SECRET_KEY"] = secrets.token_hex(32)
        return os.environ["SECRET_KEY"]
    return strong("SECRET_KEY", key, "Set another: heroku config:set SECRET_KEY=$(openssl rand -hex 32)")


def secret_key_fallbacks() -> list[str]:
    """The keys before it, whose signatures still count: nobody is logged out by a new one."""
    cure = "Set only keys that were in use: heroku config:set SECRET_KEY_FALLBACKS=OLD,OLDER"
    return [strong("SECRET_KEY_FALLBACKS", key, cure) for key in words("SECRET_KEY_FALLBACKS", [])]


def strong(name: str, key: str, cure: str) -> str:
    """A key of a variable, unless it could be guessed."""
    if len(key) < SECRET_KEY_LENGTH or len(set(key)) < 5:
        refuse(f"{name} is too weak: {len(key)} characters, {len(set(key))} different.", cure)
    if key.lower().startswith(SECRET_KEY_PLACEHOLDERS):
        refuse(f"{name} is a placeholder: it starts with {key[:6]!r}.", cure)
    return key
