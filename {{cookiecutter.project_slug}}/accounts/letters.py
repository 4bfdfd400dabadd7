"""The mails that the account pages send: each a subject and a plain text.

Whether an address has an account is told to its owner only: the page says the same, and a mail is sent, either way.
"""

from typing import NamedTuple

from runtime import hosts
from runtime.framework import setting

# How long a link works.
LINK_SECONDS = 3600


class Letter(NamedTuple):
    subject: str
    text: str


def finish_sign_up(link: str) -> Letter:
    return letter(
        "Finish signing up",
        "Somebody, most likely you, wants to sign up with this address. Choose a password within an hour:",
        link,
    )


def has_account(link: str) -> Letter:
    """For somebody who signs up a second time."""
    return letter(
        "You have an account already",
        "Somebody, most likely you, wants to sign up with this address, which has an account. Log in:",
        link,
    )


def reset_password(link: str) -> Letter:
    return letter(
        "Choose a new password",
        "Somebody, most likely you, has forgotten the password of this account. Choose another within an hour:",
        link,
    )


def has_no_account(link: str) -> Letter:
    """For somebody who resets the password of an account that they do not have, and may be free to make one."""
    reason = "Somebody, most likely you, wants to reset a password here, but this address has no account."
    return letter("You have no account", *([f"{reason} Sign up:", link] if setting("SIGN_UP") else [reason]))


def site_url(scheme: str, requested_host: str) -> str:
    """What links begin with, in answer to a request that came by a scheme to a host; raises ``hosts.NoHostError``."""
    allowed, canonical = setting("ALLOWED_HOSTS"), setting("CANONICAL_HOST")
    return f"{scheme}://{hosts.site_host(requested_host, allowed, canonical, debug=setting('DEBUG'))}"


def failure(error: Exception) -> str:
    """What the log says of a mail that was not sent."""
    if isinstance(error, hosts.NoHostError):
        return f"A mail was not sent: {error}"
    return f"The mail server did not take a mail: {type(error).__name__}: {error}"


def letter(subject: str, *paragraphs: str) -> Letter:
    ending = "If it was not you, there is nothing that you need to do."
    return Letter(f"{subject} – {setting('SITE_NAME')}", "\n\n".join(["Hello,", *paragraphs, f"{ending}\n"]))
