"""Dataclasses as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from portside.json_fields import JsonFields
from portside.release.followed import Ended
from portside.release.staged import Staged
from portside.release.version_tags import Version


@dataclass(frozen=True)
class Part:
    name: str


@dataclass(frozen=True)
class Whole(JsonFields):
    first: Part
    parts: tuple[Part, ...]
    by_name: Mapping[str, Part] = field(default_factory=dict)
    version: Version | None = None
    is_new: bool = False


def test_fields_are_printed_by_name_as_plain_json() -> None:
    whole = Whole(Part("a"), (Part("b"), Part("c")), {"d": Part("d")}, Version(4, 2, 0, 1))
    assert whole.as_json() == {
        "first": {"name": "a"},
        "parts": [{"name": "b"}, {"name": "c"}],
        "by_name": {"d": {"name": "d"}},
        "version": "4.2.0-rc1",
        "new": False,
    }


def test_the_keys_of_release_commands_are_those_that_scripts_read() -> None:
    assert Ended(True, "healthy", None).as_json() == {"healthy": True, "sentence": "healthy", "address": None}
    staged = Staged("stage", Version(4, 2, 0), None, "its footer", is_footer=True)
    assert staged.as_json() == {
        "environment": "stage",
        "version": "4.2.0",
        "commit": None,
        "source": "its footer",
        "footer": True,
    }
