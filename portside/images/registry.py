"""The registry API: reads manifests, configs and tags, as ECS does: without credentials, or with the task's.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md
"""

from __future__ import annotations

import asyncio
import re
from typing import TypeVar

import httpx

from portside.config.image_reference import ecr_repository, is_tag
from portside.images import failures
from portside.images.access import Access, Login, Token, is_loopback
from portside.images.answer import Answer, digest_of, host_of, is_same_origin, target_of
from portside.images.calls import Call, Caller
from portside.images.contents import (
    Config,
    Descriptor,
    Index,
    Manifest,
    commit_in,
    read_bearer,
    read_config,
    read_content,
    read_error_codes,
    read_tags,
)
from portside.images.failures import Failed, Failure
from portside.images.location import Location

_MANIFESTS = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
_MOST_PAGES = 100
_PER_PAGE = 1000
_MOST_COMPARED_TAGS = 100
_PARAMETER = re.compile(r'([A-Za-z]+)\s*=\s*"([^"]*)"')
_NUMBERS = re.compile(r"[0-9]{1,9}")
_BEYOND_CANDIDATES = "1000000000"
# A registry doesn't have to list its tags.
_NO_LIST = (400, 405, 501)
_ECR_DENIED = re.compile(r"not authorized to perform: (ecr:[A-Za-z]+)")

_Content = TypeVar("_Content")


class Denied(Failed):
    """The registry requires credentials."""

    def __init__(self, failure: Failure, host: str, status: int) -> None:
        super().__init__(failure)
        self.host, self.status = host, status


