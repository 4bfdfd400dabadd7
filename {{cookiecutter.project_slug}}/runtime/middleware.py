"""What happens to a request before the framework sees it and to every response after it, in plain WSGI.

A request gets its id and the address of its visitor; health checks are answered; a host that is not ours is refused;
any but the canonical host leads there; plain HTTP is sent to HTTPS. Every response, static files and errors included,
gets the security headers that it does not have yet.
"""

import ipaddress
import json
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

from runtime import env, logs, services, timeouts
from runtime.csp import CSP, ENFORCED, LEFT_OUT, NONCE, REPORTED, build_policy
from runtime.hosts import bare, is_allowed, port_of

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# What a response says if it does not say otherwise: a view that must embed or be embedded sets its own header.
SECURITY_HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

HSTS = "Strict-Transport-Security"

# What a request's target may hold and a Location header too.
URL_CHARACTERS = "%/:?#[]@!$&'()*+,;=~"

# How long a service may take to answer: longer than its driver takes to say why it cannot.
PATIENCE = timeouts.CONNECT + 0.5

logger = logging.getLogger(__name__)


class Middleware:
    """Wraps a WSGI application; see the module's text for what it does.

    ``hosts`` are those that it answers, ``.example.com`` for a domain and all below it, ``*`` for any; of them
    ``local_hosts`` only to requests from this machine; all others lead to the ``canonical_host``, where there is one,
    but for health checks, and not with ``debug``. ``services`` are those it needs, each with a function that
    raises where it does not answer, or None where none is attached. ``error`` gives the body and the headers of a
    status, in the form that its request prefers.
    ``csp`` and ``csp_report_only`` are content security policies as in ``runtime/csp.py``. ``https`` says whether plain
    HTTP is sent there, ``hsts_seconds`` how long browsers shall remember it. With ``debug`` the framework shows its own
    page of an exception, and what leaves it goes on where ``testing`` says so.
    """

    def __init__(
        self,
        application: "WSGIApplication",
        *,
        hosts: Sequence[str],
        services: Mapping[str, Callable[[], object] | None],
        error: Callable[[int, "WSGIEnvironment"], tuple[str, Mapping[str, str]]],
        local_hosts: Sequence[str] = (),
        canonical_host: str = "",
        csp: Mapping[str, Any] | None = None,
        csp_report_only: Mapping[str, Any] | None = None,
        https: bool = True,
        hsts_seconds: int = 0,
        debug: bool = False,
        testing: Callable[[], bool] = lambda: False,
    ) -> None:
        self.application = application
        self.hosts, self.services, self.error = hosts, services, error
        self.local_hosts = local_hosts
        self.canonical_host = "" if debug else canonical_host
        self.headers = [(name.lower(), name, value) for name, value in SECURITY_HEADERS.items()]
        if https:
            self.headers.append((HSTS.lower(), HSTS, f"max-age={hsts_seconds}"))
        # Each without a nonce, and with a place for one.
        self.policies = [
            (name.lower(), name, build_policy(policy), build_policy(policy, CSP.NONCE))
            for name, policy in ((ENFORCED, csp), (REPORTED, csp_report_only))
            if policy
        ]
        self.https, self.debug, self.testing = https, debug, testing

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        request_id = logs.accept_request_id(environ.get("HTTP_X_REQUEST_ID", ""))
        logs.request_id.set(request_id)
        logs.target.set(f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}")
        secure = environ["wsgi.url_scheme"] == "https"
        # The router's, or whoever is connected, is kept aside.
        environ["PEER_ADDR"], environ["REMOTE_ADDR"] = environ.get("REMOTE_ADDR", ""), visitor(environ)

        def start(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Callable[[bytes], object]:
            sent = {name.lower() for name, _ in headers}
            if "x-request-id" in sent:
                headers = [field for field in headers if field[0].lower() != "x-request-id"]
            more = [("X-Request-Id", request_id)]
            for lower, name, value in self.headers:
                # A browser takes no notice of it over plain HTTP.
                if lower not in sent and (secure or name is not HSTS):
                    more.append((name, value))
            nonce, left_out = environ.get(NONCE), environ.get(LEFT_OUT, ())
            for lower, name, plain, with_nonce in self.policies:
                policy = with_nonce.replace(CSP.NONCE, nonce) if nonce else plain
                if policy and lower not in sent and name not in left_out:
                    more.append((name, policy))
            return start_response(status, [*headers, *more], *exc_info)

        def respond(status: str, body: str, **headers: str) -> Iterable[bytes]:
            content = body.encode()
            fields = {"Content-Type": "text/plain"} | {name.replace("_", "-"): headers[name] for name in headers}
            start(status, [*fields.items(), ("Content-Length", str(len(content)))])
            return [] if environ["REQUEST_METHOD"] == "HEAD" else [content]

        def refuse(status: str) -> Iterable[bytes]:
            body, headers = self.error(int(status[:3]), environ)
            return respond(status, body, **headers)

        match environ["PATH_INFO"]:
            case "/healthz":
                return respond("200 OK", "ok\n", Cache_Control="no-store")
            case "/readyz":
                states = readiness(self.services)
                status = "200 OK" if set(states.values()) <= {"ok", "waiting"} else "503 Service Unavailable"
                body = json.dumps(states) + "\n"
                return respond(status, body, Content_Type="application/json", Cache_Control="no-store")
            case "/favicon.ico":  # which browsers ask for on a page that names no icon
                return respond("302 Found", "", Location="/static/icon.svg")
        if refusal := environ.get("worker.refusal"):  # by the server, to which the body was too large
            return refuse(refusal)
        host = environ.get("HTTP_HOST", "")
        name = bare(host)
        if not is_allowed(host, self.hosts) or (name in self.local_hosts and not is_local(environ)):
            hosts = ",".join([*(host for host in self.hosts if host not in self.local_hosts), name])
            cure = f" If it is yours: heroku config:set ALLOWED_HOSTS={hosts}" if name else ""
            logger.warning(f"The host {host!r} was refused.{cure}")
            return refuse("400 Bad Request")
        elsewhere = self.canonical_host not in {"", name}
        if elsewhere or (self.https and not secure):
            scheme, port = ("https", "") if self.https else (environ["wsgi.url_scheme"], port_of(host))
            path = own_path(environ.get("RAW_URI") or environ.get("REQUEST_URI") or "/")
            status = "308 Permanent Redirect" if elsewhere else "301 Moved Permanently"
            return respond(status, "", Location=f"{scheme}://{self.canonical_host if elsewhere else name}{port}{path}")
        try:
            response = self.application(environ, start)
        except Exception:
            # Whatever leaves the framework; a development server has a page of its own for it, and a test looks at it.
            if self.debug or self.testing():
                raise
            logger.exception("The application failed.")
            environ.pop(LEFT_OUT, None)
            return refuse("500 Internal Server Error")
        if environ["REQUEST_METHOD"] == "HEAD":
            if hasattr(response, "close"):
                response.close()
            return []
        return response


def visitor(environ: Mapping[str, Any]) -> str:
    """The address of whoever sent a request: what the router saw, or else who is connected.

    A router puts the address that it sees behind all that the sender wrote: it is the last entry of the last
    X-Forwarded-For, which servers join in their order. Only who is one of FORWARDED_ALLOW_IPS is believed, and only an
    address. IPv4 within IPv6 (``::ffff:192.0.2.1``) is IPv4.
    """
    peer = plain(environ.get("REMOTE_ADDR", ""))
    forwarded = plain(environ.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2])
    return forwarded if forwarded and is_trusted(peer) else peer


