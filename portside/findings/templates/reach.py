"""Reachability through security groups: load balancer, service, callee, database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from portside.findings.finding import Finding
from portside.findings.templates.assembly import Assembly, Resource
from portside.findings.templates.load_balancer import balancers_of
from portside.findings.templates.rule import over, over_assembly, wrong
from portside.findings.templates.security_groups import allow_inbound, allow_outbound, groups_of, ingress
from portside.findings.templates.service import may_map, services, task_definition_of
from portside.findings.templates.task_definition import container_named, containers_of, ports_of
from portside.findings.templates.values import Handle, fields, flag, number, objects, parts_of, text, whole

_ADDRESS = re.compile(r"HOST|URL|URI|ENDPOINT|ADDR|SERVER|UPSTREAM|PROXY|CONNECTION", re.I)
_DATABASES = ("DocDB::DBCluster", "Neptune::DBCluster", "RDS::DBCluster", "RDS::DBInstance")
# https://docs.aws.amazon.com/documentdb/latest/developerguide/db-cluster-create.html
_DOCUMENTDB_PORT = 27017


def groups_of_service(assembly: Assembly, service: Resource) -> list[Resource] | None:
    """The security groups of a service's tasks; None where they are not all of the assembly."""
    return groups_of(assembly, service.get("NetworkConfiguration", "AwsvpcConfiguration", "SecurityGroups"))


@over("ECS::Service")
def from_load_balancers(assembly: Assembly, service: Resource) -> Iterator[Finding]:
    """Load balancers that can't reach their targets."""
    own, of = groups_of_service(assembly, service), task_definition_of(assembly, service)
    for target in objects(service.get("LoadBalancers")):
        group = assembly.resource(target.get("TargetGroupArn"), "ElasticLoadBalancingV2::TargetGroup")
        container = container_named(of, target.get("ContainerName")) if of else None
        if not own or group is None or (container and not may_map(container, whole(target.get("ContainerPort")))):
            continue
        for balancer in balancers_of(assembly, group):
            theirs = groups_of(assembly, balancer.get("SecurityGroups"))
            if theirs and balancer.get("Type") in (None, "application"):
                yield from _to_targets(assembly, (service, own), (balancer, theirs), target, group)


@over("ElasticLoadBalancingV2::Listener")
def to_load_balancers(assembly: Assembly, listener: Resource) -> Iterator[Finding]:
    """Listeners on a port that the load balancer's security groups do not open."""
    balancer = assembly.resource(listener.get("LoadBalancerArn"), "ElasticLoadBalancingV2::LoadBalancer")
    groups = groups_of(assembly, balancer.get("SecurityGroups")) if balancer else None
    found = ingress(assembly, groups) if groups else None
    port = whole(listener.get("Port"))
    if found is not None and port is not None and not any(each.covers(port) for each in found):
        yield wrong(
            "LISTENER_CLOSED",
            listener,
            f"listens on port {port}, which no security group of its load balancer opens",
        )


def _to_targets(
    assembly: Assembly,
    to: tuple[Resource, list[Resource]],
    by: tuple[Resource, list[Resource]],
    target: dict[str, Any],
    group: Resource,
) -> Iterator[Finding]:
    (service, own), (balancer, theirs) = to, by
    checked = whole(group.get("HealthCheckPort"))
    ports = {"traffic": whole(target.get("ContainerPort"))} | ({"health checks": checked} if checked else {})
    for traffic, port in ports.items():
        if port is None:
            continue
        if not allow_inbound(assembly, own, theirs, port):
            said = f"its security groups don't let {traffic} of {balancer.logical_id} in on port {port}"
            yield wrong("REACH_TARGET", service, said)
        elif not allow_outbound(assembly, theirs, own, port):
            said = (
                f"its security groups don't let {traffic} out to {service.logical_id} of {service.stack} on port {port}"
            )
            yield wrong("REACH_TARGET", balancer, said)


@dataclass(frozen=True)
class Endpoint:
    """A Service Connect endpoint: name and port, and the container port that they map to."""

    service: Resource
    name: str
    port: int
    container_port: int | None


def endpoints(assembly: Assembly) -> list[Endpoint]:
    """The Service Connect endpoints of the assembly."""
    found = []
    for service in services(assembly):
        connect = fields(service.get("ServiceConnectConfiguration"))
        of = task_definition_of(assembly, service)
        for offered in objects(connect.get("Services")) if flag(connect.get("Enabled")) is True else ():
            ports = [port for each in containers_of(of) for port in ports_of(each) or ()] if of else []
            behind = [whole(each.get("ContainerPort")) for each in ports if each.get("Name") == offered.get("PortName")]
            for alias in objects(offered.get("ClientAliases")):
                name, port = text(alias.get("DnsName", offered.get("PortName"))), whole(alias.get("Port"))
                if name and port is not None:
                    found.append(Endpoint(service, name, port, behind[0] if behind else None))
    return found


@dataclass(frozen=True)
class Call:
    """A variable of a service with the name of another's endpoint, and the `port` if the variables contain it."""

    variable: str
    endpoint: Endpoint
    port: int | None


