"""A stub on 127.0.0.1 for a registry and for GitHub's packages API, filled from a small catalogue.

Faults are given per request: what a server answers instead of what the catalogue says, as bytes or as a status.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import parse_qs, unquote, urlsplit

from portside.images.access import Access, Token
from portside.images.calls import Limits

OWNER = "sage-bionetworks"
SECRET = f"ghp_{'stand1n0123456789'}abcdefghijklmnopqrst"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
CREATED = "2026-11-02T03:04:05.678901234Z"
AMD64 = ("linux", "amd64")
ARM64 = ("linux", "arm64")
UNKNOWN = ("unknown", "unknown")

IMPATIENT = Limits(connect_seconds=0.3, read_seconds=0.3, answer_seconds=0.6, answer_bytes=200_000)
"""Limits that a test can wait for."""

_OCI = "application/vnd.oci.image"
_PULLING = "Bearer anonymous"


def digest_of(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


@dataclass(frozen=True)
class Published:
    """The digests of an image: what its tags represent, and per platform its manifest and config."""

    digest: str
    manifests: Mapping[tuple[str, str], str]
    configs: Mapping[tuple[str, str], str]


@dataclass
class Catalogue:
    """Images by repository; `versions` are those of the packages API, newest first."""

    contents: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    versions: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    private: set[str] = field(default_factory=set)

    def add(
        self,
        name: str,
        *tags: str,
        commit: str | None = COMMIT,
        platforms: Sequence[tuple[str, str]] = (AMD64,),
        is_index: bool = False,
        created: object = CREATED,
        owner: str = OWNER,
    ) -> Published:
        """Publish an image under tags, which leave the images that carried them."""
        labels = {} if commit is None else {"org.opencontainers.image.revision": commit}
        manifests, configs, entries = {}, {}, []
        for platform in platforms:
            written = dict(zip(("os", "architecture"), platform, strict=True))
            # The name makes the images of a test differ.
            config = {**written, "created": created, "config": {"Labels": labels | {"name": f"{name} {tags}"}}}
            configs[platform] = self.keep(f"{_OCI}.config.v1+json", config)
            manifest = {
                "schemaVersion": 2,
                "mediaType": f"{_OCI}.manifest.v1+json",
                "config": self.descriptor(configs[platform]),
                "layers": [],
            }
            manifests[platform] = self.keep(f"{_OCI}.manifest.v1+json", manifest)
            entries.append(self.descriptor(manifests[platform]) | {"platform": written})
        digest = manifests[platforms[0]]
        if is_index or len(platforms) > 1:
            kind = f"{_OCI}.index.v1+json"
            digest = self.keep(kind, {"schemaVersion": 2, "mediaType": kind, "manifests": entries})
        self.tag(f"{owner}/{name}", digest, *tags)
        return Published(digest, manifests, configs)

    def keep(self, kind: str, content: object) -> str:
        """Keep content under its digest."""
        body = json.dumps(content).encode()
        self.contents[digest_of(body)] = (kind, body)
        return digest_of(body)

    def descriptor(self, digest: str) -> dict[str, Any]:
        kind, body = self.contents[digest]
        return {"mediaType": kind, "digest": digest, "size": len(body)}

    def tag(self, path: str, digest: str, *tags: str) -> None:
        """Put a new version with tags on top of a package, as a push does."""
        versions = self.versions.setdefault(path, [])
        for version in versions:
            container = version["metadata"]["container"]
            container["tags"] = [tag for tag in container["tags"] if tag not in tags]
        container = {"package_type": "container", "metadata": {"container": {"tags": list(tags)}}}
        versions.insert(0, {"id": len(versions) + 1, "name": digest, "metadata": container["metadata"]})
        self.tags.setdefault(path, {}).update(dict.fromkeys(tags, digest))

    def bury(self, name: str, count: int) -> None:
        """Put versions without tags on top of a package."""
        for number in range(count):
            self.tag(f"{OWNER}/{name}", digest_of(f"{name} {number}".encode()))


@dataclass(frozen=True)
class Asked:
    """A request that came."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]

    @property
    def authorization(self) -> str | None:
        return self.headers.get("authorization")


