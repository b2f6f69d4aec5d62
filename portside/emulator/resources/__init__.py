"""CloudFormation resource types that ministack lacks or handles differently from AWS, one noun a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

Attributes = dict[str, Any]
Created = tuple[str, Attributes]


@dataclass(frozen=True)
class ResourceType:
    """How CloudFormation creates, updates and deletes resources of a type.

    `create(logical_id, properties, stack_name)` and `update(physical_id, old, new, stack_name, logical_id)` return
    the physical id (`Ref`) and the attributes (`Fn::GetAtt`); `delete(physical_id, properties)` returns nothing.
    A change of a property in `replacing` replaces the resource. `tagged` types get the stack's tags in `Tags`.
    """

    name: str
    create: Callable[[str, Mapping[str, Any], str], Created]
    update: Callable[[str, Mapping[str, Any], Mapping[str, Any], str, str | None], Created]
    delete: Callable[[str, Mapping[str, Any]], None]
    replacing: tuple[str, ...] = ()
    tagged: bool = False


NOUNS = (
    "alarm",
    "cluster_capacity_providers",
    "database_cluster",
    "elastic_ip",
    "flow_log",
    "instance",
    "instance_profile",
    "load_balancer",
    "log_group",
    "nat_gateway",
    "network_part",
    "scalable_target",
    "secret",
    "security_group_rule",
    "service",
    "task_definition",
    "web_acl",
)


def all_types() -> list[ResourceType]:
    """The types of all nouns."""
    return [each for noun in NOUNS for each in import_module(f"{__name__}.{noun}").TYPES]


def register() -> None:
    """Register our types in ministack's CloudFormation, where they replace its own."""
    provisioners = import_module("ministack.services.cloudformation.provisioners")
    for each in all_types():
        provisioners._RESOURCE_HANDLERS[each.name] = {
            "create": each.create,
            "update": each.update,
            "update_with_logical_id": True,
            "delete": each.delete,
        }
        if each.replacing:
            provisioners._REPLACING_PROPERTIES[each.name] = each.replacing
        if each.tagged:
            provisioners._STACK_TAG_PROPERTY.setdefault(each.name, ("Tags", "list"))


def supported() -> frozenset[str]:
    """All resource types that can be deployed to the embedded AWS. Imports ministack."""
    provisioners = import_module("ministack.services.cloudformation.provisioners")
    return frozenset(provisioners._RESOURCE_HANDLERS) | {each.name for each in all_types()}