@lru_cache(256)
def plain(text: str) -> str:
    """An IP address as it is usually written, or "" for anything else."""
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return ""
    return str(getattr(address, "ipv4_mapped", None) or address)


def is_trusted(peer: str) -> bool:
    """Whether the X-Forwarded-For of whoever is connected counts, as Gunicorn decides it: by address or network."""
    trusted = env.words("FORWARDED_ALLOW_IPS", ["*"])
    # A router on this machine may be connected by a socket file, which has no address.
    if "*" in trusted or not peer:
        return True
    return any(ipaddress.ip_address(peer) in ipaddress.ip_network(word, strict=False) for word in trusted)


def is_local(environ: Mapping[str, Any]) -> bool:
    """Whether a request comes from this machine: whoever is connected, and the visitor of whom a proxy here tells.

    Who is connected by a socket file, or calls the application in its own process, has no address.
    """
    addresses = filter(None, [plain(environ["PEER_ADDR"]), environ["REMOTE_ADDR"]])
    return all(ipaddress.ip_address(address).is_loopback for address in addresses)


def own_path(target: str) -> str:
    """A request's target as a redirect may repeat it: a path of ours, or "/" in place of anything else.

    Behind a host, what begins otherwise would be part of its name, and what begins with two slashes may be taken for
    another's.
    """
    own = target.startswith("/") and not target.startswith(("//", "/\\"))
    return quote(target, safe=URL_CHARACTERS, encoding="latin-1") if own else "/"