@dataclass(frozen=True)
class Reply:
    """Answers that override the catalogue."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    kind: str = "application/json"


Fault = Reply | Callable[["_Handler"], None] | None
"""A reply, something that writes to the connection itself, or None for what the catalogue says."""


@dataclass
class StubRegistry:
    """A running server; `has_tokens` says that its registry gives out tokens and wants them."""

    catalogue: Catalogue
    has_tokens: bool = True
    wants_secret: str = SECRET
    people: tuple[str, ...] = ()
    prefix: str = ""
    delay_seconds: float = 0
    asked: list[Asked] = field(default_factory=list)
    url: str = ""
    _faults: list[tuple[re.Pattern[str], list[Fault], bool]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def fail(self, pattern: str, *faults: Fault, always: bool = False) -> None:
        """Answer requests whose path matches with faults, one each in their order, or with the last one for ever."""
        self._faults.insert(0, (re.compile(pattern), list(faults), always))

    def forget_faults(self) -> None:
        """Answer as the catalogue says again."""
        self._faults.clear()

    def next_fault(self, path: str) -> Fault:
        with self._lock:
            for pattern, faults, always in self._faults:
                if pattern.search(path) and faults:
                    return faults[0] if always and len(faults) == 1 else faults.pop(0)
        return None

    def paths(self, pattern: str = "") -> list[str]:
        """The paths of the requests that came, those that match."""
        return [each.path for each in self.asked if re.search(pattern, each.path)]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    @property
    def stand_in(self) -> StubRegistry:
        return cast("_Server", self.server).stand_in

    def log_message(self, format: str, *args: Any) -> None:
        """Send nothing."""

    def do_GET(self) -> None:
        time.sleep(self.stand_in.delay_seconds)
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        headers = {key.lower(): value for key, value in self.headers.items()}
        self.stand_in.asked.append(Asked(self.command, parts.path, query, headers))
        fault = self.stand_in.next_fault(self.path)
        if callable(fault):
            fault(self)
        else:
            self.reply(fault or self.answer(parts.path.removeprefix(self.stand_in.prefix), query))

    do_HEAD = do_GET

    def reply(self, reply: Reply) -> None:
        self.send_response(reply.status)
        headers = {"Content-Type": reply.kind, "Content-Length": str(len(reply.body))} | dict(reply.headers)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)

    def answer(self, path: str, query: Mapping[str, str]) -> Reply:
        """The answer of the catalogue."""
        if path == "/token":
            return self._token(query)
        if match := re.fullmatch(r"/v2/(.+)/(manifests|blobs|tags)/([^/]+)", path):
            return self._registry(match[1], match[2], match[3], query)
        if match := re.fullmatch(r"/(orgs|users)/([^/]+)/packages(?:/container/([^/]+)/versions)?", path):
            return self._packages(match[1], match[2], match[3], query)
        return refusal(404, "UNSUPPORTED")

    def _token(self, query: Mapping[str, str]) -> Reply:
        if not self.stand_in.has_tokens:
            return Reply(404, b"404 page not found\n", kind="text/plain")
        path = query["scope"].split(":")[1]
        if path not in self.stand_in.catalogue.tags or path in self.stand_in.catalogue.private:
            return refusal(403, "DENIED")
        return as_json({"token": "anonymous"})

    def _registry(self, path: str, kind: str, reference: str, query: Mapping[str, str]) -> Reply:
        catalogue = self.stand_in.catalogue
        if self.stand_in.has_tokens and self.headers.get("Authorization") != _PULLING:
            challenge = f'Bearer realm="{self.stand_in.url}/token",service="stub",scope="repository:{path}:pull"'
            return refusal(401, "UNAUTHORIZED", {"WWW-Authenticate": challenge})
        tags = catalogue.tags.get(path)
        if tags is None:
            return refusal(404, "NAME_UNKNOWN")
        if kind == "tags":
            size = int(query.get("n", "100"))
            left = [tag for tag in sorted(tags) if tag > query.get("last", "")]
            link = f'</v2/{path}/tags/list?n={size}&last={left[size - 1]}>; rel="next"' if len(left) > size else None
            return as_json({"name": path, "tags": left[:size]}, {"Link": link} if link else {})
        digest = tags.get(reference, reference)
        if digest not in catalogue.contents:
            return refusal(404, "MANIFEST_UNKNOWN")
        media_type, body = catalogue.contents[digest]
        return Reply(200, body, {"Docker-Content-Digest": digest}, media_type)

    def _packages(self, owners: str, owner: str, package: str | None, query: Mapping[str, str]) -> Reply:
        versions = self.stand_in.catalogue.versions
        if self.headers.get("Authorization") != f"Bearer {self.stand_in.wants_secret}":
            return as_json({"message": "Bad credentials"}, status=401)
        if (owners == "users") != (owner in self.stand_in.people):
            return as_json({"message": "Not Found"}, status=404)
        if package is None:
            names = [path.partition("/")[2] for path in versions if path.startswith(f"{owner}/")]
            return as_json([{"name": name} for name in names])
        found = versions.get(f"{owner}/{unquote(package)}")
        if found is None:
            return as_json({"message": "Package not found."}, status=404)
        size, number = int(query.get("per_page", "30")), int(query.get("page", "1"))
        page = found[(number - 1) * size : number * size]
        is_last = number * size >= len(found)
        link = f'<{self.stand_in.url}{urlsplit(self.path).path}?per_page={size}&page={number + 1}>; rel="next"'
        return as_json(page, {} if is_last else {"Link": link})


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 200

    def __init__(self, stand_in: StubRegistry) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.stand_in = stand_in

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log nothing: some tests are about a client that hangs up."""