def calls_of(assembly: Assembly, service: Resource, offered: list[Endpoint]) -> Iterator[Call]:
    """The services that a service calls according to its variables."""
    of = task_definition_of(assembly, service)
    for container in containers_of(of) if of else ():
        variables = {str(each.get("Name")): each.get("Value") for each in objects(container.get("Environment"))}
        for name, value in variables.items():
            for endpoint in offered:
                if not service.is_of(Handle(endpoint.service.stack, endpoint.service.logical_id)):
                    yield from _called(name, value, endpoint, variables)


def _called(name: str, value: Any, endpoint: Endpoint, variables: dict[str, Any]) -> Iterator[Call]:
    if not isinstance(value, str):
        return
    if value == endpoint.name and _ADDRESS.search(name):
        port_variable = re.sub("HOST(NAME)?$", "PORT", name, flags=re.I)
        port = number(variables.get(port_variable)) if port_variable != name else None
        yield Call(name, endpoint, int(port) if port is not None else None)
        return
    found = re.search(rf"(?:^|//|@){re.escape(endpoint.name)}(?::(\d+))?(?:/|$)", value)
    if found and ("//" in value or _ADDRESS.search(name)):
        # Without a port a URL means its scheme's.
        assumed = {"http": 80, "https": 443}.get(value.partition("://")[0]) if "://" in value else None
        yield Call(name, endpoint, int(found[1]) if found[1] else assumed)


@over_assembly
def to_callees(assembly: Assembly) -> Iterator[Finding]:
    """Services that can't reach another service in their variables."""
    offered = endpoints(assembly)
    for service in services(assembly):
        own = groups_of_service(assembly, service)
        # A service of two container ports may be called on either.
        for call in calls_of(assembly, service, offered):
            same = [each for each in offered if each.name == call.endpoint.name]
            if call.port is not None and call.port not in [each.port for each in same]:
                if call.endpoint is same[0]:
                    known = ", ".join(str(each.port) for each in same)
                    sentence = f"{call.variable} calls {call.endpoint.name} on port {call.port}, which offers {known}"
                    yield wrong("CALL_PORT", service, sentence)
                continue
            if not flag(fields(service.get("ServiceConnectConfiguration")).get("Enabled")):
                sentence = f"{call.variable} names {call.endpoint.name}, a name of Service Connect, which is off here"
                yield wrong("CALL_NAME", service, sentence)
                continue
            yield from _to_callee(assembly, service, own, call)


def _to_callee(assembly: Assembly, service: Resource, own: list[Resource] | None, call: Call) -> Iterator[Finding]:
    callee, port = call.endpoint.service, call.endpoint.container_port
    theirs = groups_of_service(assembly, callee)
    if not own or not theirs or port is None or (call.port is not None and call.port != call.endpoint.port):
        return
    name = call.endpoint.name
    if not allow_inbound(assembly, theirs, own, port):
        sentence = f"{call.variable} calls {name}, whose security groups do not allow it on port {port}"
        yield wrong("REACH_CALLEE", service, sentence)
    elif not allow_outbound(assembly, own, theirs, port):
        sentence = f"{call.variable} calls {name}, and its own security groups let nothing out to it on port {port}"
        yield wrong("REACH_CALLEE", service, sentence)


@over("ECS::Service")
def to_databases(assembly: Assembly, service: Resource) -> Iterator[Finding]:
    """Services that can't reach the database whose address they are given."""
    own, of = groups_of_service(assembly, service), task_definition_of(assembly, service)
    named: dict[str, tuple[Resource, str]] = {}
    for container in containers_of(of) if of else ():
        for each in objects(container.get("Environment")):
            for part in parts_of(each.get("Value")):
                found = assembly.resource(part, *_DATABASES)
                if found and isinstance(part, Handle) and "Endpoint" in part.attribute:
                    named[found.name] = (found, str(each.get("Name")))
    for database, variable in named.values() if own else ():
        theirs, port = _groups_of_database(assembly, database), _port_of(database)
        assert own is not None
        if not theirs:
            continue
        on = f" on port {port}" if port else ""
        if not allow_inbound(assembly, theirs, own, port):
            sentence = f"{variable} is the database {database.logical_id}, whose security groups do not allow it{on}"
            yield wrong("REACH_DATABASE", service, sentence)
        elif not allow_outbound(assembly, own, theirs, port):
            sentence = (
                f"{variable} is the database {database.logical_id}, and its own security groups let nothing out{on}"
            )
            yield wrong("REACH_DATABASE", service, sentence)


def _groups_of_database(assembly: Assembly, database: Resource) -> list[Resource] | None:
    found = database.get("VpcSecurityGroupIds")
    return groups_of(assembly, database.get("VPCSecurityGroups") if found is None else found)


def _port_of(database: Resource) -> int | None:
    port = database.get("Port")
    if port is None and database.type == "AWS::DocDB::DBCluster":
        return _DOCUMENTDB_PORT
    return whole(port)
