"""Where files are kept that visitors send: a bucket, on a developer's machine a folder, and without either nowhere.

All three have the same verbs. A name is the store's own choice, random, and ends as the file's content says. What
begins with ``public/`` has an address for everybody and for ever, as in a bucket of Bucketeer's; the address of
anything else expires.

The libraries are imported where there is a bucket only. A store that does not answer costs a thread seconds, once:
until it answers again, all others are told at once, and one at a time tries.
"""

import contextlib
import functools
import gc
import ipaddress
import re
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, NamedTuple, NoReturn, Protocol
from urllib.parse import quote, urlsplit

from runtime import checklist, env, kinds, services, timeouts
from runtime.kinds import Kind

# How long the store may say nothing, and how long it may take for a whole file: less than the router waits.
WHOLE = timeouts.STATEMENT
SILENCE = min(timeouts.CONNECT + 2, WHOLE)
# How long nobody asks a store that did not answer.
PAUSE = 5
# How long an address of a private file works, and a form that sends one.
READABLE = 3600
SENDABLE = 600
PIECE = 65536

NO_BUCKET = (
    "No bucket is attached: no file is taken or shown, and pages with files answer 503.",
    "Attach one: heroku addons:create bucketeer:hobbyist",
)
services.MISSING["files"] = " ".join(NO_BUCKET)
services.LOOK_AT["files"] = "heroku addons:info bucketeer"
LOOK = f"Look at it: {services.LOOK_AT['files']}"

NAMES = ("BUCKET_NAME", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_ENDPOINT_URL_S3")


class StoreError(services.UnavailableError):
    """The store did not do what it was asked to. Its text names neither keys nor signatures."""


class Form(NamedTuple):
    """What a page's form needs with which a browser sends a file to the bucket itself."""

    address: str
    fields: Mapping[str, str]


class Stored(NamedTuple):
    """A file that is there."""

    name: str
    size: int
    since: datetime


class Store(Protocol):
    """What every store can do."""

    def ask(self) -> object:
        """Raise where it does not answer."""

    def save(self, file: IO[bytes], folder: str) -> str:
        """Keep a file, and return the name that it was given."""

    def open(self, name: str) -> IO[bytes]: ...
    def exists(self, name: str) -> bool: ...
    def size(self, name: str) -> int: ...
    def delete(self, name: str) -> None:
        """Drop a file; one that is not there is none the less gone."""

    def url(self, name: str, title: str = "") -> str:
        """Where a browser gets a file, under another title where it keeps it."""

    def list(self, folder: str) -> Iterator[Stored]: ...
    def form(self, name: str, kind: Kind, most: int, back_to: str) -> Form | None:
        """What sends a file of one kind under one name, up to a size, and then comes back; None where none can."""

    def arrived(self, name: str, kind: Kind, most: int) -> int | None:
        """The size of a file that was promised, or None where it is not there or not what was promised."""


def new_name(folder: str, kind: Kind) -> str:
    """A name that nobody can guess, and nobody has chosen."""
    return f"{folder}/{secrets.token_hex(16)}{kind.ending}".removeprefix("./")


def disposition(name: str, title: str) -> str:
    """What a browser does with a file, as RFC 6266 has it, so that a title can say nothing else."""
    ending = name[name.rfind(".") :]
    kind = next((kind for kind in kinds.KINDS.values() if kind.ending == ending), kinds.UNKNOWN)
    if not title:
        return kind.disposition
    return f"{kind.disposition}; filename*=UTF-8''{quote(title.removesuffix(ending) + ending, safe='')}"


# On a developer's machine


@dataclass(frozen=True)
class Folder:
    """Keeps files in a folder, which the development server serves below /media/."""

    path: Path

    def at(self, name: str) -> Path:
        path = (self.path / name).resolve()
        if not path.is_relative_to(self.path.resolve()):
            raise FileNotFoundError(name)
        return path

    def ask(self) -> None: ...

    def save(self, file: IO[bytes], folder: str) -> str:
        name = new_name(folder, kinds.of(file))
        self.at(name).parent.mkdir(parents=True, exist_ok=True)
        with self.at(name).open("wb") as copy:
            shutil.copyfileobj(file, copy)
        return name

    def open(self, name: str) -> IO[bytes]:
        return self.at(name).open("rb")

    def exists(self, name: str) -> bool:
        with contextlib.suppress(FileNotFoundError):
            return self.at(name).is_file()
        return False

    def size(self, name: str) -> int:
        return self.at(name).stat().st_size

    def delete(self, name: str) -> None:
        self.at(name).unlink(missing_ok=True)

    def url(self, name: str, title: str = "") -> str:
        return f"/media/{quote(name)}"

    def list(self, folder: str) -> Iterator[Stored]:
        for path in sorted(self.at(folder).rglob("*")):
            if path.is_file():
                found = path.stat()
                name = path.relative_to(self.path.resolve()).as_posix()
                yield Stored(name, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))

    def form(self, name: str, kind: Kind, most: int, back_to: str) -> None:
        return None

    def arrived(self, name: str, kind: Kind, most: int) -> None:
        return None

    def headers(self, name: str) -> dict[str, str]:
        """What a file is served with: its own kind, and a policy that lets nothing in it run."""
        with self.open(name) as file:
            kind = kinds.of(file)
        return {
            "Content-Disposition": kind.disposition,
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Content-Type": kind.media_type,
        }


