"""The architecture of an environment: its main resources and what connects them, read from its templates."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from portside.config.database_kinds import DATABASE_KINDS
from portside.findings.templates.assembly import Assembly, Resource
from portside.findings.templates.grants import rights_of
from portside.findings.templates.load_balancer import forwarded, forwarders
from portside.findings.templates.scaling import target_of
from portside.findings.templates.security_groups import NOWHERE, ingress
from portside.findings.templates.service import services, task_definition_of
from portside.findings.templates.task_definition import containers_of, task_definitions
from portside.findings.templates.values import Unknown, fields, handles, many, number, objects, text, whole

OUTSIDE, PUBLIC, PRIVATE, REGIONAL = "outside", "public", "private", "regional"
REQUEST, ROUTE, CALL, GRANT, USE = "request", "route", "call", "grant", "use"

_ANYWHERE = ("0.0.0.0/0", "::/0")
_GROUP, _SUBNET = "EC2::SecurityGroup", "EC2::Subnet"
_FILES, _MOUNTS = "AWS::EFS::FileSystem", "AWS::EFS::MountTarget"
# They have security groups in their properties, but are part of another node.
_PARTS = ("AWS::EC2::SecurityGroup", "AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress", _MOUNTS)
_DATABASES = ("DocDB::DBCluster", "RDS::DBCluster", "RDS::DBInstance")
# The resources outside of a VPC that have a node. Others, such as roles, alarms and log groups, have none.
_REGIONAL = {
    "CloudFront::Distribution": "CloudFront",
    "DynamoDB::Table": "DynamoDB table",
    "EFS::FileSystem": "EFS file system",
    "Events::EventBus": "event bus",
    "Kinesis::Stream": "Kinesis stream",
    "Lambda::Function": "Lambda function",
    "S3::Bucket": "S3 bucket",
    "SNS::Topic": "SNS topic",
    "SQS::Queue": "SQS queue",
    "StepFunctions::StateMachine": "state machine",
}
_USES = {"LoadBalancerAttributes": "access logs", "RedrivePolicy": "dead letters"}
_READING = re.compile(r":(Batch)?(Get|List|Describe|Receive|Query|Scan)")


@dataclass(frozen=True)
class Node:
    """A main resource, or a network that may send requests. `details` are short lines."""

    id: str
    kind: str
    place: str
    name: str
    details: tuple[str, ...] = ()
    stack: str = ""


@dataclass(frozen=True)
class Edge:
    """A connection or a right from one node to another. Nodes are named by their ids."""

    source: str
    target: str
    kind: str
    port: str = ""
    label: str = ""


@dataclass(frozen=True)
class Subnet:
    """A subnet, its zone by number, and the gateway through which it reaches the internet, if any."""

    id: str
    cidr: str
    place: str
    zone: int
    way_out: str


@dataclass(frozen=True)
class Architecture:
    """All of it. Nodes are in the order of their stacks' names."""

    vpcs: tuple[str, ...]
    subnets: tuple[Subnet, ...]
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    def as_json(self) -> dict[str, Any]:
        """The fields by name."""
        listed = {name: [vars(each) for each in getattr(self, name)] for name in ("subnets", "nodes", "edges")}
        return {"vpcs": list(self.vpcs), **listed}


def architecture_of(assembly: Assembly) -> Architecture:
    """The architecture that the templates describe, whatever their order."""
    reading = _Reading(Assembly(sorted(assembly.files, key=lambda each: each.stack)))
    edges = tuple(dict.fromkeys(reading.edges()))
    # Networks outside of the templates are found with the rules that allow them.
    nodes = (*reading.networks.values(), *reading.nodes.values())
    vpcs = tuple(str(each.get("CidrBlock")) for each in assembly.of_type("EC2::VPC"))
    return Architecture(vpcs, reading.subnets, nodes, edges)


