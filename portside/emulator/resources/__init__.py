"""CloudFormation resource types that ministack lacks or handles differently from AWS, one noun a file."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, NamedTuple

from portside.emulator.client.resource_types import supported

Attributes = dict[str, Any]
Created = tuple[str, Attributes]


class Change(NamedTuple):
    """An update of a resource, in the order of ministack's parameters."""

    physical_id: str
    old: Mapping[str, Any]
    new: Mapping[str, Any]
    stack_name: str
    logical_id: str | None = None


Create = Callable[[str, Mapping[str, Any], str], Created]


@dataclass(frozen=True)
class ResourceType:
    """How CloudFormation creates, updates and deletes resources of a type; what is None is as in ministack.

    `create(logical_id, properties, stack_name)` and `update(change)` return the physical id (`Ref`) and the attributes
    (`Fn::GetAtt`); `delete` and `snapshot`, which the deletion policy Snapshot calls before, return nothing. A change
    of a property that is create-only in the type's schema, or in `replacing`, replaces the resource. `tagged` types get
    the stack's tags in `Tags`.
    """

    name: str
    create: Create | None = None
    update: Callable[[Change], Created] | None = None
    delete: Callable[[str, Mapping[str, Any]], None] | None = None
    replacing: tuple[str, ...] = ()
    tagged: bool = False
    snapshot: Callable[[str, Mapping[str, Any]], None] | None = None

    def register(self) -> None:
        """Register the type in ministack's CloudFormation, where it replaces ministack's own."""
        provisioners = import_module("ministack.services.cloudformation.provisioners")
        handlers = provisioners._RESOURCE_HANDLERS.setdefault(self.name, {})
        handlers |= {name: each for name in ("create", "delete", "snapshot") if (each := getattr(self, name))}
        if update := self.update:
            handlers |= {"update": lambda *change: update(Change(*change)), "update_with_logical_id": True}
        if self.tagged:
            provisioners._STACK_TAG_PROPERTY.setdefault(self.name, ("Tags", "list"))


def again(create: Create) -> Callable[[Change], Created]:
    """An update that creates the resource with its new properties."""
    return lambda change: create(change.logical_id or change.physical_id, change.new, change.stack_name)


def all_types() -> list[ResourceType]:
    """The types of all modules of this package."""
    modules = [import_module(f"{__name__}.{each.name}") for each in pkgutil.iter_modules(__path__)]
    return [each for module in modules for each in getattr(module, "TYPES", ())]


def register() -> None:
    """Register all types."""
    from portside.emulator.resources import schemas

    replacing = import_module("ministack.services.cloudformation.provisioners")._REPLACING_PROPERTIES
    for kind in supported():
        if found := (*replacing.get(kind, ()), *schemas.replacing(kind)):
            replacing[kind] = found
    for each in all_types():
        each.register()
        if each.replacing:
            replacing[each.name] = (*replacing.get(each.name, ()), *each.replacing)