def readiness(needed: Mapping[str, Callable[[], object] | None]) -> dict[str, str]:
    """The state of each service: ``ok``, ``missing`` or ``failing``; jobs may be ``waiting``, which holds no page up.

    The log has the reason and the cure.
    """
    states = dict.fromkeys(needed, "ok")
    asked = {name: Question.ask(name, check) for name, check in needed.items() if check}
    for name in needed:
        try:
            if name in asked:
                # With the states of what is in it.
                answer = asked[name].result()
                states |= answer if isinstance(answer, dict) else {}
            else:
                states[name] = "missing"
                logger.warning(services.MISSING[name])
        except Exception as error:  # whatever a driver raises, the service does not answer
            states[name] = "failing"
            reason = f"{type(error).__name__}: {error}"
            logger.warning(f"The {name} does not answer: {reason} Look at it: {services.LOOK_AT[name]}")
    return states


class Question:
    """Whether a service answers, asked in a thread of its own: one that hangs would keep each that asks it.

    No service is asked twice at a time; who wants to know meanwhile waits for the same answer. Where it has failed just
    before, only who asks anew waits, and all others are told so at once: they would keep every thread from its work.
    """

    open: ClassVar[dict[str, "Question"]] = {}
    lock = threading.Lock()

    @classmethod
    def ask(cls, name: str, check: Callable[[], object]) -> "Question":
        with cls.lock:
            last = cls.open.get(name)
            if last and not last.answer.done():
                return last.failed_before or last
            question = cls.open[name] = cls(check)
            if last and last.answer.exception():
                last.failed_before, question.failed_before = None, last
            return question

    def __init__(self, check: Callable[[], object]) -> None:
        self.check = check
        self.answer: Future[object] = Future()
        self.failed_before: Question | None = None
        self.began = time.monotonic()
        threading.Thread(target=self.run, daemon=True).start()

    def run(self) -> None:
        try:
            self.answer.set_result(self.check())
        except BaseException as error:
            self.answer.set_exception(error)

    def result(self) -> object:
        """Raise what the check has raised, or ``TimeoutError`` where it has none of either yet."""
        try:
            error = self.answer.exception(max(0.0, self.began + PATIENCE - time.monotonic()))
        except TimeoutError:
            raise TimeoutError(f"no answer for {time.monotonic() - self.began:.0f} s") from None
        if error:
            # Raised for one who asks after the other, it would keep what each was doing in its traceback.
            raise error.with_traceback(None)
        return self.answer.result()
