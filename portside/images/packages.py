"""GitHub's packages API: finds the version of a package with a tag.

https://docs.github.com/en/rest/packages/packages
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

import httpx

from portside.images import failures
from portside.images.access import Token
from portside.images.answer import Answer, message_of
from portside.images.calls import Call, Caller
from portside.images.contents import Version, read_package_names, read_versions
from portside.images.failures import Failed
from portside.images.location import Location
from portside.images.resolved_image import DIGEST

_PER_PAGE = 100
_MOST_PAGES = 100
_ACCEPT = "application/vnd.github+json"
_HEADERS = {"X-GitHub-Api-Version": "2022-11-28"}
_READING_SCOPES = frozenset({"read:packages", "write:packages"})


class PackagesApi:
    """The packages API at an address, with a token."""

    def __init__(self, caller: Caller, api_url: str, token: Token) -> None:
        self._caller, self._api_url, self._token = caller, api_url, token
        self._names: dict[str, asyncio.Task[list[str]]] = {}

    async def find_version(self, location: Location) -> Version:
        """The version with a location's tag. Raises `Failed`."""
        seen: list[str] = []
        faults: list[str] = []
        pages = 0
        async for answer, versions in self._pages(location):
            pages += 1
            faults += [version.fault for version in versions if version.fault]
            for version in versions:
                if location.tag not in version.tags:
                    seen += version.tags
                elif DIGEST.fullmatch(version.name):
                    return version
                else:
                    content = f"{answer.media_type} without a digest of {location.tag} (HTTP {answer.status})"
                    raise Failed(failures.malformed(address=answer.address, answer=content))
        host = httpx.URL(self._api_url).netloc.decode("ascii")
        raise Failed(failures.tag_unknown(host, location.tag, seen, read_all=pages < _MOST_PAGES, faults=faults))

    async def _pages(self, location: Location) -> AsyncIterator[tuple[Answer, list[Version]]]:
        """The package's versions page by page. Raises `Failed` if the API repeats a page.

        Without an address of the next page, its number is used, until a page contains nothing new.
        """
        answer = await self._first_page(location)
        asked, known = {answer.url}, set[str]()
        for number in range(2, _MOST_PAGES + 2):
            versions = answer.parsed(read_versions, "a list of versions")
            yield answer, versions
            is_new = not known.issuperset(version.name for version in versions)
            named = answer.next_page()
            # Without an address of the next page, a full page that repeats shows that the API ignores the number.
            repeats = not is_new and bool(versions) and (named is not None or len(versions) >= _PER_PAGE)
            if repeats or named in asked:
                raise Failed(failures.pages_in_a_cycle(address=answer.address, count=len(asked)))
            known.update(version.name for version in versions)
            url = _next_page(answer, number)
            if not is_new or url is None or number > _MOST_PAGES:
                return
            asked.add(url)
            answer = await self._ask(url, location)
            if answer.status == 404:
                return
            _raise_refusal(answer)

    async def _first_page(self, location: Location) -> Answer:
        """The newest versions. Only the API knows whether the owner is an organisation or a user."""
        for owners in ("orgs", "users"):
            package = f"{owners}/{location.owner}/packages/container/{quote(location.package, safe='')}"
            answer = await self._ask(self._url(f"{package}/versions?per_page={_PER_PAGE}&page=1"), location)
            if answer.status != 404:
                _raise_refusal(answer)
                return answer
        raise Failed(failures.package_unknown(answer.host, location.path, await self._existing(location)))

    async def _existing(self, location: Location) -> Sequence[str]:
        """The names of an owner's packages, read once; empty if they can't be read."""
        if location.owner not in self._names:
            self._names[location.owner] = asyncio.create_task(self._read_names(location))
        return await asyncio.shield(self._names[location.owner])

    async def _read_names(self, location: Location) -> list[str]:
        query = f"packages?package_type=container&per_page={_PER_PAGE}"
        try:
            for owners in ("orgs", "users"):
                answer = await self._ask(self._url(f"{owners}/{location.owner}/{query}"), location)
                if answer.status == 200:
                    return answer.parsed(read_package_names, "a list of packages")
        except Failed:
            pass
        return []

    async def _ask(self, url: httpx.URL, location: Location) -> Answer:
        return await self._caller.ask(Call(url, location, _ACCEPT, bearer=self._token, headers=_HEADERS))

    def _url(self, path: str) -> httpx.URL:
        return httpx.URL(f"{self._api_url}/{path}")


def _next_page(answer: Answer, number: int) -> httpx.URL | None:
    """The address of the next page: from the API if it is on its own host, or else by its number."""
    named = answer.next_page()
    says_that_it_is_the_last = "rel=" in answer.headers.get("link", "") and "next" not in answer.headers["link"]
    if named is not None or says_that_it_is_the_last:
        return named
    return answer.url.copy_set_param("page", number)


def _raise_refusal(answer: Answer) -> None:
    """Raise `Failed` for an error."""
    host, said = answer.host, message_of(answer).lower()
    if answer.status == 200:
        return
    if answer.status == 401:
        failure = failures.token_expired if _has_expired(answer, said) else failures.token_refused
        raise Failed(failure(host=host))
    if answer.status == 403:
        if "x-github-sso" in answer.headers:
            raise Failed(failures.sso_needed(host, _sso_address(answer)))
        if "not accessible by" in said:
            raise Failed(failures.wrong_token_type(host=host))
        scopes = answer.headers.get("x-oauth-scopes")
        if scopes is not None and _READING_SCOPES.isdisjoint(scope.strip() for scope in scopes.split(",")):
            raise Failed(failures.scope_missing(host=host))
        raise Failed(failures.blocked(host=host, status=answer.status))
    if answer.status == 451:
        raise Failed(failures.blocked_for_legal_reasons(host=host, status=answer.status))
    raise Failed(failures.unexpected(address=answer.address, status=answer.status))


def _has_expired(answer: Answer, said: str) -> bool:
    if "expired" in said:
        return True
    stated = answer.headers.get("github-authentication-token-expiration", "").strip().replace(" UTC", "+00:00")
    try:
        expiry = datetime.fromisoformat(stated.replace(" +", "+").replace(" -", "-"))
    except ValueError:
        return False
    return expiry.replace(tzinfo=expiry.tzinfo or UTC) < datetime.now(UTC)


def _sso_address(answer: Answer) -> str | None:
    """The page to authorize a token, without its query, which contains a secret."""
    _, _, address = answer.headers["x-github-sso"].partition("url=")
    try:
        parts = urlsplit(address.strip().strip('"'))
        is_plain = parts.scheme == "https" and parts.netloc.isascii() and "@" not in parts.netloc
    except ValueError:
        return None
    address = f"https://{parts.netloc}{parts.path}"
    return address if is_plain and address.isascii() and address.isprintable() and " " not in address else None