@contextmanager
def serving(catalogue: Catalogue, **settings: Any) -> Iterator[StubRegistry]:
    """A stub on a separate port, while the block runs."""
    stub = StubRegistry(catalogue, **settings)
    server = _Server(stub)
    stub.url = f"http://127.0.0.1:{server.server_address[1]}{stub.prefix}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def as_json(content: object, headers: Mapping[str, str] | None = None, status: int = 200) -> Reply:
    return Reply(status, json.dumps(content).encode(), headers or {})


def refusal(status: int, code: str, headers: Mapping[str, str] | None = None) -> Reply:
    return as_json({"errors": [{"code": code, "message": "no"}]}, headers, status)


def redirect(target: str, status: int = 302) -> Reply:
    return Reply(status, headers={"Location": target})


def hang_up(handler: _Handler) -> None:
    """Close the connection without an answer."""
    handler.close_connection = True


def break_off(handler: _Handler) -> None:
    """Promise more than is sent."""
    handler.reply(Reply(200, b'{"half": ', {"Content-Length": "5000"}))
    handler.close_connection = True


def send_without_end(handler: _Handler) -> None:
    """Send until the client hangs up."""
    handler.reply(Reply(200, b"[", {"Content-Length": "99999999999"}))
    while True:
        handler.wfile.write(b" " * 65536)


def trickle(handler: _Handler) -> None:
    """Send a byte from time to time, until the client hangs up."""
    handler.reply(Reply(200, b"[", {"Content-Length": "1000"}))
    while True:
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.05)


def send_nothing(handler: _Handler) -> None:
    """Keep the connection, and send nothing on it until the client hangs up."""
    handler.rfile.read(1)
    handler.close_connection = True


def speak_gibberish(handler: _Handler) -> None:
    """Something that is not HTTP."""
    handler.wfile.write(b"220 mail.example.org ESMTP\r\n\r\n")
    handler.close_connection = True


def anonymous(registry: StubRegistry) -> Access:
    """Access without a token."""
    return Access(None, registries={"ghcr.io": registry.url})


def with_token(api: StubRegistry, registry: StubRegistry, secret: str = SECRET) -> Access:
    """Access with a token."""
    return Access(Token(secret), api.url, {"ghcr.io": registry.url})


def reference(name: str, tag: str = "edge", *, owner: str = OWNER) -> str:
    """How the configuration names an image on ghcr.io."""
    return f"ghcr.io/{owner}/{name}@{tag}" if tag.startswith("sha256:") else f"ghcr.io/{owner}/{name}:{tag}"