# In production without a bucket


class Nowhere:
    """Takes no file, and says why."""

    def ask(self) -> NoReturn:
        raise StoreError(" ".join(NO_BUCKET))

    def save(self, file: IO[bytes], folder: str) -> NoReturn:
        self.ask()

    def open(self, name: str) -> NoReturn:
        self.ask()

    def exists(self, name: str) -> NoReturn:
        self.ask()

    def size(self, name: str) -> NoReturn:
        self.ask()

    def delete(self, name: str) -> NoReturn:
        self.ask()

    def url(self, name: str, title: str = "") -> NoReturn:
        self.ask()

    def list(self, folder: str) -> NoReturn:
        self.ask()

    def form(self, name: str, kind: Kind, most: int, back_to: str) -> NoReturn:
        self.ask()

    def arrived(self, name: str, kind: Kind, most: int) -> NoReturn:
        self.ask()


# In production


class Fuse:
    """Lets nobody wait for what has just kept somebody waiting."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.until: float | None = None
        self.trying = False

    def enter(self) -> None:
        """Raise where it is blown, unless it is time that somebody tries."""
        with self.lock:
            if self.until is not None:
                if self.trying or time.monotonic() < self.until:
                    raise StoreError(f"The store did not answer a moment ago. {LOOK}")
                self.trying = True

    def leave(self, *, answered: bool) -> None:
        with self.lock:
            self.until = None if answered else time.monotonic() + PAUSE
            self.trying = False


class Timed:
    """A file that can be read for so long and no longer: time-outs of a socket only limit each piece."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.end = time.monotonic() + WHOLE
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1) -> bytes:
        hurry(self.end)
        return self.file.read(size)


def hurry(end: float) -> None:
    if time.monotonic() > end:
        raise TimeoutError(f"not done within {WHOLE} s")


