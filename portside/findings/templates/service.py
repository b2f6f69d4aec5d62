"""Services against their task definition, cluster and load balancer."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator
from typing import Any

from portside.findings.finding import Finding
from portside.findings.templates.assembly import Assembly, Resource
from portside.findings.templates.rule import over, over_assembly, wrong
from portside.findings.templates.task_definition import (
    container_named,
    containers_of,
    has_known_containers,
    is_awsvpc,
    ports_of,
    runs_on_fargate,
)
from portside.findings.templates.values import (
    Handle,
    Unknown,
    fields,
    flag,
    is_known,
    is_open,
    is_whole_list,
    many,
    number,
    objects,
    text,
    whole,
)

_OF_FARGATE = frozenset({"FARGATE", "FARGATE_SPOT"})
# The logs of ECS exec sessions; https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html
_WRITTEN_BY_EXEC = ("/var/lib/amazon", "/var/log/amazon")
_SIMILARITY = 0.8


def services(assembly: Assembly) -> tuple[Resource, ...]:
    return assembly.of_type("ECS::Service")


def task_definition_of(assembly: Assembly, service: Resource) -> Resource | None:
    """The task definition of a service, if it is in the assembly."""
    return assembly.resource(service.get("TaskDefinition"), "ECS::TaskDefinition")


def is_rolling(service: Resource) -> bool:
    """Whether ECS itself replaces its tasks, one after the other."""
    controller, strategy = service.get("DeploymentController"), service.get("DeploymentConfiguration", "Strategy")
    is_ecs = controller is None or fields(controller).get("Type", "ECS") == "ECS"
    return is_ecs and strategy in (None, "ROLLING") and service.get("SchedulingStrategy") in (None, "REPLICA")


@over("ECS::Service")
def load_balanced_ports(assembly: Assembly, service: Resource) -> Iterator[Finding]:
    """Load balancers that send to a container or port that the task definition does not map."""
    of = task_definition_of(assembly, service)
    for each in objects(service.get("LoadBalancers")) if of else ():
        assert of is not None
        name, port = text(each.get("ContainerName")), whole(each.get("ContainerPort"))
        if not name or not has_known_containers(of):
            continue
        container = container_named(of, name)
        if container is None:
            yield wrong("BALANCED_PORT", service, f"its load balancer sends to the container {name}, which is none")
            continue
        if not may_map(container, port):
            known = ", ".join(str(each.get("ContainerPort")) for each in ports_of(container) or ()) or "none"
            sentence = f"its load balancer sends to port {port} of {name}, which maps {known}"
            yield wrong("BALANCED_PORT", service, sentence)


def may_map(container: dict[str, Any], port: int | None) -> bool:
    mapped = ports_of(container)
    if mapped is None or port is None or any("ContainerPortRange" in each for each in mapped):
        return True
    found = [each.get("ContainerPort") for each in mapped]
    return not is_known(found) or port in map(whole, found)


@over_assembly
def service_connect(assembly: Assembly) -> Iterator[Finding]:
    """Service Connect names that no port has, or that two services have."""
    taken: dict[tuple[str, str, int], str] = {}
    for service in services(assembly):
        connect = fields(service.get("ServiceConnectConfiguration"))
        if flag(connect.get("Enabled")) is not True:
            continue
        yield from _namespace(assembly, service, connect)
        namespace = _namespace_of(assembly, service, connect)
        for each in objects(connect.get("Services")):
            yield from _port_name(assembly, service, each)
            discovery = each.get("DiscoveryName", each.get("PortName"))
            if namespace is not None and text(discovery):
                key = (repr(namespace), str(discovery), 0)
                if key in taken and not service.is_conditional:
                    yield wrong("CONNECT_TAKEN", service, f"the discovery name {discovery} is also of {taken[key]}")
                taken.setdefault(key, service.name)
            for alias in objects(each.get("ClientAliases")):
                port = whole(alias.get("Port"))
                name = alias.get("DnsName", each.get("DiscoveryName", each.get("PortName")))
                if namespace is None or port is None or not text(name):
                    continue
                key = (repr(namespace), str(name), port)
                if key in taken and not service.is_conditional:
                    yield wrong("CONNECT_TAKEN", service, f"{name}:{port} in Service Connect is also of {taken[key]}")
                taken.setdefault(key, service.name)


def _port_name(assembly: Assembly, service: Resource, offered: dict[str, Any]) -> Iterator[Finding]:
    of, name = task_definition_of(assembly, service), text(offered.get("PortName"))
    if of is None or not name or not has_known_containers(of):
        return
    mappings = [ports_of(container) for container in containers_of(of)]
    if any(each is None for each in mappings):
        return
    named = [port.get("Name") for each in mappings for port in each or ()]
    if name not in named and not any(map(is_open, named)):
        known = ", ".join(str(each) for each in named if each) or "none"
        yield wrong("CONNECT_PORT", service, f"Service Connect offers the port named {name}; named ports: {known}")


def _namespace(assembly: Assembly, service: Resource, connect: dict[str, Any]) -> Iterator[Finding]:
    name = connect.get("Namespace")
    cluster = assembly.resource(service.get("Cluster"), "ECS::Cluster")
    if name is None and cluster is not None and "ServiceConnectDefaults" not in cluster.properties:
        yield wrong("CONNECT_NAMESPACE", service, "Service Connect has no namespace, nor has the cluster a default one")
    made = [each.get("Name") for each in assembly.of_type(*_NAMESPACES)]
    if text(name) and name not in made and not str(name).startswith("arn:"):
        similar = difflib.get_close_matches(str(name), [each for each in made if text(each)], 1, _SIMILARITY)
        if similar:
            sentence = f"the Service Connect namespace {name} is made by no stack; {similar[0]} is"
            yield wrong("CONNECT_NAMESPACE", service, sentence)


_NAMESPACES = (
    "ServiceDiscovery::HttpNamespace",
    "ServiceDiscovery::PrivateDnsNamespace",
    "ServiceDiscovery::PublicDnsNamespace",
)


def _namespace_of(assembly: Assembly, service: Resource, connect: dict[str, Any]) -> Any:
    """The namespace by its name where that is known; None where there is nothing to compare."""
    name = connect.get("Namespace")
    if name is None:
        cluster = assembly.resource(service.get("Cluster"), "ECS::Cluster")
        name = cluster.get("ServiceConnectDefaults", "Namespace") if cluster else service.get("Cluster")
    made = assembly.resource(name, *_NAMESPACES)
    return made.get("Name") if made else name


@over("ECS::Service")
def capacity(assembly: Assembly, service: Resource) -> Iterator[Finding]:
    """Capacity providers that the cluster does not have, and strategies that contradict themselves."""
    strategy = service.get("CapacityProviderStrategy")
    launch_type = service.get("LaunchType")
    if isinstance(strategy, list) and strategy and launch_type is not None and not is_open(launch_type):
        yield wrong("CAPACITY", service, "has both LaunchType and CapacityProviderStrategy")
    if isinstance(strategy, list) and is_whole_list(strategy):
        yield from _strategy(assembly, service, objects(strategy))
    yield from _launch_type(assembly, service)


def _strategy(assembly: Assembly, service: Resource, strategy: list[dict[str, Any]]) -> Iterator[Finding]:
    if not strategy:
        return
    bases = [each for each in strategy if (whole(each.get("Base")) or 0) > 0]
    if len(bases) > 1:
        yield wrong("CAPACITY", service, "more than one capacity provider of its strategy has a base")
    weights = [whole(each.get("Weight", 0)) for each in strategy]
    if len(strategy) > 1 and all(each == 0 for each in weights):
        yield wrong("CAPACITY", service, "no capacity provider of its strategy has a weight over 0")
    named = [name for each in strategy if (name := text(each.get("CapacityProvider")))]
    own = [each for each in strategy if isinstance(each.get("CapacityProvider"), Handle)]
    if own and _OF_FARGATE & set(named):
        yield wrong("CAPACITY", service, "its strategy mixes Fargate with an Auto Scaling group's capacity provider")
    offered = _providers_of(assembly, service)
    for name in named if offered is not None else ():
        if name not in (offered or ()):
            sentence = (
                f"the cluster has no capacity provider {name}; it has {', '.join(map(str, offered or ())) or 'none'}"
            )
            yield wrong("CAPACITY_MISSING", service, sentence)


def _providers_of(assembly: Assembly, service: Resource) -> list[Any] | None:
    """The capacity providers of a service's cluster; None where they are not known."""
    cluster = assembly.resource(service.get("Cluster"), "ECS::Cluster")
    if cluster is None:
        return None
    named = cluster.get("ClusterName")
    offered: list[Any] = []
    lists = [cluster.get("CapacityProviders")]
    for each in assembly.of_type("ECS::ClusterCapacityProviderAssociations"):
        of = each.get("Cluster")
        if cluster.is_of(of) or (named is not None and of == named):
            lists.append(each.get("CapacityProviders"))
        elif isinstance(of, Unknown):
            return None
    for found in lists:
        if found is not None and not (isinstance(found, list) and is_whole_list(found)):
            return None
        offered += found or ()
    return offered


