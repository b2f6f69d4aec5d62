"""A team's own stacks in the CDK's app."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam

from portside.config.app_source import guarded, stopped_by
from portside.config.configuration import Configuration
from portside.config.environment import OWNER_TAG, Environment
from portside.config.mistakes import Report
from portside.config.own_stacks import FILE, StacksFunction, arity_of
from portside.config.service_props import DATABASE, ServiceProps
from portside.config.stacks import reserved_parts
from portside.errors import ConfigurationError
from portside.stacks.callers import callers_group

if TYPE_CHECKING:
    from aws_cdk import aws_efs as efs

NFS_PORT = 2049


@dataclass(frozen=True)
class Platform:
    """The resources of an environment that own stacks can use: the third argument of `stacks`."""

    vpc: ec2.IVpc
    cluster: ecs.ICluster
    load_balancer: elbv2.IApplicationLoadBalancer | None

    @property
    def private_subnets(self) -> Sequence[ec2.ISubnet]:
        """The subnets of the services' tasks, which reach the internet through the NAT gateways."""
        return self.vpc.private_subnets


@dataclass(frozen=True)
class OwnResources:
    """An own stack, and what it has for services: `grants`, `volumes`, and security groups that accept their calls."""

    stack: cdk.Stack
    grants: Mapping[str, Callable[[iam.IGrantable], object]]
    groups: Sequence[ec2.ISecurityGroup] = ()
    default_port: ec2.Port | None = None
    callers: ec2.ISecurityGroup | None = None
    """The group of the services that call it."""
    volumes: Mapping[str, efs.IAccessPoint] = field(default_factory=dict)

    @property
    def port(self) -> int | None:
        """The default port, if it is one port."""
        written = str(self.default_port.to_string()) if self.default_port else ""
        return int(written) if written.isdecimal() else None

    def accept_calls(self, port: ec2.Port | int, groups: Sequence[ec2.ISecurityGroup] = ()) -> None:
        """Let the services that call the stack reach a port of its groups, or of these."""
        assert self.callers is not None, "checked with the configuration"
        tcp = ec2.Port.tcp(port) if isinstance(port, int) else port
        # Not through the connections: these would add rules to the callers' group too.
        for group in groups or self.groups:
            group.add_ingress_rule(self.callers, tcp, f"From the callers of {self.stack.stack_name}")


