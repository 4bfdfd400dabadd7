"""Browsers that somebody has logged in with: what strangers guess elsewhere does not lock them out.

What OWASP calls a device cookie. It is bound to an account, its address and its password, and useless for any other.
Whoever brings one is throttled by that cookie alone.
"""

import hashlib
import hmac
import secrets
from typing import Literal, TypedDict

from runtime.framework import setting


class Options(TypedDict):
    """How the cookie is set, in the words of both frameworks."""

    max_age: int
    secure: bool
    httponly: bool
    samesite: Literal["Lax"]


def cookie_name() -> str:
    return "__Host-device" if setting("HTTPS") else "device"


def options() -> Options:
    return {"max_age": 365 * 24 * 3600, "secure": setting("HTTPS"), "httponly": True, "samesite": "Lax"}


def remember(address: str, stored_password: str) -> str:
    """The cookie for a browser that has just logged in."""
    name = secrets.token_urlsafe(16)
    return f"{name}.{sign(setting('SECRET_KEY'), name, address, stored_password)}"


def recognize(cookie: str, address: str, stored_password: str) -> str:
    """The name of the browser that a cookie was made for, or "" where it was not made for this account."""
    name, _, signature = cookie.partition(".")
    keys = [setting("SECRET_KEY"), *setting("SECRET_KEY_FALLBACKS")]
    right = [sign(key, name, address, stored_password).encode() for key in keys]
    return name if any(hmac.compare_digest(signature.encode(), one) for one in right) else ""


def sign(key: str, name: str, address: str, stored_password: str) -> str:
    message = "\n".join(["accounts.device", name, address.lower(), stored_password])
    return hmac.new(key.encode(), message.encode(), hashlib.sha256).hexdigest()
