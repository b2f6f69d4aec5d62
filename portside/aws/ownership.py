"""Whose a deployed stack is, by its owner tag."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Protocol

from portside.config.environment import OWNER_TAG, Environment
from portside.errors import UserError


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
            f"Another app or environment uses that name in account {environment.account}: choose another APP, "
            "STACK_PREFIX or account in app.py.",
        )
    if owner is Owner.UNKNOWN and not environment.adopted_stacks:
        return (
            f"carries no tag {OWNER_TAG}",
            f'If it is {environment.name}\'s, add to app.py: ENVIRONMENTS["{environment.name}"]["ADOPTED_STACKS"] = '
            '"who deployed it". The next deployment then tags it.',
        )
    return None


def expect_ours(stacks: Iterable[Tagged], environment: Environment) -> tuple[str, ...]:
    """The deployed stacks of configured names that this environment adopts: they carry no owner tag yet.

    Raises `UserError` if one belongs to another app, or if app.py does not list it as adopted.
    """
    found = list(stacks)
    if refused := others(found, environment):
        raise UserError("\n".join(refused), "\n".join(refused.values()))
    return tuple(stack.name for stack in found if owner_of(stack, environment) is Owner.UNKNOWN)


def others(stacks: Iterable[Tagged], environment: Environment) -> dict[str, str]:
    """A sentence for each other owner of stacks that have this environment's names, and what to do."""
    refused: dict[tuple[str, str], list[str]] = {}
    for stack in stacks:
        if why := refusal(stack, environment):
            refused.setdefault(why, []).append(stack.name)
    return {
        f"stack {name} {problem}{f'; so do {len(more)} more' if more else ''}": hint
        for (problem, hint), (name, *more) in refused.items()
    }