@dataclass(frozen=True)
class Bucket:
    """Keeps files in a bucket that speaks S3's protocol."""

    name: str
    key: str = field(repr=False)
    secret: str = field(repr=False)
    region: str
    endpoint: str
    # Whether an address has the bucket's name in its path, where a host of that name does not exist.
    in_path: bool

    @property
    def origin(self) -> str:
        """What a page's policy lets in."""
        scheme, _, host = self.endpoint.partition("://")
        return self.endpoint if self.in_path else f"{scheme}://{self.name}.{host}"

    @functools.cached_property
    def fuse(self) -> Fuse:
        return Fuse()

    @functools.cached_property
    def client(self) -> Any:
        """AWS' own, which any number of threads may use. Made before the fork, so that workers share its memory."""
        import botocore.session
        from botocore.config import Config

        return botocore.session.Session().create_client(
            "s3",
            aws_access_key_id=self.key,
            aws_secret_access_key=self.secret,
            endpoint_url=self.endpoint,
            region_name=self.region,
            config=Config(
                connect_timeout=timeouts.CONNECT,
                max_pool_connections=services.THREADS,
                read_timeout=SILENCE,
                # Checksums that came in 2025, which other makers' stores do not all understand.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                retries={"total_max_attempts": 1},
                s3={"addressing_style": "path" if self.in_path else "virtual"},
                signature_version="s3v4",
            ),
        )

    @contextlib.contextmanager
    def asking(self, *, anyway: bool = False) -> Iterator[Any]:
        """The client, whose failures become ``StoreError``."""
        import botocore.exceptions as botocore

        if not anyway:
            self.fuse.enter()
        answered = True
        try:
            yield self.client
        except botocore.ClientError as error:
            # An answer, if not the one that was hoped for.
            raise StoreError(f"The store refused: {code(error)} ({error.operation_name}). {LOOK}") from None
        except (botocore.BotoCoreError, TimeoutError) as error:
            answered = False
            raise StoreError(f"The store did not answer: {type(error).__name__} at {self.origin}. {LOOK}") from None
        finally:
            self.fuse.leave(answered=answered)

    def ask(self) -> None:
        with self.asking(anyway=True) as client:
            client.head_bucket(Bucket=self.name)

    def save(self, file: IO[bytes], folder: str) -> str:
        kind = kinds.of(file)
        name = new_name(folder, kind)
        with self.asking() as client:
            client.put_object(
                Bucket=self.name,
                Key=name,
                Body=Timed(file),
                ContentType=kind.media_type,
                ContentDisposition=kind.disposition,
            )
        return name

    def open(self, name: str) -> IO[bytes]:
        copy = tempfile.SpooledTemporaryFile(max_size=1_000_000)  # noqa: SIM115
        with self.asking() as client:
            end = time.monotonic() + WHOLE
            with missing(name):
                body = client.get_object(Bucket=self.name, Key=name)["Body"]
            with contextlib.closing(body):
                while piece := body.read(PIECE):
                    copy.write(piece)
                    hurry(end)
        copy.seek(0)
        return copy

    def head(self, name: str) -> Mapping[str, Any] | None:
        """What the store says of a file, or None where there is none."""
        with self.asking() as client, contextlib.suppress(FileNotFoundError), missing(name):
            found: Mapping[str, Any] = client.head_object(Bucket=self.name, Key=name)
            return found
        return None

    def exists(self, name: str) -> bool:
        return self.head(name) is not None

    def size(self, name: str) -> int:
        if (found := self.head(name)) is None:
            raise FileNotFoundError(name)
        return int(found["ContentLength"])

    def delete(self, name: str) -> None:
        with self.asking() as client:
            client.delete_object(Bucket=self.name, Key=name)

    def url(self, name: str, title: str = "") -> str:
        if name.startswith("public/"):
            path = f"/{self.name}/{name}" if self.in_path else f"/{name}"
            return f"{self.origin}{quote(path)}"
        parameters = {"Bucket": self.name, "Key": name}
        if title:
            parameters["ResponseContentDisposition"] = disposition(name, title)
        url: str = self.client.generate_presigned_url("get_object", Params=parameters, ExpiresIn=READABLE)
        return url

    def list(self, folder: str) -> Iterator[Stored]:
        following: dict[str, str] = {}
        while True:
            with self.asking() as client:
                page = client.list_objects_v2(Bucket=self.name, Prefix=f"{folder}/", **following)
            for found in page.get("Contents", []):
                yield Stored(found["Key"], found["Size"], found["LastModified"])
            if not page.get("IsTruncated"):
                return
            following = {"ContinuationToken": page["NextContinuationToken"]}

    def form(self, name: str, kind: Kind, most: int, back_to: str) -> Form:
        fields = {
            "Content-Disposition": kind.disposition,
            "Content-Type": kind.media_type,
            "success_action_redirect": back_to,
        }
        post = self.client.generate_presigned_post(
            self.name,
            name,
            Fields=fields,
            Conditions=[*({one: value} for one, value in fields.items()), ["content-length-range", 1, most]],
            ExpiresIn=SENDABLE,
        )
        return Form(post["url"], post["fields"])

    def arrived(self, name: str, kind: Kind, most: int) -> int | None:
        if not (found := self.head(name)):
            return None
        with self.asking() as client:
            body = client.get_object(Bucket=self.name, Key=name, Range=f"bytes=0-{kinds.HEAD - 1}")["Body"]
            with contextlib.closing(body):
                seen = kinds.of_head(body.read(kinds.HEAD))
        size = int(found["ContentLength"])
        if seen == kind and found["ContentType"] == kind.media_type and size <= most:
            return size
        self.delete(name)
        return None


