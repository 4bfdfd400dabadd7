"""A bucket that believes nobody: it recomputes each signature, and holds each form to its policy.

What it expects is botocore's. Servers that others have made for tests, moto and s3rver, take a tampered signature and a
form over its limit, so that against them nothing is proved.
"""

import base64
import contextlib
import hashlib
import hmac
import json
import os
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from xml.sax.saxutils import escape

from botocore.auth import S3SigV4Auth, S3SigV4PostAuth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.dyno import PATIENCE

REGION = "eu-central-1"


class RefusalError(Exception):
    """What a store answers in XML."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


@dataclass
class Object:
    content: bytes
    headers: dict[str, str]
    since: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass
class Bucket:
    """A bucket's contents and keys, and what is wrong with it just now."""

    name: str = "a-bucket"
    key: str = "AKIDOFTHETESTS"
    secret: str = "a/secret+of/the/tests"
    endpoint: str = ""
    objects: dict[str, Object] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    # While it is not set, whoever asks waits.
    answers: threading.Event = field(default_factory=threading.Event)
    someone_waits: threading.Event = field(default_factory=threading.Event)

    @property
    def variables(self) -> dict[str, str]:
        """What a platform sets."""
        return {
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_ENDPOINT_URL_S3": self.endpoint,
            "AWS_REGION": REGION,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "BUCKET_NAME": self.name,
        }

    def age(self, by: timedelta) -> None:
        """Let time pass for all that it holds."""
        for kept in self.objects.values():
            kept.since -= by

    # Signatures

    def check(self, request: AWSRequest, headers: Mapping[str, str], body: bytes) -> None:
        """Raise unless a request is signed, by a header or in its address, and not too old."""
        query = dict(parse_qsl(urlsplit(request.url).query, keep_blank_values=True))
        if "X-Amz-Signature" in query:
            self.check_address(request, query)
            return
        given = dict(re.findall(r"(\w+)=([^,\s]+)", headers.get("Authorization", "")))
        if not given:
            raise RefusalError(403, "AccessDenied")
        stamp = headers["X-Amz-Date"]
        self.check_scope(given["Credential"], stamp)
        if abs(datetime.now(UTC) - instant(stamp)) > timedelta(minutes=15):
            raise RefusalError(403, "RequestTimeTooSkewed")
        declared = headers["X-Amz-Content-SHA256"]
        if declared != "UNSIGNED-PAYLOAD" and declared != hashlib.sha256(body).hexdigest():
            raise RefusalError(400, "XAmzContentSHA256Mismatch")
        for name in given["SignedHeaders"].split(";"):
            request.headers[name] = headers[name]
        self.compare(S3SigV4Auth, request, stamp, given["Signature"])

    def check_address(self, request: AWSRequest, query: dict[str, str]) -> None:
        stamp = query["X-Amz-Date"]
        self.check_scope(query["X-Amz-Credential"], stamp)
        if not 0 < int(query["X-Amz-Expires"]) <= 7 * 86400:
            raise RefusalError(403, "AuthorizationQueryParametersError")
        if datetime.now(UTC) > instant(stamp) + timedelta(seconds=int(query["X-Amz-Expires"])):
            raise RefusalError(403, "AccessDenied")
        request.url = re.sub(r"&?X-Amz-Signature=[^&]*", "", request.url)
        self.compare(S3SigV4QueryAuth, request, stamp, query["X-Amz-Signature"])

    def check_scope(self, credential: str, stamp: str) -> None:
        if credential.partition("/")[0] != self.key:
            raise RefusalError(403, "InvalidAccessKeyId")
        if credential != f"{self.key}/{stamp[:8]}/{REGION}/s3/aws4_request":
            raise RefusalError(403, "AuthorizationHeaderMalformed")

    def compare(self, signer: type, request: AWSRequest, stamp: str, signature: str) -> None:
        auth = signer(Credentials(self.key, self.secret), "s3", REGION)
        request.context["timestamp"] = stamp
        text = auth.string_to_sign(request, auth.canonical_request(request))
        if not hmac.compare_digest(auth.signature(text, request), signature):
            raise RefusalError(403, "SignatureDoesNotMatch")

    # Forms

    def take(self, fields: dict[str, str], content: bytes) -> str:
        """Keep what a form has sent, if its policy is ours and lets it, and return where to go."""
        stamp, policy = fields.get("x-amz-date", ""), fields.get("policy", "")
        if not policy:
            raise RefusalError(403, "AccessDenied")
        self.check_scope(fields["x-amz-credential"], stamp)
        request = AWSRequest("POST", self.endpoint)
        request.context["timestamp"] = stamp
        auth = S3SigV4PostAuth(Credentials(self.key, self.secret), "s3", REGION)
        if not hmac.compare_digest(auth.signature(policy, request), fields["x-amz-signature"]):
            raise RefusalError(403, "SignatureDoesNotMatch")
        promised = json.loads(base64.b64decode(policy))
        if datetime.now(UTC) > datetime.fromisoformat(promised["expiration"]):
            raise RefusalError(403, "AccessDenied")
        self.hold(promised["conditions"], fields, len(content))
        self.objects[fields["key"]] = Object(content, about(fields))
        return fields.get("success_action_redirect", "")

    def hold(self, conditions: list[Any], fields: dict[str, str], size: int) -> None:
        """Raise unless every condition is met, and every field has one."""
        named = {"policy", "x-amz-signature"}
        given = fields | {"bucket": self.name}
        for condition in conditions:
            rules = (
                [["eq", f"${name}", value] for name, value in condition.items()]
                if isinstance(condition, dict)
                else [condition]
            )
            for rule, name, value in rules:
                if rule == "content-length-range":
                    if size > int(value):
                        raise RefusalError(400, "EntityTooLarge")
                    if size < int(name):
                        raise RefusalError(400, "EntityTooSmall")
                    continue
                found = given.get(name.removeprefix("$"), "")
                if not (found == value if rule == "eq" else found.startswith(value)):
                    raise RefusalError(403, "AccessDenied")
                named.add(name.removeprefix("$"))
        if {*fields} - named:
            raise RefusalError(403, "AccessDenied")


