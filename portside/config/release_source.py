"""The git repository with the tags of releases: `RELEASES` in `app.py`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from portside.config.mistakes import Report, quoted
from portside.redact import holds_credential

_HINT = 'Use {"REPOSITORY": "https://github.com/OWNER/REPOSITORY", "TAG_PREFIX": "my-app"}.'
# Pages of GitHub and GitLab about the files and commits of a repository.
_PAGE = re.compile(r"(https?://[^/]+/[^/]+/[^/]+?)(?:\.git)?/(?:-/)?(?:tree|blob|commits?|pull)(?:/|$)")
_REF_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*(?<!\.lock)")


@dataclass(frozen=True)
class ReleaseSource:
    """The git repository of the application, the branch of releases, and the prefix of its tags."""

    repository: str
    tag_prefix: str
    branch: str = "main"


def is_ref_name(text: str) -> bool:
    """Whether this is a valid name of a git branch or tag that needs no quotes in a shell."""
    return all(_REF_PART.fullmatch(part) for part in text.split("/"))


def parse_releases(written: object, report: Report) -> ReleaseSource | None:
    """The value of RELEASES; None if it is missing or not valid, which is reported."""
    if written is None or not report.mapping(written, _HINT):
        return None
    found_before = len(report.problems)
    given = report.by_known_name(cast(Mapping[Any, Any], written), ("REPOSITORY", "TAG_PREFIX", "BRANCH"), "key")
    for key, check in (("REPOSITORY", _repository), ("TAG_PREFIX", _ref_part), ("BRANCH", _ref_part)):
        place = report.at(f"[{quoted(key)}]")
        if key in given:
            check(given[key], place)
        elif key != "BRANCH":
            place.wrong("missing", _HINT)
    if len(report.problems) > found_before:
        return None
    return ReleaseSource(given["REPOSITORY"], given["TAG_PREFIX"], given.get("BRANCH", "main"))


def check_version(version: str, report: Report) -> None:
    """Report a version with a "v": images of the tag `app/v4.2.0` are published as `4.2.0`."""
    if re.fullmatch(r"v[0-9].*", version):
        mistake = "begins with the v of a git tag: the tags of images have none"
        report.wrong(mistake, f'Use "{version.removeprefix("v")}".', version)


def _repository(value: Any, report: Report) -> None:
    if not report.text(value, _HINT):
        return
    if holds_credential(value):
        report.wrong("contains a password", "Remove it: git has its own credentials.")
    elif value.startswith("-") or not value.isprintable():
        report.wrong("not the address of a git repository", _HINT, value)
    elif page := _PAGE.match(value):
        report.wrong("a page about a git repository, not its address", f"Use {quoted(page[1])}.", value)


def _ref_part(value: Any, report: Report) -> None:
    if report.text(value, _HINT) and not is_ref_name(value):
        report.wrong("not a valid name of a git tag or branch", _HINT, value)