def code(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", "no reason given"))


@contextlib.contextmanager
def missing(name: str) -> Iterator[None]:
    """Turn a store's 404 into what Python raises where there is no such file."""
    from botocore.exceptions import ClientError

    try:
        yield
    except ClientError as error:
        if code(error) in {"404", "NoSuchKey"}:
            raise FileNotFoundError(name) from None
        raise


# Which of them


@checklist.ITEMS.append
def files() -> checklist.Item:
    named = env.text("BUCKET_NAME") or env.text("BUCKETEER_BUCKET_NAME")
    return checklist.Item("Files", "in a bucket" if named else "in the folder media/", NO_BUCKET[1].partition(": ")[2])


def attached_store(folder: Path, *, debug: bool) -> Store:
    """The store that the environment names; where it names none, with DEBUG that folder, else nowhere."""
    prefix = "BUCKETEER_" if env.text("BUCKETEER_BUCKET_NAME") and not env.text("BUCKET_NAME") else ""
    name, key, secret, region, endpoint = (env.text(f"{prefix}{variable}") for variable in NAMES)
    if not name:
        if debug:
            return Folder(folder)
        env.advise(*NO_BUCKET)
        return Nowhere()
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]", name):
        env.refuse(f"{prefix}BUCKET_NAME is {name!r}, not the name of a bucket.", "It looks like my-project-files.")
    for variable, value in zip(NAMES[1:3], (key, secret), strict=True):
        if not value:
            env.refuse(
                f"{prefix}BUCKET_NAME is set, and {prefix}{variable} is not.",
                f"Set it: heroku config:set {prefix}{variable}=…",
            )
    region = region or "us-east-1"
    endpoint = (endpoint or f"https://s3.{region}.amazonaws.com").rstrip("/")
    try:
        parts = urlsplit(endpoint)
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or parts.path or parts.query or parts.username or not re.fullmatch(r"[a-z0-9-]+", region):
        env.refuse(
            f"AWS_ENDPOINT_URL_S3 is {services.without_password(endpoint)!r} and AWS_REGION {region!r}, "
            "which is no store's address.",
            "They look like https://s3.eu-central-1.amazonaws.com and eu-central-1.",
        )
    in_path = env.flag("BUCKET_IN_PATH", default=not has_hosts(parts.hostname or "", name))
    return Bucket(name, key, secret, region, endpoint, in_path)


def has_hosts(host: str, bucket: str) -> bool:
    """Whether each bucket of a store is likely to have a host of its own, with a certificate that is good for it."""
    with contextlib.suppress(ValueError):
        return not ipaddress.ip_address(host)
    return "." in host and not host.endswith(".localhost") and "." not in bucket and bucket == bucket.lower()


def needed(store: Store) -> dict[str, Callable[[], object] | None]:
    """What readiness asks: the bucket, or None where there is none; a developer's folder is always there."""
    if isinstance(store, Folder):
        return {}
    return {"files": store.ask if isinstance(store, Bucket) else None}


def let_in(store: Store, policy: MutableMapping[str, Any]) -> None:
    """Let pages show the bucket's pictures, and send files to it, under a content security policy.

    The policy has a list of sources for each directive; what it does not restrict stays so.
    """
    if not isinstance(store, Bucket):
        return
    for directive in "connect-src", "form-action", "img-src":
        # Where forms lead is the one that no default restricts.
        default = [] if directive == "form-action" else policy.get("default-src", [])
        if sources := policy.get(directive, default):
            others = (source for source in sources if source not in {store.origin, "'none'"})
            policy[directive] = [*others, store.origin]


def prepare(store: Store) -> None:
    """Have everything imported and made before the fork."""
    if isinstance(store, Bucket):
        # Each operation's own rules are read when it is first signed.
        store.url("a")
        store.form("a", kinds.UNKNOWN, 1, "https://localhost/")
        # Or each worker's collector, which marks all that it looks at, would make a copy of the protocol's description.
        gc.collect()
        gc.freeze()
