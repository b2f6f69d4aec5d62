"""The HTTP server of the catalogue: a registry and GitHub's packages API at one address, with faults.

Credentials of clients are not logged.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

from portside.emulator.loopback_http import Answer, Handler, Request
from portside.emulator.registry import packages_api, registry_api
from portside.emulator.registry.catalogue import Catalogue
from portside.emulator.registry.catalogue_faults import ANSWER_FAULTS, CatalogueFault, CatalogueFaults

ENDLESS_SECONDS = 120
TRICKLE_SECONDS = 0.1
# A different host for clients, where nothing listens.
OTHER_HOST = "127.0.0.2"

_LOGIN_PAGE = b"<!doctype html><html lang=en><title>Log in</title><form method=post><input name=user></form></html>\n"


def handler(catalogue: Catalogue, faults: CatalogueFaults, password: str) -> Handler:
    """The handler: a registry below /v2/ and at /token, GitHub below /orgs/ and /users/.

    Requests without the password are refused first, and don't count as one of a fault's times.
    """
    login = registry_api.Login(password)
    registry, packages = registry_api.handler(catalogue, faults, login), packages_api.handler(catalogue, faults)

    async def answer(request: Request) -> Answer:
        if request.path in ("/v2", "/token") or request.path.startswith("/v2/"):
            api, right, image = registry_api.API, registry, registry_api.path_of_request(request)
        elif request.path.startswith(("/orgs/", "/users/")):
            api, right, image = packages_api.API, packages, packages_api.path_of_request(request)
        else:
            return packages_api.problem(404, "Not Found")
        no = login.refusal(request) if api == registry_api.API else packages_api.refusal(request, password)
        if no is not None:
            return no
        if late := faults.take(("slow",), api, image):
            await asyncio.sleep(late.seconds)
        # The token endpoint also issues tokens for images that don't exist.
        possible = _REFUSALS - {"not-found"} if request.path == "/token" else _REFUSALS
        if fault := faults.take(possible, api, image):
            return _refusal(fault, request) if api == registry_api.API else _refusal_by_github(fault, request)
        whole = await right(request)
        if request.method == "HEAD" or whole.status != 200:
            return whole
        body_fault = faults.take(_BODIES.keys(), api, image)
        return _BODIES[body_fault.fault](whole) if body_fault else whole

    return answer


def _refusal(fault: CatalogueFault, request: Request) -> Answer:
    if fault.fault == "redirect":
        return _elsewhere(request)
    challenge = registry_api.challenge(request)
    expired = {name: f'{value},error="invalid_token"' for name, value in challenge.items()}
    status, code, message, headers = {
        "unauthorized": (401, "UNAUTHORIZED", "authentication required", challenge),
        "expired": (401, "UNAUTHORIZED", "the token has expired", expired),
        "forbidden": (403, "DENIED", "requested access to the resource is denied", {}),
        "lacks-scope": (403, "DENIED", "the token provided does not match expected scopes", {}),
        "not-found": (404, "NAME_UNKNOWN", "repository name not known to registry", {}),
        "rate-limited": (429, "TOOMANYREQUESTS", "too many requests", _retry_after(fault)),
        "quota-used-up": (403, "DENIED", "rate limit exceeded", _quota_used_up(fault)),
        "server-error": (500, "UNKNOWN", "unknown error", {}),
    }[fault.fault]
    return registry_api.problem(status, code, message, headers)


def _refusal_by_github(fault: CatalogueFault, request: Request) -> Answer:
    if fault.fault == "redirect":
        return _elsewhere(request)
    no_scopes = {"x-oauth-scopes": ""}
    ended = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(time.time() - 3600))
    status, message, headers = {
        "unauthorized": (401, "Bad credentials", no_scopes),
        "expired": (401, "The token has expired.", no_scopes | {"github-authentication-token-expiration": ended}),
        "forbidden": (403, "Access to this package is forbidden.", {}),
        "lacks-scope": (403, f"This needs a token with the scope {packages_api.SCOPE}.", {"x-oauth-scopes": "repo"}),
        "not-found": (404, "Package not found.", {}),
        "rate-limited": (429, "You have exceeded a secondary rate limit.", _retry_after(fault)),
        "quota-used-up": (403, "API rate limit exceeded.", _quota_used_up(fault)),
        "server-error": (500, "Server Error", {}),
    }[fault.fault]
    return packages_api.problem(status, message, headers)


def _elsewhere(request: Request) -> Answer:
    port = request.base_url.rpartition(":")[2]
    return Answer(302, headers={"location": f"http://{OTHER_HOST}:{port}{request.target}"})


def _retry_after(fault: CatalogueFault) -> dict[str, str]:
    return {"retry-after": str(math.ceil(fault.seconds))}


def _quota_used_up(fault: CatalogueFault) -> dict[str, str]:
    return packages_api.quota_headers(0, fault.seconds)


def _endless(answer: Answer) -> Answer:
    return replace(answer, status=200, body=b"", more=_trickle())


async def _trickle() -> AsyncIterator[bytes]:
    until = time.monotonic() + ENDLESS_SECONDS
    while time.monotonic() < until:
        yield b" "
        await asyncio.sleep(TRICKLE_SECONDS)


def _truncated(answer: Answer) -> Answer:
    return replace(answer, body=answer.body[: len(answer.body) // 2], promised=len(answer.body))


_BODIES: dict[str, Callable[[Answer], Answer]] = {
    "endless": _endless,
    "garbage": lambda answer: replace(answer, status=200, body=b'\x00\xff\xfe{"tags": [', headers={}),
    "html": lambda answer: Answer(200, _LOGIN_PAGE, "text/html; charset=utf-8"),
    "truncated": _truncated,
}
_REFUSALS = frozenset(ANSWER_FAULTS) - {"slow"} - _BODIES.keys()
