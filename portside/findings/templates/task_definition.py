"""Task definitions: which containers they have, and what of them contradicts itself or Fargate."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from portside.findings.finding import Finding
from portside.findings.templates.assembly import Assembly, Resource
from portside.findings.templates.rule import over, over_assembly, wrong
from portside.findings.templates.values import (
    Text,
    fields,
    flag,
    is_open,
    is_whole_list,
    many,
    objects,
    text,
    whole,
)

Container = dict[str, Any]

# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html
_MOST_BYTES = 64 * 1024
# https://github.com/aws/aws-cdk/issues/38225
_MOST_VARIABLES = 100
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html
_SECRET_PARTS = 3
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html
_NOT_ON_FARGATE = ("Links", "Privileged", "DockerSecurityOptions", "ExtraHosts", "DisableNetworking")
_LINUX_NOT_ON_FARGATE = ("Devices", "MaxSwap", "SharedMemorySize", "Swappiness", "Tmpfs")
_NOT_IN_AWSVPC = ("DnsServers", "DnsSearchDomains", "ExtraHosts", "Hostname", "Links")
_IMAGE = re.compile(r"^[a-z0-9.:_/-]+(:[A-Za-z0-9._-]{1,128})?(@sha256:[a-f0-9]{64})?$")


def task_definitions(assembly: Assembly) -> tuple[Resource, ...]:
    return assembly.of_type("ECS::TaskDefinition")


def containers_of(task_definition: Resource) -> list[Container]:
    """The containers that are known."""
    return objects(task_definition.get("ContainerDefinitions"))


def container_named(task_definition: Resource, name: Any) -> Container | None:
    """The container with a name; None if missing or unknown."""
    return next((each for each in containers_of(task_definition) if text(name) and each.get("Name") == name), None)


def has_known_containers(task_definition: Resource) -> bool:
    """Whether all containers and their names are known."""
    found = task_definition.get("ContainerDefinitions")
    names_known = all(text(each.get("Name")) for each in containers_of(task_definition))
    return isinstance(found, list) and is_whole_list(found) and names_known


def ports_of(container: Container) -> list[dict[str, Any]] | None:
    """The port mappings of a container; None where they are not known."""
    found = container.get("PortMappings")
    if found is None:
        return []
    return objects(found) if isinstance(found, list) and is_whole_list(found) else None


def is_awsvpc(task_definition: Resource) -> bool:
    """Whether each task has its own network interface."""
    return bool(task_definition.get("NetworkMode") == "awsvpc")


def runs_on_fargate(assembly: Assembly, task_definition: Resource) -> bool:
    """Whether a task definition is certainly for Fargate: as it says, or as a service runs it there."""
    expected = task_definition.get("RequiresCompatibilities")
    if isinstance(expected, list) and "FARGATE" in expected:
        return True
    return any(
        task_definition.is_of(service.get("TaskDefinition")) and service.get("LaunchType") == "FARGATE"
        for service in assembly.of_type("ECS::Service")
    )


@over("ECS::TaskDefinition")
def names(assembly: Assembly, each: Resource) -> Iterator[Finding]:
    """Containers, volumes, variables and secrets whose names are taken or unknown."""
    yield from _twice(each, [one.get("Name") for one in containers_of(each)], "container")
    yield from _twice(each, [one.get("Name") for one in objects(each.get("Volumes"))], "volume")
    for container in containers_of(each):
        yield from _variables(each, container)
        yield from _mounts(each, container)


def _twice(resource: Resource, found: list[Any], sentence: str) -> Iterator[Finding]:
    known = [each for each in found if text(each)]
    for name in dict.fromkeys(known):
        if known.count(name) > 1:
            yield wrong("NAME_TWICE", resource, f"two {sentence}s have the name {name}")


def _variables(resource: Resource, container: Container) -> Iterator[Finding]:
    name = container.get("Name")
    variables = [each.get("Name") for each in objects(container.get("Environment"))]
    secrets = [each.get("Name") for each in objects(container.get("Secrets"))]
    for each in dict.fromkeys(filter(text, secrets)):
        if each in variables or secrets.count(each) > 1:
            twice = "both a variable and a secret" if each in variables else "twice a secret"
            yield wrong("NAME_TWICE", resource, f"{each} of the container {name} is {twice}")
    if len(variables) + len(secrets) > _MOST_VARIABLES:
        count = len(variables) + len(secrets)
        yield wrong("VARIABLES", resource, f"the container {name} has {count} variables and secrets")


def _mounts(resource: Resource, container: Container) -> Iterator[Finding]:
    volumes = resource.get("Volumes")
    declared = [each.get("Name") for each in objects(volumes)]
    mounts, name = objects(container.get("MountPoints")), container.get("Name")
    for each in mounts:
        source = text(each.get("SourceVolume"))
        if source and is_whole_list(volumes) and not any(map(is_open, declared)) and source not in declared:
            yield wrong("VOLUME", resource, f"the container {name} mounts the volume {source}, which is not declared")
    paths = [path for each in mounts if (path := text(each.get("ContainerPath")))]
    for path in dict.fromkeys(paths):
        if paths.count(path) > 1:
            yield wrong("VOLUME", resource, f"the container {name} mounts two volumes at {path}")
    for each in objects(container.get("VolumesFrom")):
        source = text(each.get("SourceContainer"))
        if source and has_known_containers(resource) and not container_named(resource, source):
            yield wrong("VOLUME", resource, f"the container {name} takes volumes from {source}, which is no container")


@over("ECS::TaskDefinition")
def dependencies(assembly: Assembly, resource: Resource) -> Iterator[Finding]:
    """Containers that wait for what will not be."""
    waits: dict[str, list[str]] = {}
    for container in containers_of(resource):
        name = str(container.get("Name"))
        for each in objects(container.get("DependsOn")):
            other, condition = text(each.get("ContainerName")), each.get("Condition")
            if other:
                waits.setdefault(name, []).append(other)
                yield from _dependency(resource, name, other, condition)
    for name in waits:
        if _waits_for_itself(name, waits):
            yield wrong("DEPENDENCY", resource, f"the container {name} waits for itself")


def _dependency(resource: Resource, name: str, other: str, condition: Any) -> Iterator[Finding]:
    found = container_named(resource, other)
    if found is None:
        if has_known_containers(resource):
            yield wrong("DEPENDENCY", resource, f"the container {name} waits for {other}, which is no container")
        return
    if condition == "HEALTHY" and "HealthCheck" not in found:
        sentence = f"the container {name} waits for {other} to be HEALTHY, which has no health check"
        yield wrong("DEPENDENCY", resource, sentence)
    is_essential = "Essential" not in found or flag(found["Essential"])
    if condition in ("COMPLETE", "SUCCESS") and is_essential:
        sentence = (
            f"the container {name} waits until {other} exits, which is essential and stops the task when it exits"
        )
        yield wrong("DEPENDENCY", resource, sentence)


def _waits_for_itself(name: str, waits: dict[str, list[str]]) -> bool:
    seen, next_ones = set(), [*waits.get(name, ())]
    while next_ones:
        each = next_ones.pop()
        if each == name:
            return True
        if each not in seen:
            seen.add(each)
            next_ones += waits.get(each, ())
    return False


@over("ECS::TaskDefinition")
def sizes(assembly: Assembly, resource: Resource) -> Iterator[Finding]:
    """Task definitions over 64 KiB, and containers that are larger than their task."""
    known = json.dumps(resource.properties, default=lambda _: "", separators=(",", ":"))
    if len(known.encode()) > _MOST_BYTES:
        yield wrong("SIZE", resource, f"has {len(known.encode()):,} bytes, at most {_MOST_BYTES:,} are accepted")
    yield from _reserved(resource)


def _reserved(resource: Resource) -> Iterator[Finding]:
    # "0.5 GB" and "1 vCPU" are accepted too, and not compared.
    memory, cpu = whole(resource.get("Memory")), whole(resource.get("Cpu"))
    total_memory = total_cpu = 0
    for container in containers_of(resource):
        name = container.get("Name")
        hard, soft = whole(container.get("Memory")), whole(container.get("MemoryReservation"))
        total_memory += soft if soft is not None else hard or 0
        total_cpu += whole(container.get("Cpu")) or 0
        if hard is not None and soft is not None and soft > hard:
            yield wrong("MEMORY", resource, f"the container {name} reserves {soft} MiB and may have {hard} MiB")
        if hard is not None and memory is not None and hard > memory:
            yield wrong("MEMORY", resource, f"the container {name} may have {hard} MiB, the task has {memory} MiB")
    if memory is not None and total_memory > memory:
        yield wrong("MEMORY", resource, f"its containers reserve {total_memory} MiB, the task has {memory} MiB")
    if cpu is not None and total_cpu > cpu:
        yield wrong("MEMORY", resource, f"its containers reserve {total_cpu} CPU units, the task has {cpu}")


@over("ECS::TaskDefinition")
def ports(assembly: Assembly, resource: Resource) -> Iterator[Finding]:
    """Ports that two containers of a task want, and host ports where a task has its own interface."""
    if not is_awsvpc(resource):
        return
    expected: dict[tuple[int, str], Any] = {}
    for container in containers_of(resource):
        for each in ports_of(container) or ():
            port, host = whole(each.get("ContainerPort")), whole(each.get("HostPort"))
            name = container.get("Name")
            if port is not None and host not in (None, 0, port):
                sentence = f"the container {name} maps port {port} to the host's {host}; in awsvpc they are the same"
                yield wrong("HOST_PORT", resource, sentence)
            key = (port or 0, str(each.get("Protocol", "tcp")))
            if port and key in expected:
                both = f"{expected[key]} and {name}" if expected[key] != name else f"{name} twice"
                yield wrong("PORT_TWICE", resource, f"port {port} is mapped by {both}")
            expected[key] = name


@over("ECS::TaskDefinition")
def fargate(assembly: Assembly, resource: Resource) -> Iterator[Finding]:
    """Settings that Fargate does not support."""
    if not runs_on_fargate(assembly, resource):
        return
    for key in ("Cpu", "Memory"):
        if key not in resource.properties:
            yield wrong("FARGATE", resource, f"lacks {key}, which Fargate requires")
    if "NetworkMode" not in resource.properties:
        yield wrong("FARGATE", resource, "lacks NetworkMode: on Fargate it is awsvpc")
    for volume in objects(resource.get("Volumes")):
        host = fields(volume.get("Host"))
        if text(host.get("SourcePath")) or "DockerVolumeConfiguration" in volume:
            yield wrong("FARGATE", resource, f"the volume {volume.get('Name')} is of the host, which Fargate has not")
    if objects(resource.get("PlacementConstraints")):
        yield wrong("FARGATE", resource, "placement constraints are not supported on Fargate")
    for container in containers_of(resource):
        yield from _not_offered(resource, container)


def _not_offered(resource: Resource, container: Container) -> Iterator[Finding]:
    linux = fields(container.get("LinuxParameters"))
    found = [key for key in _NOT_ON_FARGATE if _is_set(container.get(key))]
    found += [f"LinuxParameters.{key}" for key in _LINUX_NOT_ON_FARGATE if _is_set(linux.get(key))]
    expected = [each.get("Type") for each in objects(container.get("ResourceRequirements"))]
    found += ["a GPU"] if "GPU" in expected else []
    for key in found:
        yield wrong("FARGATE", resource, f"{key} of the container {container.get('Name')} is not supported on Fargate")


def _is_set(value: Any) -> bool:
    return not (value is None or is_open(value) or value in ([], {}) or flag(value) is False)


@over("ECS::TaskDefinition")
def interfaces(assembly: Assembly, resource: Resource) -> Iterator[Finding]:
    """Settings that awsvpc tasks do not support."""
    for container in containers_of(resource) if is_awsvpc(resource) else ():
        for key in _NOT_IN_AWSVPC:
            if _is_set(container.get(key)) and not runs_on_fargate(assembly, resource):
                sentence = f"{key} of the container {container.get('Name')} is not supported in awsvpc"
                yield wrong("AWSVPC", resource, sentence)


@over("ECS::TaskDefinition")
def logs(assembly: Assembly, resource: Resource) -> Iterator[Finding]:
    """Log drivers that lack what they need."""
    routers = [each for each in containers_of(resource) if "FirelensConfiguration" in each]
    for container in containers_of(resource):
        driver, name = fields(container.get("LogConfiguration")), container.get("Name")
        options = driver.get("Options", {})
        if driver.get("LogDriver") == "awslogs" and isinstance(options, dict):
            needed = ["awslogs-group", "awslogs-region"]
            needed += ["awslogs-stream-prefix"] if runs_on_fargate(assembly, resource) else []
            lacking = [each for each in needed if each not in options]
            if lacking:
                yield wrong("LOG_DRIVER", resource, f"the log driver of {name} lacks {', '.join(lacking)}")
            yield from _log_region(assembly, resource, options)
        if driver.get("LogDriver") == "awsfirelens" and not routers and has_known_containers(resource):
            yield wrong(
                "LOG_DRIVER", resource, f"{name} logs to FireLens, and no container has a FirelensConfiguration"
            )


def _log_region(assembly: Assembly, resource: Resource, options: dict[str, Any]) -> Iterator[Finding]:
    group = assembly.resource(options.get("awslogs-group"), "Logs::LogGroup")
    region = text(options.get("awslogs-region"))
    place = assembly.file(group.stack).region if group else ""
    if group and region and place and region != place:
        yield wrong("LOG_REGION", resource, f"logs go to {region}, and the log group {group.logical_id} is in {place}")


@over("ECS::TaskDefinition")
def secret_fields(assembly: Assembly, resource: Resource) -> Iterator[Finding]:
    """Fields of secrets that are not written `ARN:field:stage:version`."""
    for container in containers_of(resource):
        for each in objects(container.get("Secrets")):
            value = each.get("ValueFrom")
            parts = value.parts if isinstance(value, Text) else ()
            is_secret = bool(parts) and assembly.resource(parts[0], "SecretsManager::Secret") is not None
            if is_secret and len(parts) == 2 and isinstance(parts[1], str) and parts[1].count(":") != _SECRET_PARTS:
                sentence = f"the field of the secret {each.get('Name')} must be written ARN:FIELD::, got ARN{parts[1]}"
                yield wrong("SECRET_FIELD", resource, sentence)


@over("ECS::TaskDefinition")
def health_commands(assembly: Assembly, resource: Resource) -> Iterator[Finding]:
    """Health checks that can't be run, or that ask another service's port."""
    for container in containers_of(resource):
        check, name = fields(container.get("HealthCheck")), container.get("Name")
        command = many(check.get("Command"))
        if not command or not isinstance(command[0], str):
            continue
        if command[0] not in ("CMD", "CMD-SHELL", "NONE"):
            sentence = f"the health command of {name} begins with neither CMD nor CMD-SHELL, got {command[0]}"
            yield wrong("HEALTH_COMMAND", resource, sentence)
        elif command[0] == "CMD" and len(command) == 2 and " " in (text(command[1]) or ""):
            sentence = f"the health command of {name} is one word with spaces in it: no program has that name"
            yield wrong("HEALTH_COMMAND_WORD", resource, sentence)
        elif command[0] == "CMD-SHELL" and len(command) != 2:
            sentence = f"CMD-SHELL takes one text, the health command of {name} has {len(command) - 1}"
            yield wrong("HEALTH_COMMAND_WORD", resource, sentence)


_OWN_PORT = re.compile(r"(?:localhost|127\.0\.0\.1|\[::1\]):(\d+)")


@over_assembly
def health_ports(assembly: Assembly) -> Iterator[Finding]:
    """Health commands that ask a port which only another task definition maps."""
    mapped = {each.name: _mapped(each) for each in task_definitions(assembly)}
    for resource in task_definitions(assembly):
        own = mapped[resource.name]
        others = {port for name, ports in mapped.items() if name != resource.name for port in ports or ()}
        for container in containers_of(resource) if own is not None else ():
            command = many(fields(container.get("HealthCheck")).get("Command"))
            for port in map(int, _OWN_PORT.findall(" ".join(each for each in command if isinstance(each, str)))):
                if port in others and port not in (own or ()):
                    sentence = (
                        f"the health command of {container.get('Name')} asks port {port}, which another service maps"
                    )
                    yield wrong("HEALTH_PORT", resource, sentence)


def _mapped(resource: Resource) -> set[int] | None:
    found: set[int] = set()
    for container in containers_of(resource):
        mappings = ports_of(container)
        if mappings is None:
            return None
        for each in mappings:
            port = whole(each.get("ContainerPort"))
            if port is None:
                return None
            found.add(port)
    return found or None


@over("ECS::TaskDefinition")
def images(assembly: Assembly, resource: Resource) -> Iterator[Finding]:
    """Image references that no registry can be asked for."""
    for container in containers_of(resource):
        image = text(container.get("Image"))
        if image is not None and not _IMAGE.match(image):
            yield wrong("IMAGE", resource, f"the image of {container.get('Name')} is no image reference, got {image}")
