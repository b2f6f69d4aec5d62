"""AWS::ECS::TaskDefinition: all properties, in the API's spelling, with Fargate's sizes checked."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from portside.emulator.ministack_modules import ecs, provisioners, responses
from portside.emulator.patches.patching import replaces
from portside.emulator.resources import Change, Created, ResourceType, again
from portside.emulator.resources.failure import checked

# CPU units and MiB: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html
_FARGATE_MEMORY: dict[int, Collection[int]] = {
    256: (512, 1024, 2048),
    512: range(1024, 4097, 1024),
    1024: range(2048, 8193, 1024),
    2048: range(4096, 16385, 1024),
    4096: range(8192, 30721, 1024),
    8192: range(16384, 61441, 4096),
    16384: range(32768, 122881, 8192),
}
# Keys below these are chosen by users, not by AWS.
_USER_MAPS = frozenset({"DockerLabels", "DriverOpts", "Labels", "Options"})
_IRREGULAR = {
    "EFSVolumeConfiguration": "efsVolumeConfiguration",
    "FilesystemId": "fileSystemId",
    "FSxWindowsFileServerVolumeConfiguration": "fsxWindowsFileServerVolumeConfiguration",
    "IAM": "iam",
}


def camel_case(value: Any) -> Any:
    """CloudFormation's PascalCase as the API's camelCase, at every depth except in maps with users' keys."""
    if isinstance(value, list):
        return [camel_case(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        _IRREGULAR.get(key) or key[:1].lower() + key[1:]: each if key in _USER_MAPS else camel_case(each)
        for key, each in value.items()
    }


def problem(request: Mapping[str, Any]) -> str | None:
    """Why Fargate refuses this task definition."""
    if "FARGATE" not in (request.get("requiresCompatibilities") or []):
        return None
    cpu, memory = str(request.get("cpu") or ""), str(request.get("memory") or "")
    for name, value in (("cpu", cpu), ("memory", memory)):
        if not value:
            return f"Fargate requires that '{name}' be defined at the task level."
    if not cpu.isdigit() or not memory.isdigit() or int(memory) not in _FARGATE_MEMORY.get(int(cpu), ()):
        return f"No Fargate configuration exists for given values: {cpu} CPU, {memory} memory."
    if request.get("networkMode") != "awsvpc":
        return "Fargate only supports network mode 'awsvpc'."
    if not request.get("executionRoleArn"):
        for container in request.get("containerDefinitions") or []:
            if container.get("secrets"):
                return (
                    "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'."
                )
            if (container.get("logConfiguration") or {}).get("logDriver") == "awslogs":
                return "Fargate requires task definition to have execution role ARN to support log driver awslogs."
    reserved = 0
    for container in request.get("containerDefinitions") or []:
        needed = int(container.get("memory") or 0) or int(container.get("memoryReservation") or 0)
        if max(int(container.get("memory") or 0), int(container.get("memoryReservation") or 0)) > int(memory):
            return (
                f"Invalid setting for container '{container.get('name')}'. Its memory exceeds the task's: {memory} MiB."
            )
        reserved += needed
    if reserved > int(memory):
        return f"Invalid 'memory' setting for task: its containers need {reserved} MiB, it has {memory} MiB."
    return None


@replaces("services.ecs._register_task_definition")
def register_checked(original: Any, data: dict[str, Any]) -> Any:
    """RegisterTaskDefinition refuses sizes that Fargate lacks."""
    if found := problem(data):
        return responses.error_response_json("ClientException", found, 400)
    return original(data)


def create(logical_id: str, properties: Mapping[str, Any], stack_name: str) -> Created:
    # AWS generates a family from the stack, the logical id and a suffix; a replacement keeps it.
    family = properties.get("Family") or provisioners._physical_name(stack_name, logical_id, seeded=False)
    request = camel_case(dict(properties)) | {"family": family}
    arn = checked(ecs._register_task_definition(request))["taskDefinition"]["taskDefinitionArn"]
    return arn, {"TaskDefinitionArn": arn}


def update(change: Change) -> Created:
    physical_id, old, new, *_ = change
    if {name: old[name] for name in old if name != "Tags"} != {name: new[name] for name in new if name != "Tags"}:
        return again(create)(change)
    provisioners._reconcile_tag_list(ecs._tags.setdefault(physical_id, []), old, new, key="key", value="value")
    return physical_id, {"TaskDefinitionArn": physical_id}


def delete(physical_id: str, properties: Mapping[str, Any]) -> None:
    ecs._deregister_task_definition({"taskDefinition": physical_id})


TYPES = (ResourceType("AWS::ECS::TaskDefinition", create, update, delete, tagged=True),)
