"""Whose a deployed stack is, by its owner tag."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

from portside.config.environment import OWNER_TAG, Environment


class Tagged(Protocol):
    """A deployed stack."""

    @property
    def name(self) -> str: ...

    @property
    def tags(self) -> Mapping[str, str]: ...


class Owner(StrEnum):
    """Whose a stack is."""

    OURS = "this environment's"
    ANOTHER = "another's"
    UNKNOWN = "unknown"
    """It carries no owner tag."""


def owner_of(stack: Tagged, environment: Environment) -> Owner:
    """The owner of a stack, by its tags: apps and environments share accounts, so its name is not enough."""
    owner = stack.tags.get(OWNER_TAG)
    if owner is None:
        return Owner.UNKNOWN
    return Owner.OURS if owner == environment.owner else Owner.ANOTHER


def refusal(stack: Tagged, environment: Environment) -> tuple[str, str] | None:
    """Why a deployed stack of a configured name must not be touched, and what to do; None where it can be."""
    owner = owner_of(stack, environment)
    if owner is Owner.ANOTHER:
        return (
            f"belongs to {stack.tags[OWNER_TAG]}, by its tag {OWNER_TAG}",
            f"Another app or environment has that name in account {environment.account}: deploy to an account or "
            "under a name of its own.",
        )
    if owner is Owner.UNKNOWN and not environment.adopted_stacks:
        return (
            f"is deployed, and carries no tag {OWNER_TAG}",
            f'If it is {environment.name}\'s, add to app.py: ENVIRONMENTS["{environment.name}"]["ADOPTED_STACKS"] = '
            '"who deployed it". The next deployment then tags it.',
        )
    return None
