"""The traffic that security groups allow. A doubtful rule counts as allowing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from portside.findings.templates.assembly import Assembly, Resource
from portside.findings.templates.values import Unknown, is_open, is_whole_list, many, objects, text, whole

_TCP = ("tcp", "6", 6)
_ALL = ("-1", -1)
# The CDK's rule for "no traffic", since a group without rules allows all traffic.
NOWHERE = "255.255.255.255/32"


@dataclass(frozen=True)
class Opening:
    """A rule of a security group: protocol, ports, and the other side."""

    protocol: Any
    first: Any
    last: Any
    group: Any = None
    cidr: Any = None

    def covers(self, port: int | None) -> bool:
        """Whether it may allow a TCP port; any port if None."""
        if self.protocol in _ALL or is_open(self.protocol):
            return True
        if self.protocol not in _TCP:
            return False
        first, last = whole(self.first), whole(self.last)
        if port is None or first is None or last is None:
            return True
        return first <= port <= last

    def is_about(self, groups: Sequence[Resource]) -> bool:
        """Whether the other side may be in one of some groups."""
        if self.group is None:
            # A range of addresses, or a prefix list.
            return bool(self.cidr != NOWHERE)
        return isinstance(self.group, Unknown) or any(each.is_of(self.group) for each in groups)


def groups_of(assembly: Assembly, values: Any) -> list[Resource] | None:
    """The security groups of a list; None if the list is empty or one is not in the assembly."""
    if not values or not is_whole_list(values):
        return None
    found = [assembly.resource(each, "EC2::SecurityGroup") for each in many(values)]
    return [each for each in found if each] if all(found) else None


def ingress(assembly: Assembly, groups: Sequence[Resource]) -> list[Opening] | None:
    """The inbound rules of some groups; None if unknown."""
    return _openings(assembly, groups, "SecurityGroupIngress", "Source")


def egress(assembly: Assembly, groups: Sequence[Resource]) -> list[Opening] | None:
    """The outbound rules of some groups; None if unknown, or if all traffic is allowed by default."""
    if any(each.get("SecurityGroupEgress") in (None, []) for each in groups):
        return None
    return _openings(assembly, groups, "SecurityGroupEgress", "Destination")


def own_egress(assembly: Assembly, group: Resource) -> list[Opening]:
    """The outbound rules of a group that are separate resources."""
    rules = [each for each in assembly.of_type("EC2::SecurityGroupEgress") if group.is_of(each.get("GroupId"))]
    return [_opening(dict(each.properties), "Destination") for each in rules]


def _openings(assembly: Assembly, groups: Sequence[Resource], key: str, side: str) -> list[Opening] | None:
    separate = assembly.of_type(f"EC2::{key}")
    if any(isinstance(each.get("GroupId"), Unknown) for each in separate):
        return None
    found: list[Opening] = []
    for group in groups:
        inline = group.get(key)
        if not is_whole_list(inline):
            return None
        found += [_opening(each, side) for each in objects(inline)]
        own = [each for each in separate if group.is_of(each.get("GroupId")) or _is_named(group, each)]
        found += [_opening(dict(each.properties), side) for each in own]
    return found


def _is_named(group: Resource, rule: Resource) -> bool:
    name = group.get("GroupName")
    return text(name) is not None and rule.get("GroupName") == name


def _opening(rule: dict[str, Any], side: str) -> Opening:
    group = rule.get(f"{side}SecurityGroupId")
    if group is None and f"{side}SecurityGroupName" in rule:
        group = Unknown("by its name")
    return Opening(
        protocol=rule.get("IpProtocol"),
        first=rule.get("FromPort"),
        last=rule.get("ToPort"),
        group=group,
        cidr=rule.get("CidrIp"),
    )


def allow_inbound(
    assembly: Assembly, groups: Sequence[Resource], callers: Sequence[Resource], port: int | None
) -> bool:
    """Whether some groups may allow callers on a TCP port."""
    found = ingress(assembly, groups)
    return found is None or any(each.covers(port) and each.is_about(callers) for each in found)


def allow_outbound(
    assembly: Assembly, groups: Sequence[Resource], callees: Sequence[Resource], port: int | None
) -> bool:
    """Whether some groups may allow traffic to callees on a TCP port."""
    found = egress(assembly, groups)
    if found is not None:
        return any(each.covers(port) and each.is_about(callees) for each in found)
    # A group without inline rules allows all outbound traffic, unless separate rules name their destinations.
    # https://github.com/aws/aws-cdk/issues/987
    separate = [each for group in groups for each in own_egress(assembly, group) if each.group is not None]
    matching = [each for each in separate if each.is_about(callees)]
    return len(groups) > 1 or not matching or any(each.covers(port) for each in matching)
