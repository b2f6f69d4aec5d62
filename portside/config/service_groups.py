"""The security groups between services, and those that are kept for one more deployment after they are removed.

A group can't be deleted while a task has it or a rule refers to it, and the `ecs` stack, which has all groups, is
deployed before the services. So a group that is no longer configured stays in the templates for the deployment that
removes its last user, and the next deployment removes it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from portside.config.service_props import ServiceProps

# A task can have five security groups, one of them its own. More need a quota increase.
# https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html#vpc-limits-security-groups
MOST_CALLERS_GROUPS = 4

CALLERS_OF, CALLS_OF = "CallersOf-", "CallsOf-"
"""The prefixes of ids: of a group for the callers of a callee, and of a group for all calls of a caller."""


@dataclass(frozen=True)
class ServiceGroup:
    """A group, the number of deployments since it was last configured, and the services with a rule for it."""

    age: int = 0
    allowed_by: tuple[str, ...] = ()


KeptGroups = Mapping[str, Sequence[str]]
"""Groups that are no longer configured and are kept, with the services that keep their rules for them."""


def has_many_calls(props: ServiceProps) -> bool:
    """Whether a service has a separate group for all its calls.

    It gets the group one call before it needs it, so that callees have the rule before a fifth call makes tasks use it.
    """
    return len(props.callees) >= MOST_CALLERS_GROUPS


def callees_of(services: Sequence[ServiceProps]) -> list[str]:
    """The services that another service calls, in the order of the configuration."""
    called = {call.service for props in services for call in props.calls}
    return [props.container_name for props in services if props.container_name in called]


def most_rules(services: Sequence[ServiceProps]) -> tuple[str, int]:
    """The service whose own group has the most inbound rules, and how many: one for each caller with many calls.

    All others share the group of its callers, and the load balancer has a rule too.
    """
    counts = Counter(call.service for props in services if has_many_calls(props) for call in props.calls)
    rules = {
        props.container_name: counts[props.container_name] + (props.container_name in counts) + props.public
        for props in services
    }
    name = max(rules, key=lambda each: rules[each], default="")
    return name, rules.get(name, 0)


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
    """The groups in the templates of the next deployment by id, given those of the last deployment.

    A rule is kept while tasks that need it can run, and is removed before its group. With `has_leftovers`, stacks of
    services that are no longer configured are still deployed, so the groups that they use are kept.
    """
    found = configured_groups(services)
    names = {props.container_name for props in services}
    for group_id, group in before.items():
        if group_id in found:
            continue
        age = group.age + 1
        rules = tuple(name for name in group.allowed_by if name in names)
        if age == 1:
            found[group_id] = ServiceGroup(age, rules)
        elif rules or has_leftovers:
            found[group_id] = ServiceGroup(age)
    return found


def kept_groups(groups: Mapping[str, ServiceGroup]) -> KeptGroups:
    """The groups that are no longer configured."""
    return {group_id: group.allowed_by for group_id, group in groups.items() if group.age}


def format_groups(kept: KeptGroups) -> str:
    """The kept groups as a context value of a synthesis; an empty text without groups."""
    return json.dumps({group_id: list(rules) for group_id, rules in kept.items()}) if kept else ""


def parse_groups(text: object) -> dict[str, tuple[str, ...]]:
    """The kept groups in text of `format_groups`. Raises ValueError for other text."""
    if not text:
        return {}
    found = json.loads(str(text))
    if not isinstance(found, dict) or not all(each.startswith((CALLERS_OF, CALLS_OF)) for each in found):
        raise ValueError(str(text))
    return {str(group_id): tuple(map(str, rules)) for group_id, rules in found.items()}