def _launch_type(assembly: Assembly, service: Resource) -> Iterator[Finding]:
    """Without launch type and strategy a service starts on EC2, unless its cluster has a default strategy."""
    of, cluster = task_definition_of(assembly, service), assembly.resource(service.get("Cluster"), "ECS::Cluster")
    if of is None or cluster is None or of.get("RequiresCompatibilities") != ["FARGATE"]:
        return
    if "LaunchType" in service.properties:
        if service.get("LaunchType") == "EC2":
            yield wrong("CAPACITY", service, "LaunchType is EC2, and its task definition is for FARGATE only")
        return
    associations = assembly.of_type("ECS::ClusterCapacityProviderAssociations")
    defaults = [cluster.get("DefaultCapacityProviderStrategy")]
    defaults += [each.get("DefaultCapacityProviderStrategy") for each in associations]
    if service.get("CapacityProviderStrategy") in (None, []) and all(each in (None, []) for each in defaults):
        sentence = "has neither LaunchType nor CapacityProviderStrategy: it would start on EC2, and is for FARGATE only"
        yield wrong("CAPACITY", service, sentence)


@over("ECS::Service")
def room_to_roll(assembly: Assembly, service: Resource) -> Iterator[Finding]:
    """Services that can neither start a new task nor stop an old one."""
    deployment = service.get("DeploymentConfiguration")
    if not is_rolling(service) or is_open(deployment):
        return
    least = number(fields(deployment).get("MinimumHealthyPercent", 100))
    most = number(fields(deployment).get("MaximumPercent", 200))
    if least is None or most is None:
        return
    if service.get("AvailabilityZoneRebalancing") == "ENABLED" and most <= 100:
        sentence = f"Availability Zone rebalancing needs a MaximumPercent over 100, got {most:g}"
        yield wrong("REBALANCING", service, sentence)
        return
    for count in _counts(assembly, service):
        if count and math.floor(count * most / 100) <= count <= math.ceil(count * least / 100):
            sentence = (
                f"with {count} task{'s' if count > 1 else ''}, MinimumHealthyPercent {least:g} and "
                f"MaximumPercent {most:g}, a deployment may neither stop a task nor start one"
            )
            yield wrong("NO_ROOM", service, sentence)
            break


