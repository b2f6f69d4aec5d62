"""Checks of CloudFormation that apply to every resource before its service is called, and generated names."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from portside.emulator.ministack_modules import cloudformation, provisioners
from portside.emulator.patches.patching import replaces
from portside.emulator.resources import schemas
from portside.emulator.resources.failure import ResourceFailed

# How ministack words an error of a service: type, what was done, code, message.
_OF_SERVICE = re.compile(r"AWS::\w+::\w+ \w+ failed: (?:\w+: )?(?P<message>.+)", re.DOTALL)

_policy_of_replaced: ContextVar[str] = ContextVar("policy_of_replaced", default="")


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
def update_in_its_words(original: Any, *args: Any) -> Any:
    """Errors are worded as CloudFormation words them."""
    return _worded(original, *args)


@replaces("services.cloudformation.stacks._resource_policy")
def keep_policy(original: Any, res_def: Any, attribute: str, *args: Any) -> Any:
    """The policy of the resource that is deleted next."""
    policy = original(res_def, attribute, *args)
    _policy_of_replaced.set(policy if attribute == "UpdateReplacePolicy" else "")
    return policy


@replaces("services.cloudformation.stacks._delete_resource")
def delete(original: Any, *args: Any) -> Any:
    """A replaced resource with the policy Snapshot gets a snapshot; ministack takes it for deletions only."""
    if _policy_of_replaced.get() == "Snapshot":
        provisioners._snapshot_resource(*args[:3])
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
