"""The catalogue's images as GitHub's REST API lists them: https://docs.github.com/en/rest/packages/packages.

The token is the password of the images.
"""

from __future__ import annotations

import hmac
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, unquote, urlencode

from portside.emulator.loopback_http import Answer, Handler, Request, json_answer
from portside.emulator.registry.catalogue import GHCR, Catalogue, Image
from portside.emulator.registry.catalogue_faults import CONTENT_FAULTS, LARGEST_PAGE, CatalogueFaults

API = "packages"
SCOPE = "read:packages"
USUAL_PAGE = 30
REQUESTS_AN_HOUR = 5000

_DOCUMENTATION = "https://docs.github.com/rest/packages/packages"
_VERSIONS = re.compile(r"/(?P<kind>orgs|users)/(?P<owner>[^/]+)/packages/container/(?P<name>.+)/versions")
_PACKAGES = re.compile(r"/(?P<kind>orgs|users)/(?P<owner>[^/]+)/packages")


def path_of_request(request: Request) -> str | None:
    """The image that a request is about, if it is about one."""
    route = _VERSIONS.fullmatch(request.path)
    return f"{route['owner']}/{unquote(route['name'])}".lower() if route else None


def problem(status: int, message: str, headers: Mapping[str, str] | None = None) -> Answer:
    """An error in GitHub's format."""
    body = {"message": message, "documentation_url": _DOCUMENTATION, "status": str(status)}
    return json_answer(body, status, _usual_headers() | dict(headers or {}))


def quota_headers(remaining: int, seconds: float = 3600) -> dict[str, str]:
    """The headers of GitHub's rate limit, which is reset after `seconds`."""
    return {
        "x-ratelimit-limit": str(REQUESTS_AN_HOUR),
        "x-ratelimit-remaining": str(remaining),
        "x-ratelimit-used": str(REQUESTS_AN_HOUR - remaining),
        "x-ratelimit-reset": str(round(time.time() + seconds)),
        "x-ratelimit-resource": "core",
    }


def refusal(request: Request, token: str) -> Answer | None:
    """The answer to a request without the token; None for all others."""
    given = re.fullmatch(r"(?i)(?:bearer|token) +(\S+)", request.headers.get("authorization", ""))
    if given is None:
        return problem(401, "Requires authentication", {"x-oauth-scopes": "", "x-accepted-oauth-scopes": ""})
    if not hmac.compare_digest(given[1].encode(), token.encode()):
        return problem(401, "Bad credentials", {"x-oauth-scopes": ""})
    return None


def handler(catalogue: Catalogue, faults: CatalogueFaults) -> Handler:
    """The handler below /orgs/ and /users/, for requests that `refusal` accepts."""

    async def answer(request: Request) -> Answer:
        if request.method not in ("GET", "HEAD"):
            return problem(405, "Method not allowed")
        if route := _PACKAGES.fullmatch(request.path):
            return _packages(catalogue, request, route["kind"], route["owner"].lower())
        path, route = path_of_request(request), _VERSIONS.fullmatch(request.path)
        if path is None or route is None or route["kind"] == "users":
            return problem(404, "Not Found")
        images = [image for image in catalogue.versions(path) if image.recipe and image.name.startswith(GHCR)]
        if not images:
            return problem(404, "Package not found.")
        shown = faults.changed(images, CONTENT_FAULTS, API, path)
        return _page(request, shown, lambda image: _version(request, image))

    return answer


def _packages(catalogue: Catalogue, request: Request, kind: str, owner: str) -> Answer:
    if request.query.get("package_type") != "container":
        return problem(400, "The package_type must be container.")
    packages: dict[str, list[Image]] = {}
    for image in catalogue.images():
        if image.recipe and image.name.startswith(f"{GHCR}{owner}/"):
            packages.setdefault(image.path, []).append(image)
    if kind == "users" or not packages:
        return problem(404, "Not Found")
    return _page(request, list(packages.items()), lambda each: _package(request, *each))


def _page(request: Request, found: Sequence[Any], shown: Callable[[Any], dict[str, Any]]) -> Answer:
    size = min(_number(request.query.get("per_page"), USUAL_PAGE), LARGEST_PAGE)
    page = _number(request.query.get("page"), 1)
    last = max(1, -(-len(found) // size))
    others = {"prev": page - 1, "next": page + 1, "last": last, "first": 1}
    if page == 1:
        del others["prev"], others["first"]
    if page >= last:
        del others["next"], others["last"]
    query = request.query
    links = [
        f'<{request.base_url}{request.path}?{urlencode(query | {"page": number})}>; rel="{name}"'
        for name, number in others.items()
    ]
    headers = _usual_headers() | ({"link": ", ".join(links)} if links else {})
    return json_answer([shown(each) for each in found[(page - 1) * size : page * size]], 200, headers)


def _number(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isascii() and text.isdecimal() and 0 < int(text) < 10**9 else otherwise


def _version(request: Request, image: Image) -> dict[str, Any]:
    owner, name = _owner_and_name(image.path)
    return {
        "id": image.id,
        "name": image.digest,
        "url": f"{request.base_url}/orgs/{owner}/packages/container/{name}/versions/{image.id}",
        "package_html_url": f"https://github.com/orgs/{owner}/packages/container/package/{name}",
        "created_at": image.created_at,
        "updated_at": image.updated_at,
        "html_url": f"https://github.com/orgs/{owner}/packages/container/{name}/{image.id}",
        "metadata": {"package_type": "container", "container": {"tags": list(image.tags)}},
    }


def _package(request: Request, path: str, images: list[Image]) -> dict[str, Any]:
    owner, name = _owner_and_name(path)
    return {
        "id": min(image.id for image in images),
        "name": unquote(name),
        "package_type": "container",
        "owner": {"login": owner, "type": "Organization"},
        "version_count": len(images),
        "visibility": "public",
        "url": f"{request.base_url}/orgs/{owner}/packages/container/{name}",
        "created_at": min(image.created_at for image in images),
        "updated_at": max(image.updated_at for image in images),
        "html_url": f"https://github.com/orgs/{owner}/packages/container/package/{name}",
    }


def _owner_and_name(path: str) -> tuple[str, str]:
    owner, _, name = path.partition("/")
    return owner, quote(name, safe="")


def _usual_headers() -> dict[str, str]:
    scopes = {"x-oauth-scopes": SCOPE, "x-accepted-oauth-scopes": SCOPE}
    return scopes | quota_headers(REQUESTS_AN_HOUR - 1) | {"x-github-media-type": "github.v3; format=json"}
