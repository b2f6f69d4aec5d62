"""The security groups between services: which there are, and which stay for one more deployment after they are gone.

A group can't be deleted while a task carries it or a rule names it, and the `ecs` stack, which holds all of them, is
deployed before the services that do. So a group that is no longer configured stays in the templates for the deployment
that takes its last user away, and the next one removes it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from portside.config.service_props import ServiceProps

# A task is in five security groups at most, its own among them; asking AWS for more takes a quota increase.
# https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html#vpc-limits-security-groups
MOST_CALLERS_GROUPS = 4

CALLERS_OF, CALLS_OF = "CallersOf-", "CallsOf-"
"""How the ids of groups begin: of one that the callers of a callee carry, and of one for all calls of a caller."""


@dataclass(frozen=True)
class ServiceGroup:
    """A group, by `age` deployments since it was last configured, and the services that let it in."""

    age: int = 0
    let_in_by: tuple[str, ...] = ()


KeptGroups = Mapping[str, Sequence[str]]
"""Groups that are not configured and stay all the same, each with the services whose rules for it stay too."""


def has_many_calls(props: ServiceProps) -> bool:
    """Whether a service has a group of its own that all its callees let in.

    It has that group one call before it needs it: callees then let it in before a fifth call makes it carry it.
    """
    return len(props.calls) >= MOST_CALLERS_GROUPS


def callees_of(services: Sequence[ServiceProps]) -> list[str]:
    """The services that another one calls, in the order of the configuration."""
    called = {call.service for props in services for call in props.calls}
    return [props.container_name for props in services if props.container_name in called]


def configured_groups(services: Sequence[ServiceProps]) -> dict[str, ServiceGroup]:
    """The groups that services need, by id."""
    callees = callees_of(services)
    many = [props for props in services if has_many_calls(props)]
    groups = {f"{CALLERS_OF}{callee}": ServiceGroup(0, (callee,)) for callee in callees}
    return groups | {
        f"{CALLS_OF}{props.container_name}": ServiceGroup(
            0, tuple(call.service for call in props.calls if call.service in callees)
        )
        for props in many
    }


def groups_after(
    before: Mapping[str, ServiceGroup], services: Sequence[ServiceProps], *, has_leftovers: bool
) -> dict[str, ServiceGroup]:
    """The groups that the next deployment's templates have, by id, from those of the last deployment.

    A rule stays as long as tasks that need it may run, and goes before its group. `has_leftovers` says whether stacks
    of services that are no longer configured are deployed: what they use stays.
    """
    found = configured_groups(services)
    names = {props.container_name for props in services}
    for group_id, group in before.items():
        if group_id in found:
            continue
        age = group.age + 1
        rules = tuple(name for name in group.let_in_by if name in names)
        if age == 1:
            found[group_id] = ServiceGroup(age, rules)
        elif rules or has_leftovers:
            found[group_id] = ServiceGroup(age)
    return found


def kept_groups(groups: Mapping[str, ServiceGroup]) -> KeptGroups:
    """Those of them that are not configured."""
    return {group_id: group.let_in_by for group_id, group in groups.items() if group.age}


def written_groups(kept: KeptGroups) -> str:
    """The text by which a command hands them to a synthesis; empty where there are none."""
    return json.dumps({group_id: list(rules) for group_id, rules in kept.items()}) if kept else ""


def parse_groups(text: object) -> dict[str, tuple[str, ...]]:
    """What `written_groups` gave. Raises ValueError for another text."""
    if not text:
        return {}
    found = json.loads(str(text))
    if not isinstance(found, dict) or not all(each.startswith((CALLERS_OF, CALLS_OF)) for each in found):
        raise ValueError(str(text))
    return {str(group_id): tuple(map(str, rules)) for group_id, rules in found.items()}