class _Reading:
    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly
        self.networks: dict[str, Node] = {}
        self._jobs = {
            each.name: each
            for each in task_definitions(assembly)
            if all(task_definition_of(assembly, service) != each for service in services(assembly))
        }

    @cached_property
    def subnets(self) -> tuple[Subnet, ...]:
        """The subnets, public ones first."""
        zones: dict[Any, int] = {}
        found = []
        for each in self._assembly.of_type(_SUBNET):
            way_out = self._way_out(each)
            place = PUBLIC if way_out == "internet gateway" else PRIVATE
            zone = zones.setdefault(each.get("AvailabilityZone"), len(zones) + 1)
            found.append(Subnet(each.name, str(each.get("CidrBlock")), place, zone, way_out))
        return tuple(sorted(found, key=lambda each: each.place == PRIVATE))

    def _way_out(self, subnet: Resource) -> str:
        tables = [
            each.get("RouteTableId")
            for each in self._assembly.of_type("EC2::SubnetRouteTableAssociation")
            if subnet.is_of(each.get("SubnetId"))
        ]
        for route in self._assembly.of_type("EC2::Route"):
            if route.get("RouteTableId") not in tables or route.get("DestinationCidrBlock") not in _ANYWHERE:
                continue
            if route.get("GatewayId") is not None:
                return "internet gateway"
            gateway = self._assembly.resource(route.get("NatGatewayId"), "EC2::NatGateway")
            inside = self._assembly.resource(gateway.get("SubnetId"), _SUBNET) if gateway else None
            return f"NAT gateway in {inside.get('CidrBlock')}" if inside else "a gateway"
        return ""

    @cached_property
    def nodes(self) -> dict[str, Node]:
        """The nodes of resources by their ids."""
        found = {}
        for each in self._assembly.resources:
            described = self._described(each)
            if described:
                kind, name, details = described
                place = OUTSIDE if kind == "firewall" else self._place_of(each)
                found[each.name] = Node(each.name, kind, place, name, tuple(filter(None, details)), each.stack)
        return found

    def _described(self, resource: Resource) -> tuple[str, str, list[str]] | None:
        """The kind, name and details of a resource that has a node."""
        kind = resource.type.removeprefix("AWS::")
        if kind == "ECS::Service":
            definition = task_definition_of(self._assembly, resource)
            return "service", _container_name(definition, resource), [self._tasks(resource), _size(definition)]
        if resource.name in self._jobs:
            return "job", _container_name(resource, resource), [*self._starts(resource), _size(resource)]
        if kind == "ElasticLoadBalancingV2::LoadBalancer":
            return "load balancer", "load balancer", [str(resource.get("Scheme") or "internet-facing")]
        if kind == "WAFv2::WebACL":
            return "firewall", "web firewall", [f"{len(many(resource.get('Rules')))} rules"]
        if kind in _DATABASES and resource.get("DBClusterIdentifier") is None:
            title, version = _engine(resource)
            return "database", title, [version, *self._instances(resource)]
        if kind == "EC2::Instance":
            return "instance", _short(resource), [str(resource.get("InstanceType") or "")]
        if kind in _REGIONAL:
            return "resource", _short(resource), [_REGIONAL[kind]]
        if resource.type not in _PARTS and self._related(resource, _GROUP) and not self._is_about_a_job(resource):
            return "resource", _short(resource), [" ".join(kind.split("::"))]
        return None

    def _tasks(self, service: Resource) -> str:
        target = target_of(self._assembly, service)
        least, most = (target.get("MinCapacity"), target.get("MaxCapacity")) if target else (None, None)
        least = service.get("DesiredCount") or 1 if least is None else least
        return (
            f"{least} to {most} tasks" if most not in (None, least) else f"{least} {'task' if least == 1 else 'tasks'}"
        )

    def _starts(self, job: Resource) -> list[str]:
        """The schedules of a job."""
        found = [each for each in self._about(job) if each.type in ("AWS::Scheduler::Schedule", "AWS::Events::Rule")]
        lines = [str(each.get("ScheduleExpression")) for each in found if each.get("ScheduleExpression")]
        zones = [
            str(each.get("ScheduleExpressionTimezone") or "UTC") for each in found if each.get("ScheduleExpression")
        ]
        return [*lines, *dict.fromkeys(zones)] or ["on request"]

    def _instances(self, database: Resource) -> list[str]:
        """The instances of a cluster by their class."""
        instances = self._assembly.of_type("DocDB::DBInstance", "RDS::DBInstance")
        own = [each for each in instances if each == database or database.is_of(each.get("DBClusterIdentifier"))]
        classes = [str(each.get("DBInstanceClass")) for each in own]
        return [f"{classes.count(each)} {each}" for each in dict.fromkeys(classes)]

    def _about(self, resource: Resource) -> Iterator[Resource]:
        """The resources that refer to one: to a job's task definition its schedule, and the request that starts it."""
        for each in self._assembly.resources:
            if any(map(resource.is_of, handles(each.properties))):
                yield each

    def _is_about_a_job(self, resource: Resource) -> bool:
        return any(job.is_of(each) for each in handles(resource.properties) for job in self._jobs.values())

    def _related(self, resource: Resource, kind: str) -> list[Resource]:
        """The subnets or security groups in the properties of a resource, or in its subnet group."""
        found = [self._assembly.resource(each) for each in handles(resource.properties)]
        nested = [each for each in found if each and each.type.endswith("SubnetGroup") and kind == _SUBNET]
        inner = [self._assembly.resource(each) for group in nested for each in handles(group.properties)]
        return list({each.name: each for each in [*found, *inner] if each and each.type == f"AWS::{kind}"}.values())

    def _of_node(self, resource: Resource, kind: str) -> list[Resource]:
        """As `_related`, of all resources that determine a node's network: a job's schedule, a file system's mounts."""
        about: Iterable[Resource] = [resource]
        if resource.name in self._jobs:
            about = self._about(resource)
        elif resource.type == _FILES:
            about = [each for each in self._about(resource) if each.type == _MOUNTS]
        return list({each.name: each for one in about for each in self._related(one, kind)}.values())

    def _place_of(self, resource: Resource) -> str:
        public = {each.id for each in self.subnets if each.place == PUBLIC}
        own = {each.name for each in self._of_node(resource, _SUBNET)}
        if not own and not self._of_node(resource, _GROUP):
            return REGIONAL
        return PUBLIC if own and own <= public else PRIVATE

    @cached_property
    def _carriers(self) -> dict[str, list[Node]]:
        """The nodes that carry each security group."""
        found: dict[str, list[Node]] = {}
        for node in self.nodes.values():
            for group in self._of_node(self._resources[node.id], _GROUP):
                found.setdefault(group.name, []).append(node)
        return found

    @cached_property
    def _resources(self) -> dict[str, Resource]:
        return {each.name: each for each in self._assembly.resources}

    def edges(self) -> Iterator[Edge]:
        """The connections between nodes; those from networks make the nodes of these."""
        routes = list(self._routes())
        routed = {(each.source, each.target) for each in routes}
        for association in self._assembly.of_type("WAFv2::WebACLAssociation"):
            acl = self._assembly.resource(association.get("WebACLArn"), "WAFv2::WebACL")
            balancer = self._assembly.resource(association.get("ResourceArn"))
            if acl and balancer and balancer.name in self.nodes:
                yield Edge(acl.name, balancer.name, USE, label="filters")
        yield from self._requests()
        yield from routes
        yield from (each for each in self._calls() if (each.source, each.target) not in routed)
        yield from self._grants()
        for node in self.nodes.values():
            for key, value in self._resources[node.id].properties.items() if node.kind != "service" else ():
                for each in handles(value):
                    used = self._assembly.resource(each)
                    if key in _USES and used and used.name in self.nodes:
                        yield Edge(node.id, used.name, USE, label=_USES[key])

    def _requests(self) -> Iterator[Edge]:
        """The requests that a load balancer's listeners and security groups accept."""
        for listener in self._assembly.of_type("ElasticLoadBalancingV2::Listener"):
            balancer = self._assembly.resource(listener.get("LoadBalancerArn"))
            port = whole(listener.get("Port"))
            for opening in ingress(self._assembly, self._of_node(balancer, _GROUP)) or () if balancer else ():
                if balancer and opening.covers(port) and opening.group is None:
                    source = self._network(str(opening.cidr))
                    yield Edge(
                        source, balancer.name, REQUEST, str(port), f"{listener.get('Protocol')}{_otherwise(listener)}"
                    )

    def _routes(self) -> Iterator[Edge]:
        for forwarder in forwarders(self._assembly):
            is_default = "DefaultActions" in forwarder.properties
            listener = forwarder if is_default else self._assembly.resource(forwarder.get("ListenerArn"))
            balancer = self._assembly.resource(listener.get("LoadBalancerArn")) if listener else None
            for group in forwarded(forwarder.get("DefaultActions" if is_default else "Actions")):
                for service in services(self._assembly):
                    for target in objects(service.get("LoadBalancers")):
                        if balancer and target.get("TargetGroupArn") == group:
                            port = str(target.get("ContainerPort"))
                            yield Edge(balancer.name, service.name, ROUTE, port, _condition(forwarder))

    def _calls(self) -> Iterator[Edge]:
        """The connections that security groups accept, from other nodes and from networks."""
        for node in self.nodes.values():
            for opening in ingress(self._assembly, self._of_node(self._resources[node.id], _GROUP)) or ():
                if opening.cidr is not None and opening.cidr != NOWHERE and node.kind != "load balancer":
                    yield Edge(self._network(str(opening.cidr)), node.id, CALL, _ports(opening.first, opening.last))
                group = self._assembly.resource(opening.group, _GROUP)
                for caller in self._carriers.get(group.name, ()) if group else ():
                    yield Edge(caller.id, node.id, CALL, _ports(opening.first, opening.last))

    def _grants(self) -> Iterator[Edge]:
        """The rights of services and jobs on resources that have a node."""
        for node in self.nodes.values():
            own = self._resources[node.id]
            definition = own if node.kind == "job" else task_definition_of(self._assembly, own)
            role = self._assembly.resource(definition.get("TaskRoleArn"), "IAM::Role") if definition else None
            actions: dict[str, list[str]] = {}
            for statement in rights_of(self._assembly, role).statements if role else ():
                for handle in handles(statement.get("Resource")):
                    granted = self._assembly.resource(handle)
                    if granted and granted.name in self.nodes and statement.get("Effect") == "Allow":
                        actions.setdefault(granted.name, []).extend(map(str, many(statement.get("Action"))))
            for name, allowed in actions.items():
                kinds = {"reads" if _READING.search(each) else "writes" for each in allowed}
                yield Edge(node.id, name, GRANT, label=" and ".join(sorted(kinds)))

    def _network(self, cidr: str) -> str:
        """The id of the node for a range of addresses."""
        is_inside = cidr in [str(each.get("CidrBlock")) for each in self._assembly.of_type("EC2::VPC")]
        name = "the internet" if cidr in _ANYWHERE else "the VPC" if is_inside else cidr
        details = () if cidr in _ANYWHERE or name == cidr else (cidr,)
        self.networks.setdefault(
            name, Node(f"network {name}", "network", PRIVATE if is_inside else OUTSIDE, name, details)
        )
        return f"network {name}"