@over("ECS::Service")
def grace_periods(assembly: Assembly, service: Resource) -> Iterator[Finding]:
    """Services that wait for the checks of a load balancer, and have none."""
    entrances = [service.get("LoadBalancers"), service.get("VpcLatticeConfigurations")]
    seconds = whole(service.get("HealthCheckGracePeriodSeconds"))
    if seconds and not any(is_open(each) or objects(each) for each in entrances):
        yield wrong("GRACE_PERIOD", service, f"a grace period of {seconds} s, and no load balancer checks its tasks")


def _counts(assembly: Assembly, service: Resource) -> list[int]:
    """How many tasks a service may want; none where that is not known."""
    from portside.findings.templates.scaling import target_of

    target = target_of(assembly, service)
    if target is not None:
        least, most = whole(target.get("MinCapacity")), whole(target.get("MaxCapacity"))
        return list(range(max(least, 1), min(most, least + 10) + 1)) if least is not None and most is not None else []
    if "DesiredCount" not in service.properties:
        return [1]
    count = whole(service.get("DesiredCount"))
    return [count] if count is not None else []


@over_assembly
def deployment_alarms(assembly: Assembly) -> Iterator[Finding]:
    """Alarms of a deployment that no stack makes, where the others are made here."""
    alarms_made = assembly.of_type("CloudWatch::Alarm", "CloudWatch::CompositeAlarm")
    made = {name for each in alarms_made if (name := text(each.get("AlarmName"))) is not None}
    for service in services(assembly):
        settings = fields(service.get("DeploymentConfiguration", "Alarms"))
        alarms = many(settings.get("AlarmNames")) if flag(settings.get("Enable")) else []
        families = {_family(each) for each in made}
        for name in filter(text, alarms):
            if name not in made and _family(name) in families:
                sentence = f"a deployment is watched by the alarm {name}, which no stack makes"
                yield wrong("ALARM_MISSING", service, sentence, at="DeploymentConfiguration.Alarms")


