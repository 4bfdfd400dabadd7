"""Which hosts are ours: whose requests are answered, and where the links in mails lead.

Whoever sends a request chooses its Host, and not every router looks at it. So a link that carries a secret leads to a
host that the owner or the platform has named, not to one that only fits a pattern.
"""

import ipaddress
import re
from collections.abc import Sequence

from runtime import env

# The names of this machine, whichever it is.
LOCAL_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
# Where Heroku puts an app that its metadata does not name.
HEROKU = ".herokuapp.com"
NAME = r"[a-z0-9-]+(?:\.[a-z0-9-]+)*"
ADDRESS = r"\[[a-f0-9:.]+\]"
# A Host header, in lower case.
HOST = re.compile(rf"(?P<name>{NAME}|{ADDRESS})\.?(?P<port>:\d+)?")


class NoHostError(Exception):
    """No host is certain to be ours."""


def platform_hosts() -> list[str]:
    """The host that the platform says is ours.

    Heroku says it only after ``heroku labs:enable runtime-dyno-metadata``, and an app's name is not its host's. Its
    router passes on no request whose host is not one of the app's, so that there the whole domain is allowed.
    """
    named = [
        env.text("HEROKU_APP_DEFAULT_DOMAIN_NAME"),
        f"{env.text('FLY_APP_NAME')}.fly.dev",
        env.text("RAILWAY_PUBLIC_DOMAIN"),
        env.text("RENDER_EXTERNAL_HOSTNAME"),
        f"{env.text('APP')}.{env.text('REGION_NAME')}.scalingo.io",
    ]
    hosts = [host.lower() for host in named if re.fullmatch(NAME, host.lower())]
    return hosts or ([HEROKU] if env.text("DYNO") else [])


def allowed_hosts() -> list[str]:
    """The hosts whose requests are answered; ``.example.com`` means the domain and all below it."""
    hosts = [host.lower() for host in env.words("ALLOWED_HOSTS", [*platform_hosts(), *LOCAL_HOSTS])]
    for host in hosts:
        if not re.fullmatch(rf"\*|\.?[a-z0-9.-]+|{ADDRESS}", host):
            env.refuse(
                f"ALLOWED_HOSTS is {host!r}, not the name of a host.",
                "Set names only: heroku config:set ALLOWED_HOSTS=www.example.com,.example.org",
            )
    if (canonical := canonical_host()) and not is_allowed(canonical, hosts):
        hosts.insert(0, canonical)
    # Of those that a pattern allows, the one that is certain.
    hosts += [host for host in platform_hosts() if host not in hosts and is_allowed(host, hosts)]
    if all(host.startswith((".", "*")) for host in hosts) and not (HEROKU in hosts and env.text("DYNO")):
        env.advise(
            f"ALLOWED_HOSTS is {','.join(hosts)}, which names no host: no link can be mailed.",
            "Name it: heroku config:set CANONICAL_HOST=www.example.com",
        )
    return hosts


def local_hosts(*, debug: bool) -> list[str]:
    """Those of the allowed hosts that only requests from this machine may name, since nobody has asked for them.

    On a developer's machine, which may be a container, that is whoever can reach it.
    """
    return [] if debug or env.text("ALLOWED_HOSTS") else [host for host in LOCAL_HOSTS if host != canonical_host()]


def canonical_host() -> str:
    """The one name of the site, or "": always allowed, and where all other allowed hosts lead."""
    host = env.text("CANONICAL_HOST").lower()
    if host and not re.fullmatch(rf"{NAME}|{ADDRESS}", host):
        env.refuse(
            f"CANONICAL_HOST is {host!r}, not the name of a host.",
            "Set the name only: heroku config:set CANONICAL_HOST=www.example.com",
        )
    return host


def is_allowed(host: str, hosts: Sequence[str]) -> bool:
    """Whether a Host header names one of ``hosts``."""
    if not (match := HOST.fullmatch(host.lower())):
        return False
    name = match["name"]
    return any(
        pattern == "*" or name == pattern.removeprefix(".") or (pattern.startswith(".") and name.endswith(pattern))
        for pattern in hosts
    )


def is_certain(host: str) -> bool:
    """Whether an allowed host is a name that others can reach: no pattern, no address, not this machine."""
    if host == "*" or host.startswith((".", "[")) or host in LOCAL_HOSTS:
        return False
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return True
    return False


def bare(host: str) -> str:
    """The name or address in a Host header, without port and trailing dot, or "" where there is none."""
    match = HOST.fullmatch(host.lower())
    return match["name"] if match else ""


def port_of(host: str) -> str:
    """What a Host header says of the port, as in ``:8000``, or ""."""
    match = HOST.fullmatch(host.lower())
    return match["port"] or "" if match else ""


def site_host(requested: str, hosts: Sequence[str], canonical: str, *, debug: bool) -> str:
    """Where links in mails lead: to CANONICAL_HOST, or else to the first of ``hosts`` that is a name.

    The Host of the request, which its sender chooses, counts only where there is no such name, and then only

    * as it is, for a name of this machine, and with DEBUG, since that is a developer's;
    * for an address that ``hosts`` lists;
    * on Heroku for a host below herokuapp.com, if that is allowed: its router, which no request gets around, routes by
      host, so that the host is the app's.

    Raises ``NoHostError`` where nothing is left, as with ``ALLOWED_HOSTS=*`` alone.
    """
    name = bare(requested)
    if debug:
        return requested
    if canonical:
        return canonical
    if certain := [host for host in hosts if is_certain(host)]:
        return certain[0]
    if name in hosts:
        return requested if name in LOCAL_HOSTS else name
    if HEROKU in hosts and name.endswith(HEROKU) and env.text("DYNO"):
        return name
    raise NoHostError(
        f"No host is certain to be ours, of {','.join(hosts)}."
        " Name it: heroku config:set CANONICAL_HOST=www.example.com"
    )