def _otherwise(listener: Resource) -> str:
    for action in objects(listener.get("DefaultActions")):
        if action.get("Type") == "redirect":
            return f", redirects to {fields(action.get('RedirectConfig')).get('Port')}"
        if action.get("Type") == "fixed-response":
            return f", else {fields(action.get('FixedResponseConfig')).get('StatusCode')}"
    return ""


def _condition(forwarder: Resource) -> str:
    """The requests that a listener or a rule forwards."""
    found: list[str] = []
    for each in objects(forwarder.get("Conditions")):
        configured = next((fields(value) for key, value in each.items() if key.endswith("Config")), each)
        found += map(str, many(configured.get("Values")))
    return ", ".join(found) if found not in ([], ["/*"]) else "all requests"


def _ports(first: Any, last: Any) -> str:
    return (
        "all ports"
        if first is None or isinstance(first, Unknown)
        else str(first)
        if first == last
        else f"{first} to {last}"
    )


def _container_name(definition: Resource | None, resource: Resource) -> str:
    names = [text(each.get("Name")) for each in containers_of(definition)] if definition else []
    return next(filter(None, names), None) or _short(resource)


def _size(definition: Resource | None) -> str:
    cpu, memory = (number(definition.get(key)) for key in ("Cpu", "Memory")) if definition else (None, None)
    return f"{cpu / 1024:g} vCPU, {memory / 1024:g} GB" if cpu and memory else ""


def _engine(database: Resource) -> tuple[str, str]:
    """The title and the version of a database's engine."""
    engine = "docdb" if database.type.startswith("AWS::DocDB::") else str(database.get("Engine"))
    title = next((kind.title for kind in DATABASE_KINDS.values() if kind.engine == engine), engine)
    return title, text(database.get("EngineVersion")) or ""


def _short(resource: Resource) -> str:
    """The logical ID without the CDK's hash."""
    return re.sub(r"(?<=.)[0-9A-F]{8}$", "", resource.logical_id)
