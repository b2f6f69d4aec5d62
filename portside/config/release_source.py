"""Where releases of the application are tagged: `RELEASES` in `app.py`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from portside.config.mistakes import Report, quoted
from portside.redact import holds_credential

_HINT = 'Write {"REPOSITORY": "https://github.com/OWNER/REPOSITORY", "TAG_PREFIX": "my-app"}.'
# What GitHub and GitLab show of a repository: its files, and its commits.
_PAGE = re.compile(r"(https?://[^/]+/[^/]+/[^/]+?)(?:\.git)?/(?:-/)?(?:tree|blob|commits?|pull)(?:/|$)")
_REF_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*(?<!\.lock)")


@dataclass(frozen=True)
class ReleaseSource:
    """The git repository of the application, the branch that is released, and what its tags begin with."""

    repository: str
    tag_prefix: str
    branch: str = "main"


def is_ref_name(text: str) -> bool:
    """Whether a git branch or tag can have this name: a part of what git allows, safe in every shell."""
    return all(_REF_PART.fullmatch(part) for part in text.split("/"))


def parse_releases(written: object, report: Report) -> ReleaseSource | None:
    """What a configuration says under RELEASES, None where it says nothing or something wrong, which is reported."""
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
    """The images of a tag `app/v4.2.0` are published as `4.2.0`."""
    if re.fullmatch(r"v[0-9].*", version):
        what = "begins with the v of a git tag, which images don't carry"
        report.wrong(what, f'Write "{version.removeprefix("v")}".', version)


def _repository(value: Any, report: Report) -> None:
    if not report.text(value, _HINT):
        return
    if holds_credential(value):
        report.wrong("holds what looks like a password", "Leave it out: git knows how to log in.")
    elif value.startswith("-") or not value.isprintable():
        report.wrong("not the address of a git repository", _HINT, value)
    elif page := _PAGE.match(value):
        report.wrong("a page about a git repository, not its address", f"Write {quoted(page[1])}.", value)


def _ref_part(value: Any, report: Report) -> None:
    if report.text(value, _HINT) and not is_ref_name(value):
        report.wrong("not what a git tag or branch is called", _HINT, value)