class Repository:
    """The repository of an image in its registry."""

    def __init__(self, caller: Caller, access: Access, location: Location) -> None:
        self._caller, self._location = caller, location
        self._has_token = access.token is not None
        self._base = httpx.URL(access.registry_url(location.host))
        self._find_login = access.log_in
        self._login: Login | None = None
        self._bearer: Token | None = None
        self._refusal: Failed | None = None

    async def open(self) -> None:
        """Find the login, and get the token that ghcr.io requires. An error is raised by the first read."""
        url = self._at("token").copy_set_param("scope", f"repository:{self._location.path}:pull")
        try:
            self._login = await asyncio.to_thread(self._find_login, self._location)
            if self._location.is_on_github:
                self._bearer = await self._new_bearer(url)
        except Failed as failed:
            self._refusal = failed

    async def manifest(self, reference: str) -> tuple[str, Index | Manifest]:
        """The digest and content of a tag or digest. Raises `Failed`."""
        digest = None if is_tag(reference) else reference
        answer = await self._read(f"manifests/{reference}", accept=_MANIFESTS, digest=digest)
        if answer.status == 404:
            raise Failed(await self._not_found(answer, reference, digest))
        return digest_of(answer.body), answer.parsed(read_content, "the manifest of an image")

    async def inner_manifest(self, entry: Descriptor) -> Manifest:
        """A manifest in an index. Raises `Failed`."""
        answer = await self._known(f"manifests/{entry.digest}", entry, accept=_MANIFESTS)
        content = answer.parsed(read_content, "the manifest of an image")
        if isinstance(content, Index):
            raise Failed(failures.malformed(address=answer.address, answer="an index inside an index"))
        return content

    async def config(self, descriptor: Descriptor) -> Config:
        """The config of an image. Raises `Failed`."""
        answer = await self._known(f"blobs/{descriptor.digest}", descriptor, accept="*/*")
        return answer.parsed(read_config, "the config of an image")

    async def tags(self) -> tuple[list[str], bool] | None:
        """The tags, newest releases first, and whether these are all; None if the image is unknown.

        Raises `Failed` if the registry repeats a page.
        """
        url: httpx.URL | None = self._at(f"v2/{self._location.path}/tags/list").copy_set_param("n", _PER_PAGE)
        asked: set[httpx.URL] = set()
        tags: list[str] = []
        while url is not None and len(asked) < _MOST_PAGES:
            asked.add(url)
            answer = await self._get(url)
            if answer.status == 404:
                return None
            if answer.status in _NO_LIST:
                return tags, False
            self._raise_refusal(answer)
            tags += answer.parsed(read_tags, "a list of tags")
            url = answer.next_page()
            if url in asked:
                raise Failed(failures.pages_in_a_cycle(address=answer.address, count=len(asked)))
        return sorted(dict.fromkeys(tags), key=_age), url is None

    async def commit_of(self, digest: str) -> str | None:
        """The commit in a tag sha-… of a digest, among the first hundred such tags."""
        try:
            found = await self.tags()
        except Denied:
            return None
        tags = [tag for tag in (found[0] if found else []) if commit_in(tag)][:_MOST_COMPARED_TAGS]
        digests = await asyncio.gather(*map(self._digest_of_tag, tags))
        same = [
            commit for tag, each in zip(tags, digests, strict=True) if each == digest and (commit := commit_in(tag))
        ]
        return max(same, key=len, default=None)

    async def _digest_of_tag(self, tag: str) -> str | None:
        url = self._at(f"v2/{self._location.path}/manifests/{tag}")
        answer = await self._get(url, accept=_MANIFESTS, method="HEAD")
        return answer.headers.get("docker-content-digest") if answer.status == 200 else None

    async def _known(self, path: str, descriptor: Descriptor, *, accept: str) -> Answer:
        answer = await self._read(path, accept=accept, digest=descriptor.digest, size=descriptor.size)
        if answer.status == 404:
            raise Failed(failures.content_missing(host=answer.host, digest=descriptor.digest))
        return answer

    async def _read(self, path: str, *, accept: str, digest: str | None, size: int | None = None) -> Answer:
        """An answer of 200 or 404."""
        url = self._at(f"v2/{self._location.path}/{path}")
        answer = await self._get(url, accept=accept, digest=digest, size=size)
        if answer.status != 404:
            self._raise_refusal(answer)
        return answer

    async def _get(
        self,
        url: httpx.URL,
        *,
        accept: str = "application/json",
        method: str = "GET",
        digest: str | None = None,
        size: int | None = None,
    ) -> Answer:
        """An answer, after the registry's authentication challenge if there is one."""
        if self._refusal is not None:
            raise self._refusal
        call = Call(url, self._location, accept, method, self._bearer, digest, size)
        answer = await self._caller.ask(call)
        if answer.status != 401 or not is_same_origin(self._base, answer.url):
            return answer
        if self._login and answer.headers.get("www-authenticate", "").lower().startswith("basic"):
            self._bearer = self._login.basic
        elif realm := self._challenge(answer):
            self._bearer = await self._new_bearer(realm)
        else:
            return answer
        return await self._caller.ask(Call(url, self._location, accept, method, self._bearer, digest, size))

    def _challenge(self, answer: Answer) -> httpx.URL | None:
        """The address of the registry's anonymous tokens for pulling."""
        challenge = answer.headers.get("www-authenticate", "")
        if not challenge.lower().startswith("bearer "):
            return None
        said = dict(_PARAMETER.findall(challenge))
        realm = target_of(answer.url, said.get("realm"))
        if realm is None or not (realm.scheme == "https" or is_loopback(realm.host) or realm.host == answer.url.host):
            return None
        if "service" in said:
            realm = realm.copy_set_param("service", said["service"])
        return realm.copy_set_param("scope", said.get("scope") or f"repository:{self._location.path}:pull")

    async def _new_bearer(self, url: httpx.URL) -> Token | None:
        login = self._login if self._login and gives_password_to(self._base, url) else None
        answer = await self._caller.ask(Call(url, self._location, bearer=login.basic if login else None))
        if answer.status == 404:
            return None
        if answer.status == 401 and login:
            raise Failed(failures.login_rejected(answer.host, login))
        self._raise_refusal(answer)
        return Token(answer.parsed(read_bearer, "a token for pulling"))

    def _raise_refusal(self, answer: Answer) -> None:
        if answer.status == 200:
            return
        if answer.status in (401, 403) and self._login:
            said = _ECR_DENIED.search(answer.body.decode("utf-8", "replace"))
            raise Failed(failures.login_denied(answer.host, answer.status, self._login, said[1] if said else ""))
        if answer.status in (401, 403) and ecr_repository(self._location.name):
            raise Failed(
                failures.no_login(f"{answer.host} requires AWS credentials", "This lookup has no such credentials.")
            )
        if answer.status in (401, 403):
            failure = failures.token_needed(answer.host, answer.status, has_token=self._has_token)
            raise Denied(failure, answer.host, answer.status)
        if answer.status == 451:
            raise Failed(failures.blocked_for_legal_reasons(host=answer.host, status=answer.status))
        raise Failed(failures.unexpected(address=answer.address, status=answer.status))

    async def _not_found(self, answer: Answer, reference: str, digest: str | None) -> Failure:
        host, path = host_of(self._base), self._location.path
        if "NAME_UNKNOWN" in _error_codes(answer):
            return failures.package_unknown(host, path)
        if digest is not None:
            return failures.content_missing(host=host, digest=digest)
        try:
            found = await self.tags()
        except Denied:
            return failures.tag_unknown(host, reference, [], read_all=False)
        except Failed as failed:
            return failures.tag_unknown(host, reference, [], read_all=False, faults=[failed.failure.sentence])
        if found is None:
            return failures.package_unknown(host, path)
        tags, are_all = found
        return failures.tag_unknown(host, reference, tags, read_all=are_all)

    def _at(self, path: str) -> httpx.URL:
        return httpx.URL(f"{str(self._base).rstrip('/')}/{path}")


def gives_password_to(registry: httpx.URL, issuer: httpx.URL) -> bool:
    """Whether the server that issues a registry's tokens may get the password: only in the registry's own domain.

    Docker Hub, at registry-1.docker.io, issues its tokens at auth.docker.io.
    """
    domains = {tuple(each.host.split(".")[-2:]) for each in (registry, issuer)}
    is_name = not issuer.host.replace(".", "").isdigit()
    return is_same_origin(registry, issuer) or (issuer.scheme == "https" and is_name and len(domains) == 1)


def _error_codes(answer: Answer) -> frozenset[str]:
    try:
        return answer.parsed(read_error_codes, "errors")
    except Failed:
        return frozenset()


def _age(tag: str) -> tuple[int, ...]:
    """A sort key: releases before other tags, the newest first, and a release before its candidates."""
    release, _, candidate = tag.removeprefix("v").partition("-")
    numbers = release.split(".")
    if len(numbers) != 3 or not all(map(_NUMBERS.fullmatch, numbers)):
        return (1,)
    last = _NUMBERS.findall(candidate)[-1:] if candidate else [_BEYOND_CANDIDATES]
    return 0, *(-int(number) for number in [*numbers, *last])