def _family(name: Any) -> str:
    """The common prefix of an environment's alarms: the first two words of their names."""
    return "-".join(str(name).split("-")[:2])


@over("ECS::Service")
def networks(assembly: Assembly, service: Resource) -> Iterator[Finding]:
    """Services without the network that their task definition asks for, or with those of two VPCs."""
    of, network = task_definition_of(assembly, service), service.get("NetworkConfiguration")
    if of is not None and is_awsvpc(of) and network is None:
        yield wrong("AWSVPC_NETWORK", service, "lacks NetworkConfiguration, which awsvpc requires")
    if of is not None and text(of.get("NetworkMode")) and not is_awsvpc(of) and isinstance(network, dict):
        sentence = f"has NetworkConfiguration, and its task definition runs in {of.get('NetworkMode')}"
        yield wrong("AWSVPC_NETWORK", service, sentence)
    own = fields(fields(network).get("AwsvpcConfiguration"))
    vpcs = {}
    for value in [*many(own.get("Subnets")), *many(own.get("SecurityGroups"))]:
        found = assembly.resource(value, "EC2::Subnet", "EC2::SecurityGroup")
        vpc = assembly.resource(found.get("VpcId"), "EC2::VPC") if found else None
        if vpc:
            vpcs[vpc.name] = vpc
    if len(vpcs) > 1:
        yield wrong("TWO_VPCS", service, f"its subnets and security groups are of two VPCs: {', '.join(vpcs)}")


@over("ECS::Service")
def exec_sessions(assembly: Assembly, service: Resource) -> Iterator[Finding]:
    """Services whose `exec` can't work: no task role, or a file system that the agent can't write to."""
    of = task_definition_of(assembly, service)
    if of is None or flag(service.get("EnableExecuteCommand")) is not True:
        return
    if "TaskRoleArn" not in of.properties:
        yield wrong("EXEC_ROLE", service, "EnableExecuteCommand needs a task role, which its task definition lacks")
    for container in containers_of(of):
        mounts = objects(container.get("MountPoints"))
        writable = [str(each.get("ContainerPath")) for each in mounts if flag(each.get("ReadOnly", False)) is False]
        lacking = [path for path in _WRITTEN_BY_EXEC if not any(_covers(each, path) for each in writable)]
        unknown = any(is_open(each.get("ContainerPath")) for each in mounts)
        if flag(container.get("ReadonlyRootFilesystem")) and lacking and not unknown:
            sentence = f"exec writes to {', '.join(lacking)}, and the container {container.get('Name')} is read-only"
            yield wrong("EXEC_READ_ONLY", service, sentence)


def _covers(mounted: str, path: str) -> bool:
    return path == mounted.rstrip("/") or path.startswith(f"{mounted.rstrip('/')}/") or mounted.startswith(path)


@over("ECS::Service")
def platforms(assembly: Assembly, service: Resource) -> Iterator[Finding]:
    """Services on Fargate that ask for what only instances have."""
    of = task_definition_of(assembly, service)
    on_fargate = service.get("LaunchType") == "FARGATE" or (of is not None and runs_on_fargate(assembly, of))
    if on_fargate and objects(service.get("PlacementStrategies")):
        yield wrong("FARGATE", service, "placement strategies are not supported on Fargate")
    if on_fargate and service.get("SchedulingStrategy") == "DAEMON":
        yield wrong("FARGATE", service, "the scheduling strategy DAEMON is not supported on Fargate")
