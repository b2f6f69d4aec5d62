"""Parses manifests, configs and lists from JSON that is not trusted.

Each function raises `Misshapen` for other JSON, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from portside.config.image_reference import is_tag
from portside.images.answer import Misshapen
from portside.images.resolved_image import COMMIT, DIGEST, PLATFORM

NEVER = "1970-01-01T00:00:00+00:00"
"""The `created` of an image without one."""

REVISION = "org.opencontainers.image.revision"

_PLATFORM_PART = re.compile(r"[a-z0-9._-]{1,32}")
_UNKNOWN_PLATFORM = "unknown/unknown"
_VISIBLE_ASCII = re.compile(r"[!-~]+")
_PACKAGE = re.compile(r"[A-Za-z0-9._/-]{1,200}")
_COMMIT_TAG = re.compile(rf"sha-({COMMIT.pattern})")


@dataclass(frozen=True)
class Descriptor:
    """A reference from a manifest to other content; `platform` is None if missing."""

    digest: str
    size: int | None
    platform: str | None = None


@dataclass(frozen=True)
class Index:
    """Images of several platforms."""

    entries: tuple[Descriptor, ...]
    commit: str | None

    @property
    def platforms(self) -> tuple[str, ...]:
        """The platforms of the images, without entries that describe other entries."""
        return tuple(each.platform for each in self.entries if each.platform not in (None, _UNKNOWN_PLATFORM))

    def for_our_platform(self) -> Descriptor | None:
        """The image for our platform, or the first without a platform."""
        ours = (each for each in self.entries if each.platform == PLATFORM)
        without_platform = (each for each in self.entries if each.platform is None)
        return next(ours, None) or next(without_platform, None)


@dataclass(frozen=True)
class Manifest:
    """An image of one platform."""

    config: Descriptor
    commit: str | None


@dataclass(frozen=True)
class Config:
    """The config of an image."""

    platform: str
    created: str
    commit: str | None


@dataclass(frozen=True)
class Version:
    """A version of a package in the packages API."""

    name: str
    tags: tuple[str, ...]
    fault: str = ""
    """Why its tags can't be read."""


def read_content(said: object) -> Index | Manifest:
    """The content of a manifest."""
    content = _mapping(said, "it")
    if "manifests" in content:
        if "config" in content:
            raise Misshapen("it is an index and an image at once")
        entries = tuple(_descriptor(each) for each in _sequence(content["manifests"], "manifests"))
        return Index(entries, _revision(content, "annotations"))
    return Manifest(_descriptor(content.get("config")), _revision(content, "annotations"))


def read_config(said: object) -> Config:
    """The content of a config."""
    content = _mapping(said, "it")
    platform = _platform(content)
    inner = _optional_mapping(content.get("config"), "config")
    return Config(platform, _moment(content.get("created")), _revision(inner, "Labels"))


def read_versions(said: object) -> list[Version]:
    """The versions in a page of the packages API; a version that can't be read has a `fault`."""
    return [_version(each) for each in _sequence(said, "it")]


def read_package_names(said: object) -> list[str]:
    """The names in a page of packages."""
    names = [each.get("name") for each in _sequence(said, "it") if isinstance(each, dict)]
    return [name for name in names if isinstance(name, str) and _PACKAGE.fullmatch(name)]


def read_tags(said: object) -> list[str]:
    """The tags in a registry's list, which is null after the last was deleted."""
    tags = _mapping(said, "it").get("tags")
    return [] if tags is None else _tags(tags)


def read_bearer(said: object) -> str:
    """A registry's anonymous token for pulling."""
    answer = _mapping(said, "it")
    bearer = _text(answer.get("token") or answer.get("access_token"), "token")
    if not _VISIBLE_ASCII.fullmatch(bearer):
        raise Misshapen("token is not valid")
    return bearer


