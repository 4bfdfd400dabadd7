"""The content security policy: what a page may load, in the words of Django's ``SECURE_CSP``, for both frameworks.

A directive has a list of sources, one alone, or True where it takes none; None and False leave it out.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

ENFORCED, REPORTED = "Content-Security-Policy", "Content-Security-Policy-Report-Only"

# Of a WSGI environment: what the scripts and styles written into this page name, once one has asked for it.
NONCE = "csp.nonce"
# And which of the two headers the framework leaves out on purpose.
LEFT_OUT = "csp.left_out"


class CSP(StrEnum):
    """Sources, as in ``django.utils.csp``; NONCE stands for the one of each page."""

    NONE = "'none'"
    REPORT_SAMPLE = "'report-sample'"
    SELF = "'self'"
    STRICT_DYNAMIC = "'strict-dynamic'"
    UNSAFE_EVAL = "'unsafe-eval'"
    UNSAFE_HASHES = "'unsafe-hashes'"
    UNSAFE_INLINE = "'unsafe-inline'"
    WASM_UNSAFE_EVAL = "'wasm-unsafe-eval'"
    NONCE = "<CSP_NONCE_SENTINEL>"


def build_policy(directives: Mapping[str, Any], nonce: str = "") -> str:
    """The header's text. Without a nonce nothing may name one."""
    policy = []
    for directive, given in directives.items():
        if given in (None, False):
            continue
        if given is True:
            policy.append(directive)
            continue
        sources = sorted(given) if isinstance(given, set) else [given] if isinstance(given, str) else [*given]
        written = [f"'nonce-{nonce}'" if source == CSP.NONCE else source for source in sources]
        if written := [source for source in written if nonce or source != "'nonce-'"]:
            policy.append(" ".join([directive, *written]))
    return "; ".join(policy)