def instant(stamp: str) -> datetime:
    return datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def about(fields: Mapping[str, str]) -> dict[str, str]:
    """What is kept of a file beside its content."""
    return {name: fields[name] for name in ("Content-Type", "Content-Disposition") if name in fields}


def read_form(content_type: str, body: bytes) -> tuple[dict[str, str], bytes]:
    """The fields of a form that come before its file, and the file."""
    boundary = content_type.partition("boundary=")[2].strip('"').encode()
    fields: dict[str, str] = {}
    for part in body.split(b"--" + boundary)[1:-1]:
        head, _, value = part.removeprefix(b"\r\n").removesuffix(b"\r\n").partition(b"\r\n\r\n")
        name = re.findall(rb'name="([^"]*)"', head)[0].decode()
        if name == "file":
            return fields, value
        fields[name] = value.decode()
    raise RefusalError(400, "InvalidArgument")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    bucket: Bucket

    def log_message(self, format: str, *arguments: object) -> None: ...

    def handle_expect_100(self) -> bool:
        # With the answer itself, where it has none yet.
        return super().handle_expect_100() if self.bucket.answers.is_set() else True

    def do(self) -> None:
        self.bucket.asked.append(f"{self.command} {self.path.partition('?')[0]}")
        if not self.bucket.answers.is_set():
            self.bucket.someone_waits.set()
            self.bucket.answers.wait(PATIENCE)
            self.close_connection = True
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            self.answer(body)
        except RefusalError as refusal:
            text = f"<Error><Code>{refusal.code}</Code><Message>No.</Message></Error>".encode()
            self.reply(refusal.status, text, {"Content-Type": "application/xml"})

    do_DELETE = do_GET = do_HEAD = do_POST = do_PUT = do  # noqa: N815

    def reply(self, status: int, content: bytes = b"", headers: Mapping[str, str] = {}) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def answer(self, body: bytes) -> None:
        bucket, path = self.bucket, unquote(urlsplit(self.path).path)
        name = path.removeprefix(f"/{bucket.name}").removeprefix("/")
        if self.command == "POST":
            fields, content = read_form(self.headers["Content-Type"], body)
            if target := bucket.take(fields, content):
                self.reply(303, headers={"Location": f"{target}&bucket={bucket.name}&key={quote(fields['key'])}"})
            else:
                self.reply(204)
            return
        if not (name.startswith("public/") and self.command == "GET"):
            bucket.check(AWSRequest(self.command, bucket.endpoint + self.path), self.headers, body)
        if not path.startswith(f"/{bucket.name}"):
            raise RefusalError(404, "NoSuchBucket")
        query = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        if self.command == "PUT":
            bucket.objects[name] = Object(body, about(self.headers))
            self.reply(200, headers={"ETag": '"etag"'})
        elif self.command == "DELETE":
            bucket.objects.pop(name, None)
            self.reply(204)
        elif not name:
            self.reply(200, self.listing(query) if self.command == "GET" else b"", {"Content-Type": "application/xml"})
        elif found := bucket.objects.get(name):
            self.send(found, query)
        else:
            raise RefusalError(404, "NoSuchKey")

    def send(self, found: Object, query: dict[str, str]) -> None:
        headers = found.headers | {"Last-Modified": format_datetime(found.since, usegmt=True), "ETag": '"etag"'}
        if "response-content-disposition" in query:
            headers["Content-Disposition"] = query["response-content-disposition"]
        first, last = (re.findall(r"\d+", self.headers.get("Range", "")) or [0, len(found.content)])[:2]
        content = found.content[int(first) : int(last) + 1]
        if self.command == "HEAD":
            headers["Content-Length"] = str(len(found.content))
        self.reply(206 if "Range" in self.headers else 200, content, headers)

    def listing(self, query: dict[str, str]) -> bytes:
        """Two a page, so that whoever wants all must ask again."""
        names = sorted(name for name in self.bucket.objects if name.startswith(query.get("prefix", "")))
        start = int(query.get("continuation-token", 0))
        shown, more = names[start : start + 2], len(names) > start + 2
        contents = "".join(
            f"<Contents><Key>{escape(name)}</Key><Size>{len(self.bucket.objects[name].content)}</Size>"
            f"<LastModified>{self.bucket.objects[name].since:%Y-%m-%dT%H:%M:%S.000Z}</LastModified></Contents>"
            for name in shown
        )
        token = f"<NextContinuationToken>{start + 2}</NextContinuationToken>" if more else ""
        result = f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}{contents}"
        return f"<ListBucketResult>{result}</ListBucketResult>".encode()


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 100

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: clients hang up, as they are meant to."""


@contextlib.contextmanager
def bucket() -> Iterator[Bucket]:
    """An empty bucket that answers, on this machine."""
    made = Bucket()
    made.answers.set()
    server = Server(("127.0.0.1", 0), type("Bound", (Handler,), {"bucket": made}))
    made.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield made
    finally:
        made.answers.set()
        server.shutdown()
        thread.join(PATIENCE)
        server.server_close()


def real_bucket() -> dict[str, str] | None:
    """The variables of a bucket elsewhere, which TEST_BUCKET_NAME and its like name."""
    names = {
        "AWS_ACCESS_KEY_ID": "TEST_BUCKET_KEY",
        "AWS_ENDPOINT_URL_S3": "TEST_BUCKET_ENDPOINT",
        "AWS_REGION": "TEST_BUCKET_REGION",
        "AWS_SECRET_ACCESS_KEY": "TEST_BUCKET_SECRET",
        "BUCKET_NAME": "TEST_BUCKET_NAME",
    }
    given = {name: os.environ[other] for name, other in names.items() if os.environ.get(other)}
    return given if "BUCKET_NAME" in given else None
