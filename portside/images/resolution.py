"""The images of an environment at a time, as a value and as a file.

A release's lock (`releases/VERSION.json`) and the images of a deployment of `edge` have the same format.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from portside import state_file
from portside.commands import tool
from portside.config.image_reference import is_tag, parse_reference
from portside.config.mistakes import Report, quoted
from portside.errors import ConfigurationError
from portside.images.resolved_image import COMMIT, DIGEST, ResolvedImage, one_commit

_FIELDS = ("digest", "platform", "created", "manifest", "commit")
_FORMAT = 1
"""That of the file. Files without one are read too: the first had none."""
_HINT = f"Get the file back with git, or write it again: {tool('release', 'pin', 'VERSION', local=False)}"


@dataclass(frozen=True)
class Resolution:
    """The image of each reference in the configuration. With `stand_in`, these are stubs that were never published."""

    version: str
    images: Mapping[str, ResolvedImage]
    stand_in: bool = False

    @property
    def commit(self) -> str | None:
        """The commit of all images of this version, if it is the same and known."""
        return one_commit(image.commit for image in self.images.values() if image.tag == self.version)

    def without(self, references: Iterable[str]) -> list[str]:
        """The references without an image."""
        return [reference for reference in dict.fromkeys(references) if reference not in self.images]

    def as_json(self) -> dict[str, Any]:
        """The content of its file. A commit that all images share is written once."""
        shared = self.commit
        return {
            "version": self.version,
            **({"stand_in": True} if self.stand_in else {}),
            **({"commit": shared} if shared else {}),
            "images": {reference: _image_as_json(image, shared) for reference, image in sorted(self.images.items())},
        }

    def written(self) -> str:
        """Its file, as text."""
        return json.dumps({"format": _FORMAT, **self.as_json()}, indent=2) + "\n"


def read_resolution(path: Path) -> Resolution | None:
    """The resolution in a file; None if there is no file. Raises `ConfigurationError` with every mistake in it."""
    where = f"{path.parent.name}/{path.name}"
    try:
        content = state_file.read(path, what="the resolved images", fix=_HINT)
        text = None if content is None else content.decode("utf-8")
    except (state_file.Damaged, UnicodeDecodeError) as error:
        reason = error.reason if isinstance(error, state_file.Damaged) else "it is not UTF-8"
        report = Report(where)
        report.wrong(f"can't be read: {reason}", _HINT)
        raise ConfigurationError(report.problems) from error
    return None if text is None else parse_resolution(text, where)


def parse_resolution(text: str, where: str) -> Resolution:
    """The resolution in the text of a file. Raises `ConfigurationError` with every mistake in it."""
    report = Report(where)
    try:
        written = json.loads(text, object_pairs_hook=_each_once)
    except (ValueError, RecursionError) as error:
        report.wrong(f"not JSON: {error}", _HINT)
        raise ConfigurationError(report.problems) from error
    resolution = _parse(written, report)
    if resolution is None:
        raise ConfigurationError(report.problems)
    return resolution


def _each_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object. Raises `ValueError` for a repeated key, because readers can disagree about its value."""
    taken = dict(pairs)
    if len(taken) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"{quoted(next(key for key in keys if keys.count(key) > 1))} occurs twice in an object")
    return taken


def _parse(written: object, report: Report) -> Resolution | None:
    if not report.mapping(written, _HINT):
        return None
    keys = ("format", "version", "stand_in", "commit", "images")
    if isinstance(format_ := cast(Mapping[Any, Any], written).get("format"), int) and format_ > _FORMAT:
        report.at('["format"]').wrong("of a later version of this tool", "Use that version.", format_)
        return None
    fields = report.by_known_name(cast(Mapping[Any, Any], written), keys, "key")
    version, shared, stand_in = fields.get("version"), fields.get("commit"), fields.get("stand_in", False)
    if not isinstance(version, str) or not is_tag(version):
        report.at('["version"]').wrong("not the tag of images", _HINT, version)
    if shared is not None:
        _matches(COMMIT, shared, "the id of a commit", report.at('["commit"]'))
    if not isinstance(stand_in, bool):
        report.at('["stand_in"]').wrong("neither true nor false", _HINT, stand_in)
    place, images = report.at('["images"]'), {}
    if place.mapping(fields.get("images"), _HINT):
        for reference, entry in fields["images"].items():
            images[reference] = _parse_image(reference, entry, shared, place.at(f"[{quoted(reference)}]"))
    if report.problems:
        return None
    return Resolution(str(version), cast(Mapping[str, ResolvedImage], images), bool(stand_in))


def _parse_image(reference: str, entry: object, shared: object, report: Report) -> ResolvedImage | None:
    parsed = parse_reference(reference)
    if parsed is None:
        report.wrong("not a reference to an image", _HINT, reference)
    if parsed is None or not report.mapping(entry, _HINT):
        return None
    given = report.by_known_name(cast(Mapping[Any, Any], entry), _FIELDS, "key")
    digest, manifest, commit = given.get("digest"), given.get("manifest"), given.get("commit", shared)
    _matches(DIGEST, digest, "a digest", report.at('["digest"]'))
    if given.get("commit") is not None:
        _matches(COMMIT, commit, "the id of a commit", report.at('["commit"]'))
    if manifest is not None:
        _matches(DIGEST, manifest, "a digest", report.at('["manifest"]'))
    if parsed.digest not in (None, digest):
        report.at('["digest"]').wrong("another digest than the reference's", _HINT, digest)
    report.at('["platform"]').text(given.get("platform"), _HINT)
    _is_time(given.get("created"), report.at('["created"]'))
    tag = parsed.tag or str(parsed.digest)
    return ResolvedImage(
        parsed.name, tag, str(digest), commit, str(given.get("platform")), str(given.get("created")), manifest
    )


def _matches(pattern: Any, value: object, description: str, report: Report) -> None:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        report.wrong(f"not {description}", _HINT, value)


def _is_time(value: object, report: Report) -> None:
    try:
        datetime.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        report.wrong("not a time in ISO 8601", _HINT, value)


def _image_as_json(image: ResolvedImage, shared: str | None) -> dict[str, str | None]:
    entry: dict[str, str | None] = {"digest": image.digest, "platform": image.platform, "created": image.created}
    if image.manifest:
        entry["manifest"] = image.manifest
    if image.commit != shared:
        entry["commit"] = image.commit
    return entry