def read_error_codes(said: object) -> frozenset[str]:
    """The codes in a registry's error."""
    errors = _sequence(_mapping(said, "it").get("errors"), "errors")
    return frozenset(_text(_mapping(each, "an error").get("code"), "code") for each in errors)


def commit_in(tag: str) -> str | None:
    """The commit in a tag such as sha-1a2b3c4."""
    match = _COMMIT_TAG.fullmatch(tag)
    return match[1] if match else None


def commit_among(tags: Sequence[str]) -> str | None:
    """The longest commit in the tags of an image."""
    return max(filter(None, map(commit_in, tags)), key=len, default=None)


def _version(said: object) -> Version:
    name = said.get("name") if isinstance(said, dict) else None
    known = name if isinstance(name, str) and DIGEST.fullmatch(name) else ""
    try:
        version = _mapping(said, "a version")
        metadata = _mapping(version.get("metadata"), "metadata")
        container = _mapping(metadata.get("container"), "metadata.container")
        return Version(_text(name, "name"), tuple(_tags(container.get("tags"))))
    except Misshapen as error:
        return Version(known, (), f"{f'version {known}' if known else 'a version'}: {error}")


def _tags(said: object) -> list[str]:
    tags = [_text(each, "a tag") for each in _sequence(said, "tags")]
    return [tag for tag in tags if is_tag(tag)]


def _descriptor(said: object) -> Descriptor:
    descriptor = _mapping(said, "config" if said is None else "a descriptor")
    digest, size = _text(descriptor.get("digest"), "digest"), descriptor.get("size")
    if not DIGEST.fullmatch(digest):
        raise Misshapen("digest is not sha256")
    if size is not None and (not isinstance(size, int) or isinstance(size, bool) or size < 0):
        raise Misshapen("size is not a number of bytes")
    platform = descriptor.get("platform")
    return Descriptor(digest, size, None if platform is None else _platform(_mapping(platform, "platform")))


def _platform(said: Mapping[str, Any]) -> str:
    parts = [_text(said.get(key), key) for key in ("os", "architecture")]
    if not all(map(_PLATFORM_PART.fullmatch, parts)):
        raise Misshapen("os and architecture are not a platform")
    return "/".join(parts)


def _revision(said: Mapping[str, Any], key: str) -> str | None:
    revision = _optional_mapping(said.get(key), key).get(REVISION)
    revision = revision.strip().lower() if isinstance(revision, str) else ""
    return revision if COMMIT.fullmatch(revision) else None


def _moment(said: object) -> str:
    """A time in ISO 8601, in UTC and whole seconds. Go writes the year 1 for an unknown time."""
    if said is None or said == "":
        return NEVER
    try:
        moment = datetime.fromisoformat(_text(said, "created"))
        moment = moment.replace(tzinfo=moment.tzinfo or UTC)
        if moment.year <= 1:
            return NEVER
        return moment.astimezone(UTC).replace(microsecond=0).isoformat()
    except (ValueError, OverflowError):
        raise Misshapen("created is not a time") from None


def _mapping(said: object, subject: str) -> Mapping[str, Any]:
    if not isinstance(said, dict):
        raise Misshapen(f"{subject} is {_kind(said)}, not an object")
    return cast(Mapping[str, Any], said)


def _optional_mapping(said: object, subject: str) -> Mapping[str, Any]:
    return {} if said is None else _mapping(said, subject)


def _sequence(said: object, subject: str) -> Sequence[Any]:
    if not isinstance(said, list):
        raise Misshapen(f"{subject} is {_kind(said)}, not a list")
    return cast(Sequence[Any], said)


def _text(said: object, subject: str) -> str:
    if not isinstance(said, str):
        raise Misshapen(f"{subject} is {_kind(said)}, not a text")
    return said


def _kind(said: object) -> str:
    """The type of a value in JSON; null if it is missing."""
    names = {type(None): "null", bool: "true or false", dict: "an object", list: "a list", str: "a text"}
    return names.get(type(said), "a number")
