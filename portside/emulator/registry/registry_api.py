"""The catalogue as a registry: the pull part of https://github.com/opencontainers/distribution-spec.

As at ghcr.io with private images, the password gets a token for one image, which all other requests need.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Mapping
from urllib.parse import quote

from portside.emulator.loopback_http import Answer, Handler, Request, json_answer
from portside.emulator.registry.catalogue import Catalogue, Image
from portside.emulator.registry.catalogue_faults import CatalogueFaults, for_other_platform

API = "registry"
SERVICE = "portside-catalogue"
TOKEN_SECONDS = 300
LARGEST_PAGE = 1000

_ROUTE = re.compile(
    r"/v2/(?P<path>.+?)/(?:manifests/(?P<manifest>[^/]+)|blobs/(?P<blob>[^/]+)|tags/(?P<tags>list))", re.ASCII
)
_SCOPE = re.compile(r"repository:(?P<path>[^:]+):.*")


def path_of_request(request: Request) -> str | None:
    """The image that a request is about, if it is about one."""
    if request.path == "/token":
        scope = _SCOPE.fullmatch(request.query.get("scope", ""))
        return scope["path"] if scope else None
    route = _ROUTE.fullmatch(request.path)
    return route["path"] if route else None


def problem(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> Answer:
    """An error in the format of registries."""
    return json_answer({"errors": [{"code": code, "message": message, "detail": None}]}, status, headers)


_LOG_IN = problem(401, "UNAUTHORIZED", "authentication required", {"www-authenticate": f'Basic realm="{SERVICE}"'})


def challenge(request: Request) -> dict[str, str]:
    """The header with the address of the token for a request."""
    path = path_of_request(request)
    scope = f',scope="repository:{path}:pull"' if path else ""
    return {"www-authenticate": f'Bearer realm="{request.base_url}/token",service="{SERVICE}"{scope}'}


class Login:
    """Authentication: the password gets a token, valid until the server ends."""

    def __init__(self, password: str) -> None:
        self._password = password
        self._secret = secrets.token_bytes()

    def refusal(self, request: Request) -> Answer | None:
        """The answer to a request that is refused; None for all others."""
        if request.path == "/token":
            return None if self._knows_password(request) else _LOG_IN
        if _has_token(request, self._secret, path_of_request(request)):
            return None
        return problem(401, "UNAUTHORIZED", "authentication required", challenge(request))

    def issue_token(self, request: Request) -> Answer:
        """A token for the image that the request names."""
        return _issue_token(self._secret, path_of_request(request) or "")

    def _knows_password(self, request: Request) -> bool:
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        try:
            password = base64.b64decode(given).partition(b":")[2] if kind.lower() == "basic" else b""
        except ValueError:
            return False
        return hmac.compare_digest(password, self._password.encode())


def handler(catalogue: Catalogue, faults: CatalogueFaults, login: Login) -> Handler:
    """The handler below /v2/ and at /token, for requests that `login` accepts."""

    async def answer(request: Request) -> Answer:
        if request.method not in ("GET", "HEAD"):
            return problem(405, "UNSUPPORTED", "this registry is for reading only")
        if request.path == "/token":
            return login.issue_token(request)
        if request.path in ("/v2", "/v2/"):
            return json_answer({})
        route = _ROUTE.fullmatch(request.path)
        if not route:
            return problem(404, "UNSUPPORTED", "not found")
        images = catalogue.versions(route["path"])
        if not images:
            return problem(404, "NAME_UNKNOWN", "repository name not known to registry")
        known = [image for image in images if image.recipe]
        if route["manifest"]:
            return _manifest(known, route["path"], route["manifest"], faults)
        if route["blob"]:
            return _blob(known, route["blob"])
        shown = faults.changed(known, ("edge-missing", "edge-only"), API, route["path"])
        return _tags(shown, request, route["path"])

    return answer


def _manifest(images: list[Image], path: str, reference: str, faults: CatalogueFaults) -> Answer:
    if ":" in reference:
        for image in _for_all_platforms(images):
            if image.content and reference in image.content.manifests:
                return _document(*image.content.manifests[reference], reference)
    else:
        for image in faults.changed(images, _of_tag(reference), API, path):
            if image.content and reference in image.tags:
                return _document(*image.content.manifests[image.digest], image.digest)
    return problem(404, "MANIFEST_UNKNOWN", "manifest unknown")


def _of_tag(tag: str) -> tuple[str, ...]:
    """The content faults that affect a tag."""
    if tag == "edge":
        return ("edge-missing", "wrong-platform")
    return ("edge-only", "wrong-platform") if tag.startswith("sha-") else ("wrong-platform",)


def _blob(images: list[Image], digest: str) -> Answer:
    for image in _for_all_platforms(images):
        if image.content and digest in image.content.blobs:
            return _document("application/octet-stream", image.content.blobs[digest], digest)
    return problem(404, "BLOB_UNKNOWN", "blob unknown to registry")


def _for_all_platforms(images: list[Image]) -> list[Image]:
    """The images also for the other platform, because a faulty answer refers to them by digest."""
    return [*images, *(for_other_platform(image) for image in images)]


def _document(media_type: str, content: bytes, digest: str) -> Answer:
    return Answer(200, content, media_type, {"docker-content-digest": digest, "etag": f'"{digest}"'})


def _tags(images: list[Image], request: Request, path: str) -> Answer:
    tags = sorted(tag for image in images for tag in image.tags if tag > request.query.get("last", ""))
    number = request.query.get("n", str(LARGEST_PAGE))
    if not number.isdecimal():
        return problem(400, "PAGINATION_NUMBER_INVALID", "invalid number of results requested")
    page = tags[: min(int(number), LARGEST_PAGE)]
    following = {}
    if page and len(page) < len(tags):
        following["link"] = f'</v2/{path}/tags/list?n={len(page)}&last={quote(page[-1])}>; rel="next"'
    return json_answer({"name": path, "tags": page}, 200, following)


def _issue_token(secret: bytes, path: str) -> Answer:
    issued = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return json_answer({"token": _token(secret, path), "expires_in": TOKEN_SECONDS, "issued_at": issued})


def _token(secret: bytes, path: str) -> str:
    proof = hmac.new(secret, path.encode(), hashlib.sha256).hexdigest()
    return f"{base64.urlsafe_b64encode(path.encode()).decode()}.{proof}"


def _has_token(request: Request, secret: bytes, path: str | None) -> bool:
    """Whether a request has the token of its image, or any token if it is about none."""
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer":
        return False
    try:
        own = base64.urlsafe_b64decode(given.partition(".")[0]).decode() if path is None else path
    except ValueError:
        return False
    return hmac.compare_digest(given.encode(), _token(secret, own).encode())
