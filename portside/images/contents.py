"""What manifests, configs and lists say: from JSON that anybody may have written to values.

Each function raises `Misshapen` where the JSON has another shape; nothing else comes out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from portside.config.image_reference import is_tag
from portside.images.calls import Misshapen
from portside.images.resolved_image import COMMIT, DIGEST, PLATFORM

NEVER = "1970-01-01T00:00:00+00:00"
"""When an image was made that does not tell."""

REVISION = "org.opencontainers.image.revision"

_PLATFORM_PART = re.compile(r"[a-z0-9._-]{1,32}")
_UNKNOWN_PLATFORM = "unknown/unknown"
_VISIBLE_ASCII = re.compile(r"[!-~]+")
_PACKAGE = re.compile(r"[A-Za-z0-9._/-]{1,200}")
_COMMIT_TAG = re.compile(rf"sha-({COMMIT.pattern})")


@dataclass(frozen=True)
class Descriptor:
    """Other content that a manifest names; `platform` is None where none is given."""

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
        """Those for which there is an image; what describes other entries has none."""
        return tuple(each.platform for each in self.entries if each.platform not in (None, _UNKNOWN_PLATFORM))

    def for_our_platform(self) -> Descriptor | None:
        """The image that runs, or the first that doesn't say for which platform it is."""
        ours = (each for each in self.entries if each.platform == PLATFORM)
        untold = (each for each in self.entries if each.platform is None)
        return next(ours, None) or next(untold, None)


@dataclass(frozen=True)
class Manifest:
    """An image of one platform."""

    config: Descriptor
    commit: str | None


@dataclass(frozen=True)
class Config:
    """What an image says about itself."""

    platform: str
    created: str
    commit: str | None


@dataclass(frozen=True)
class Version:
    """A version of a package, as the packages API has it."""

    name: str
    tags: tuple[str, ...]
    fault: str = ""
    """What is wrong with it, where its tags can't be read."""


def read_content(said: object) -> Index | Manifest:
    """What a manifest's body says."""
    content = _mapping(said, "it")
    if "manifests" in content:
        if "config" in content:
            raise Misshapen("it is an index and an image at once")
        entries = tuple(_descriptor(each) for each in _sequence(content["manifests"], "manifests"))
        return Index(entries, _revision(content, "annotations"))
    return Manifest(_descriptor(content.get("config")), _revision(content, "annotations"))


def read_config(said: object) -> Config:
    """What a config's body says."""
    content = _mapping(said, "it")
    platform = _platform(content)
    inner = _optional_mapping(content.get("config"), "config")
    return Config(platform, _moment(content.get("created")), _revision(inner, "Labels"))


def read_versions(said: object) -> list[Version]:
    """What a page of the packages API says. One version that can't be read says so, and does not hide the others."""
    return [_version(each) for each in _sequence(said, "it")]


def read_package_names(said: object) -> list[str]:
    """The names in a page of packages."""
    names = [each.get("name") for each in _sequence(said, "it") if isinstance(each, dict)]
    return [name for name in names if isinstance(name, str) and _PACKAGE.fullmatch(name)]


def read_tags(said: object) -> list[str]:
    """The tags in a registry's list; where the last one was deleted, it says null."""
    tags = _mapping(said, "it").get("tags")
    return [] if tags is None else _tags(tags)


def read_bearer(said: object) -> str:
    """The token for pulling that a registry gives to everybody."""
    answer = _mapping(said, "it")
    bearer = _text(answer.get("token") or answer.get("access_token"), "token")
    if not _VISIBLE_ASCII.fullmatch(bearer):
        raise Misshapen("token is none")
    return bearer


def read_error_codes(said: object) -> frozenset[str]:
    """The codes in a registry's refusal."""
    errors = _sequence(_mapping(said, "it").get("errors"), "errors")
    return frozenset(_text(_mapping(each, "an error").get("code"), "code") for each in errors)


def commit_in(tag: str) -> str | None:
    """The commit in a tag such as sha-1a2b3c4."""
    match = _COMMIT_TAG.fullmatch(tag)
    return match[1] if match else None


def commit_among(tags: Sequence[str]) -> str | None:
    """The commit in the tags of one image, the longest form of it."""
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
        raise Misshapen("digest is none of sha256")
    if size is not None and (not isinstance(size, int) or isinstance(size, bool) or size < 0):
        raise Misshapen("size is no number of bytes")
    platform = descriptor.get("platform")
    return Descriptor(digest, size, None if platform is None else _platform(_mapping(platform, "platform")))


def _platform(said: Mapping[str, Any]) -> str:
    parts = [_text(said.get(key), key) for key in ("os", "architecture")]
    if not all(map(_PLATFORM_PART.fullmatch, parts)):
        raise Misshapen("os and architecture are no platform")
    return "/".join(parts)


def _revision(said: Mapping[str, Any], key: str) -> str | None:
    revision = _optional_mapping(said.get(key), key).get(REVISION)
    revision = revision.strip().lower() if isinstance(revision, str) else ""
    return revision if COMMIT.fullmatch(revision) else None


def _moment(said: object) -> str:
    """A moment in ISO 8601, in UTC and whole seconds. Go writes the year 1 for one that is not known."""
    if said is None or said == "":
        return NEVER
    try:
        moment = datetime.fromisoformat(_text(said, "created"))
        moment = moment.replace(tzinfo=moment.tzinfo or UTC)
        if moment.year <= 1:
            return NEVER
        return moment.astimezone(UTC).replace(microsecond=0).isoformat()
    except (ValueError, OverflowError):
        raise Misshapen("created is no moment") from None


def _mapping(said: object, what: str) -> Mapping[str, Any]:
    if not isinstance(said, dict):
        raise Misshapen(f"{what} is {_kind(said)}, not an object")
    return cast(Mapping[str, Any], said)


def _optional_mapping(said: object, what: str) -> Mapping[str, Any]:
    return {} if said is None else _mapping(said, what)


def _sequence(said: object, what: str) -> Sequence[Any]:
    if not isinstance(said, list):
        raise Misshapen(f"{what} is {_kind(said)}, not a list")
    return cast(Sequence[Any], said)


def _text(said: object, what: str) -> str:
    if not isinstance(said, str):
        raise Misshapen(f"{what} is {_kind(said)}, not a text")
    return said


def _kind(said: object) -> str:
    """What something is in JSON's words; what is missing is null."""
    names = {type(None): "null", bool: "true or false", dict: "an object", list: "a list", str: "a text"}
    return names.get(type(said), "a number")
