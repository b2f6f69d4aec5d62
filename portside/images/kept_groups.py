"""The groups that a synthesis by hand keeps: those that the last deployment from this clone had, with no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from portside import state_file
from portside.config.service_groups import ServiceGroup, groups_after, kept_groups, written_groups
from portside.config.service_props import ServiceProps
from portside.images.synthesis_images import kept_file

_WHAT = "the groups between services"


def groups_at_hand(environment: str, services: Sequence[ServiceProps]) -> str:
    """What stays in the templates beside what is configured, as text for a synthesis.

    It stays until a command of this tool has seen that it is not used any longer: a synthesis by hand does not know
    what is deployed.
    """
    found = state_file.read_cache(_file(environment), dict, what=_WHAT) or {}
    try:
        groups = {str(name): ServiceGroup(int(age), tuple(map(str, rules))) for name, (age, rules) in found.items()}
    except (TypeError, ValueError):
        return ""
    return written_groups(kept_groups(groups_after(groups, services, has_leftovers=True)))


def keep_groups(environment: str, groups: Mapping[str, ServiceGroup], folder: Path | None = None) -> None:
    """Remember the groups that were deployed."""
    written = {name: [group.age, list(group.let_in_by)] for name, group in groups.items()}
    state_file.write_json(_file(environment, folder), written, what=_WHAT)


def _file(environment: str, folder: Path | None = None) -> Path:
    return kept_file(environment, folder).with_suffix(".groups.json")
