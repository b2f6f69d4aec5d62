"""Checks of CloudFormation that apply to every resource before its service is called, and generated names."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Any

from portside.emulator.ministack_modules import cloudformation, provisioners
from portside.emulator.patches.patching import replaces
from portside.emulator.resources import schemas
from portside.emulator.resources.failure import ResourceFailed

# How ministack words an error of a service: type, what was done, code, message.
_OF_SERVICE = re.compile(r"AWS::\w+::\w+ \w+ failed: (?:\w+: )?(?P<message>.+)", re.DOTALL)


@replaces("services.cloudformation.stacks._provision_keeping_seed")
def create(_: Any, *args: Any) -> Any:
    """A generated name ends in something random, so that a retained resource does not collide with its successor."""
    kind, logical_id, properties, _stack_name = args
    _check(kind, logical_id, properties)
    _check_name(kind, properties)
    token = provisioners._NAME_SEED.set(uuid.uuid4().hex[:8])
    try:
        return _worded(provisioners._provision_resource, *args), provisioners._NAME_SEED.get()
    finally:
        provisioners._NAME_SEED.reset(token)


@replaces("services.cloudformation.stacks._update_resource")
@replaces("services.cloudformation.stacks._delete_resource")
def worded(original: Any, *args: Any) -> Any:
    """Errors are worded as CloudFormation words them."""
    return _worded(original, *args)


@replaces("services.cloudformation.stacks._update_keeping_seed")
def update(original: Any, *args: Any) -> Any:
    """The new properties are checked like those of a new resource; a new name must be free."""
    kind, physical_id, old, new, _stack_name, logical_id, *_ = args
    _check(kind, logical_id or physical_id, new)
    key = schemas.name_property(kind)
    if key and old.get(key) != new.get(key):
        _check_name(kind, new)
    return original(*args)


def _check(kind: str, logical_id: str, properties: Mapping[str, Any]) -> None:
    if found := schemas.problems(kind, properties):
        raise ValueError(f"Properties validation failed for resource {logical_id} with message: {' '.join(found)}")


def _check_name(kind: str, properties: Mapping[str, Any]) -> None:
    key = schemas.name_property(kind)
    name = properties.get(key) if key else None
    for stack in list(cloudformation._stacks.values()) if name else ():
        if stack["StackStatus"] != "DELETE_COMPLETE":
            for each in stack.get("_resources", {}).values():
                same = each["ResourceType"] == kind and each["Properties"].get(key) == name
                if same or (each["ResourceType"] == kind and each["PhysicalResourceId"] == name):
                    raise ValueError(f"{name} already exists in stack {stack['StackId']}")


def _worded(function: Any, *args: Any) -> Any:
    try:
        return function(*args)
    except ResourceFailed:
        raise
    except ValueError as error:
        if found := _OF_SERVICE.fullmatch(str(error)):
            raise ResourceFailed(found["message"], "InvalidRequest") from error
        raise