def add_own_stacks(
    app: cdk.App,
    configuration: Configuration,
    environment: Environment,
    platform: Platform,
    *,
    protected: bool = False,
    deletable: bool = False,
) -> dict[str, OwnResources]:
    """Create the own stacks of an environment, by the end of their names.

    With `deletable` nothing in them is retained or protected. Raises `ConfigurationError` with every mistake.
    """
    if not (function := configuration.stacks):
        return {}
    others = [each for each in configuration.environments.values() if each.name != environment.name]
    report = Report("stacks(…)")
    before = {each.node.id for each in app.node.children}
    arguments = (app, environment, platform)[: arity_of(function) or 3]
    try:
        with guarded(), _placed_in(environment):
            function(*arguments)
    except (ConfigurationError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise ConfigurationError([stopped_by(error, _file_of(function))]) from error
    created = [each for each in app.node.children if each.node.id not in before]
    stacks: dict[str, OwnResources] = {}
    for each in created:
        place = report.at(f": {type(each).__name__}")
        if not isinstance(each, cdk.Stack):
            place.wrong("not a stack", "Create it in a subclass of aws_cdk.Stack.", each.node.id)
        elif part := _part_of(each, environment, others, place):
            if part in stacks or part in reserved_parts(environment):
                place.wrong("another stack has this name", "Use another name.", each.stack_name)
            elif part == DATABASE:
                place.wrong("in calls, this name is that of the environment's database", "Use another name.", part)
            stacks[part] = _resources_of(each, platform, place)
    if report.problems:
        raise ConfigurationError(report.problems)
    for own in stacks.values():
        own.stack.tags.set_tag(OWNER_TAG, environment.owner)
        own.stack.termination_protection = protected
        if deletable:
            _make_deletable(own.stack)
    return stacks


def _make_deletable(stack: cdk.Stack) -> None:
    for each in stack.node.find_all():
        if not isinstance(each, cdk.CfnResource):
            continue
        each.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
        for name in ("deletion_protection", "deletion_protection_enabled"):
            if getattr(each, name, None) is True:
                setattr(each, name, False)


def accept_calls(own: Mapping[str, OwnResources], services: Sequence[ServiceProps]) -> None:
    """Let services reach the ports that they call. A default port is open already."""
    for part, port in sorted({(call.service, call.port) for props in services for call in props.calls}):
        if part in own and port != own[part].port:
            own[part].accept_calls(port)


def _resources_of(stack: cdk.Stack, platform: Platform, report: Report) -> OwnResources:
    """A stack with its attributes `grants`, `volumes` and `connections`, which services use."""
    grants = _by_name(stack, "grants", callable, report.at(".grants"))
    volumes = _by_name(stack, "volumes", _is_access_point, report.at(".volumes"))
    given = getattr(stack, "connections", None)
    file_systems = [group for each in volumes.values() for group in each.file_system.connections.security_groups]
    if given is None and not volumes:
        return OwnResources(stack, grants)
    of_volumes = ec2.Connections(security_groups=file_systems, default_port=ec2.Port.tcp(NFS_PORT))
    connections = of_volumes if given is None else getattr(given, "connections", given)
    if not isinstance(connections, ec2.Connections) or not connections.security_groups:
        hint = "Write self.connections = ec2.Connections(security_groups=[group], default_port=ec2.Port.tcp(6379))."
        report.at(".connections").wrong("no Connections with a security group", hint, connections)
        return OwnResources(stack, grants)
    callers = callers_group(stack, "Callers", platform.vpc, stack.stack_name)
    found = OwnResources(stack, grants, connections.security_groups, connections.default_port, callers, volumes)
    if found.default_port:
        # Also if no service calls it: with the last call's rule, running tasks would lose their connections.
        found.accept_calls(found.default_port)
    if file_systems and given is not None:
        found.accept_calls(NFS_PORT, file_systems)
    return found


_OFFERS = {
    "grants": ("not functions by name", 'Write self.grants = {"read_write": bucket.grant_read_write}.'),
    "volumes": (
        "not access points by name",
        'Write self.volumes = {"uploads": file_system.add_access_point("Uploads")}.',
    ),
}


def _by_name(stack: cdk.Stack, attribute: str, is_right: Callable[[Any], bool], report: Report) -> Mapping[str, Any]:
    """A stack's attribute, which must be a mapping of names; empty if it is not."""
    offered = getattr(stack, attribute, {})
    if isinstance(offered, Mapping) and all(isinstance(name, str) and is_right(each) for name, each in offered.items()):
        return offered
    report.wrong(*_OFFERS[attribute], offered)
    return {}


def _is_access_point(offered: object) -> bool:
    # Also an imported one. The CDK's module takes time to load, and most apps have no file system.
    return all(hasattr(offered, name) for name in ("access_point_id", "access_point_arn", "file_system"))


def _part_of(stack: cdk.Stack, environment: Environment, others: Sequence[Environment], report: Report) -> str:
    """The end of a stack's name; empty if it is not a stack of this environment."""
    name, prefix = stack.stack_name, environment.stack_name("")
    owner = next((each for each in others if name.startswith(each.stack_name(""))), None)
    short = name.removeprefix((owner or environment).stack_name("")).removeprefix(f"{environment.app}-") or "storage"
    if not name.startswith(prefix) or name == prefix:
        where = f"a stack of {owner.name}, not of {environment.name}" if owner else "a stack outside this environment"
        report.wrong(where, f'Name it environment.stack_name("{short}").', name)
    elif owner and len(owner.stack_prefix) > len(environment.stack_prefix):
        report.wrong(f"a name that belongs to {owner.name}", "Use another name.", name)
    elif (stack.account, stack.region) != (environment.account, environment.region):
        hint = "Leave env out: a stack is created in the account and region of its environment."
        report.wrong("not in the account and region of its environment", hint, f"{stack.account}/{stack.region}")
    elif nested := [each for each in stack.node.find_all() if isinstance(each, cdk.NestedStack)]:
        report.wrong("nested stacks are not supported", "Make each a stack.", nested[0].node.path)
    else:
        return name.removeprefix(prefix)
    return ""


@contextlib.contextmanager
def _placed_in(environment: Environment) -> Iterator[None]:
    """In the block, a stack without `env` is created in the environment's account and region.

    The CDK's app has no default for it, and a stack without an account can't refer to others.
    """
    create = cdk.Stack.__init__
    place = cdk.Environment(account=environment.account, region=environment.region)

    @functools.wraps(create)
    def init(stack: cdk.Stack, *positional: Any, **keywords: Any) -> None:
        create(stack, *positional, **{**keywords, "env": keywords.get("env") or place})

    cdk.Stack.__init__ = init  # type: ignore[assignment,method-assign]
    try:
        yield
    finally:
        cdk.Stack.__init__ = create  # type: ignore[method-assign]


def _file_of(function: StacksFunction) -> str:
    code = getattr(function, "__code__", None)
    return Path(code.co_filename).name if code else FILE
