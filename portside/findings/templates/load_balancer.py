"""Load balancers, their listeners and rules, and the target groups that they send to."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from portside.findings.finding import Finding
from portside.findings.templates.assembly import Assembly, Resource
from portside.findings.templates.rule import doubles, over, over_assembly, wrong
from portside.findings.templates.service import task_definition_of
from portside.findings.templates.task_definition import is_awsvpc
from portside.findings.templates.tls_policies import is_policy
from portside.findings.templates.values import (
    Handle,
    Unknown,
    fields,
    is_known,
    is_open,
    many,
    objects,
    text,
    whole,
)

_LISTENER, _RULE = FORWARDERS = ("ElasticLoadBalancingV2::Listener", "ElasticLoadBalancingV2::ListenerRule")
_HTTP = frozenset({"HTTP", "HTTPS"})
_SECURE = frozenset({"HTTPS", "TLS"})
_USUAL_INTERVAL = 30
_HTTPS_PORT = 443
_CERTIFICATE = re.compile(
    r"^arn:aws[a-z-]*:(acm:[a-z0-9-]+:\d{12}:certificate/[A-Za-z0-9-]+|iam::\d{12}:server-certificate/\S+)$"
)


def target_groups_of(assembly: Assembly, service: Resource) -> list[Resource]:
    """The target groups of the assembly that a service registers its tasks with."""
    values = [each.get("TargetGroupArn") for each in objects(service.get("LoadBalancers"))]
    found = [assembly.resource(each, "ElasticLoadBalancingV2::TargetGroup") for each in values]
    return [each for each in found if each]


def forwarded(actions: Any) -> list[Any]:
    """The target groups that actions send to."""
    found = []
    for each in objects(actions):
        found += [each["TargetGroupArn"]] if "TargetGroupArn" in each else []
        groups = fields(each.get("ForwardConfig")).get("TargetGroups")
        found += [one.get("TargetGroupArn") for one in objects(groups)]
    return found


def _actions(resource: Resource) -> Any:
    return resource.get("DefaultActions" if resource.type.endswith("::Listener") else "Actions")


def forwarders(assembly: Assembly) -> tuple[Resource, ...]:
    """Listeners and their rules, which forward to target groups."""
    return assembly.of_type(*FORWARDERS)


def listeners_of(assembly: Assembly, group: Resource) -> list[Resource]:
    """The listeners and rules that send to a target group."""
    return [each for each in forwarders(assembly) if any(map(group.is_of, forwarded(_actions(each))))]


def balancers_of(assembly: Assembly, group: Resource) -> list[Resource]:
    """The load balancers of the assembly that send to a target group."""
    found = []
    for each in listeners_of(assembly, group):
        listener = (
            each
            if each.type.endswith("::Listener")
            else assembly.resource(each.get("ListenerArn"), "ElasticLoadBalancingV2::Listener")
        )
        value = listener.get("LoadBalancerArn") if listener else None
        balancer = assembly.resource(value, "ElasticLoadBalancingV2::LoadBalancer")
        if balancer and balancer not in found:
            found.append(balancer)
    return found


def _is_left_open(assembly: Assembly) -> bool:
    """Whether a listener of the assembly can send to a target group that is not known."""
    sent_to = [value for each in forwarders(assembly) for value in forwarded(_actions(each)) or [Unknown("")]]
    fixed = [each for each in forwarders(assembly) if is_known(_actions(each))]
    return any(isinstance(value, Unknown) for value in sent_to) and len(fixed) < len(forwarders(assembly))


@over("ElasticLoadBalancingV2::TargetGroup")
def health_checks(assembly: Assembly, group: Resource) -> Iterator[Finding]:
    """Health checks of target groups that contradict themselves."""
    protocol = group.get("HealthCheckProtocol") or group.get("Protocol")
    interval, timeout = (
        whole(group.get("HealthCheckIntervalSeconds")),
        whole(group.get("HealthCheckTimeoutSeconds")),
    )
    # https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html
    interval = _USUAL_INTERVAL if "HealthCheckIntervalSeconds" not in group.properties else interval
    if protocol in _HTTP and timeout is not None and interval is not None and timeout >= interval:
        sentence = f"a health check may take {timeout} s and comes every {interval} s: it must be shorter"
        yield wrong("HEALTH_TIMEOUT", group, sentence)
    if group.get("HealthCheckProtocol") in ("TCP", "TLS") and "HealthCheckPath" in group.properties:
        yield wrong("HEALTH_PATH", group, f"a {group.get('HealthCheckProtocol')} health check has no path")


@over("ECS::Service")
def target_types(assembly: Assembly, service: Resource) -> Iterator[Finding]:
    """Target groups whose targets are no addresses, under tasks that have only those."""
    of = task_definition_of(assembly, service)
    for group in target_groups_of(assembly, service) if of is not None and is_awsvpc(of) else ():
        kind = group.get("TargetType") or "instance"
        if text(kind) and kind != "ip":
            yield wrong("TARGET_TYPE", group, f"TargetType is {kind}, and the tasks of {service.logical_id} need ip")


@over("ECS::Service")
def unused_groups(assembly: Assembly, service: Resource) -> Iterator[Finding]:
    """Services whose target group no load balancer sends to, or that don't wait until one does."""
    for group in target_groups_of(assembly, service):
        found = listeners_of(assembly, group)
        if not found and not _is_left_open(assembly) and not group.is_conditional:
            sentence = f"no listener sends to its target group {group.logical_id}"
            yield wrong("NO_LISTENER", service, sentence)
        local = [each for each in found if each.stack == service.stack]
        if found and len(local) == len(found) and not _awaits(assembly, service, {each.name for each in local}):
            sentence = f"starts without waiting for {' or '.join(each.logical_id for each in local)}: add a DependsOn"
            yield wrong("LISTENER_AWAITED", service, sentence)


def _awaits(assembly: Assembly, service: Resource, expected: set[str]) -> bool:
    """Whether CloudFormation makes one of some resources before a service."""
    by_name = {each.name: each for each in assembly.resources if each.stack == service.stack}
    seen, waiting = set(), [service]
    while waiting:
        each = waiting.pop()
        if each.name in expected:
            return True
        if each.name in seen:
            continue
        seen.add(each.name)
        after = {f"{each.stack} {key}" for key in each.depends_on} | set(_referred(each.properties))
        waiting += [by_name[name] for name in after if name in by_name]
    return False


def _referred(node: Any) -> Iterator[str]:
    if isinstance(node, Handle):
        yield f"{node.stack} {node.logical_id}"
    parts = node.values() if isinstance(node, dict) else node if isinstance(node, list) else getattr(node, "parts", ())
    for each in parts:
        yield from _referred(each)


@over(*FORWARDERS)
def protocols(assembly: Assembly, each: Resource) -> Iterator[Finding]:
    """Listeners that send to a target group of another kind of protocol."""
    listener = each if each.type.endswith("::Listener") else assembly.resource(each.get("ListenerArn"))
    ours = text(listener.get("Protocol")) if listener else None
    for value in forwarded(_actions(each)) if ours else ():
        group = assembly.resource(value, "ElasticLoadBalancingV2::TargetGroup")
        theirs = text(group.get("Protocol")) if group else None
        if theirs and (ours in _HTTP) != (theirs in _HTTP):
            yield wrong("PROTOCOL", each, f"{ours} can't be sent to {group.logical_id if group else ''}, of {theirs}")


@over("ElasticLoadBalancingV2::Listener")
def listeners(assembly: Assembly, listener: Resource) -> Iterator[Finding]:
    """Listeners without the certificate they need, with one they can't use, or with an unknown TLS policy."""
    protocol, policy = text(listener.get("Protocol")), text(listener.get("SslPolicy"))
    certificates = listener.get("Certificates")
    if protocol in _SECURE and certificates in (None, []):
        yield wrong("CERTIFICATE", listener, f"an {protocol} listener needs a certificate")
    if protocol and protocol not in _SECURE:
        for key in ("Certificates", "SslPolicy"):
            if listener.get(key) not in (None, []) and not is_open(listener.get(key)):
                yield wrong("CERTIFICATE", listener, f"a listener of {protocol} has no {key}")
    if protocol == "HTTP" and whole(listener.get("Port")) == _HTTPS_PORT:
        yield wrong("PLAIN_HTTPS", listener, "answers plain HTTP on port 443, where browsers speak TLS")
    if policy and not is_policy(policy):
        yield wrong("TLS_POLICY", listener, f"AWS has no TLS policy {policy}", at="SslPolicy")
    for arn in [one.get("CertificateArn") for one in objects(certificates)]:
        yield from _certificate(assembly, listener, text(arn))


def _certificate(assembly: Assembly, listener: Resource, arn: str | None) -> Iterator[Finding]:
    parts = (arn or "").split(":")
    region = assembly.file(listener.stack).region
    if arn and not _CERTIFICATE.match(arn):
        yield wrong("CERTIFICATE", listener, f"its certificate is no ARN of one, got {arn}")
    elif arn and parts[2] == "acm" and region and parts[3] != region:
        yield wrong("CERTIFICATE", listener, f"its certificate is of {parts[3]}, the load balancer is in {region}")


@over_assembly
def numbers(assembly: Assembly) -> Iterator[Finding]:
    """Two listeners of a load balancer on one port, and two rules of a listener with one priority."""
    for each, (_, port), other in doubles(assembly.of_type(_LISTENER), _numbered("LoadBalancerArn", "Port")):
        yield wrong("LISTENER_PORT", each, f"port {port} of the load balancer is of {other.logical_id} already")
    for each, (_, priority), other in doubles(assembly.of_type(_RULE), _numbered("ListenerArn", "Priority")):
        yield wrong("RULE_PRIORITY", each, f"priority {priority} of the listener is of {other.logical_id} already")


def _numbered(owner: str, key: str) -> Callable[[Resource], tuple[str, int] | None]:
    return lambda each: None if (number := whole(each.get(key))) is None else (repr(each.get(owner)), number)


@over("ElasticLoadBalancingV2::TargetGroup")
def target_vpcs(assembly: Assembly, group: Resource) -> Iterator[Finding]:
    """Target groups in another VPC than the load balancer that sends to them."""
    own = assembly.resource(group.get("VpcId"), "EC2::VPC")
    for balancer in balancers_of(assembly, group) if own else ():
        subnets = [assembly.resource(each, "EC2::Subnet") for each in many(balancer.get("Subnets"))]
        vpcs = [assembly.resource(each.get("VpcId"), "EC2::VPC") for each in subnets if each]
        others = [each for each in vpcs if each is not None and each != own]
        if others:
            sentence = f"is in {own.logical_id if own else ''}, and {balancer.logical_id} in {others[0].logical_id}"
            yield wrong("TARGET_VPC", group, sentence)


@over("ElasticLoadBalancingV2::Listener")
def redirects(assembly: Assembly, each: Resource) -> Iterator[Finding]:
    """Redirects that lead back to the listener they come from."""
    for action in objects(each.get("DefaultActions")):
        to = fields(action.get("RedirectConfig"))
        if not to or not is_known(to) or is_open(each.get("Port")) or is_open(each.get("Protocol")):
            continue
        protocol = to.get("Protocol", "#{protocol}")
        port = str(to.get("Port", "#{port}"))
        same_protocol = protocol in ("#{protocol}", each.get("Protocol"))
        same_port = port in ("#{port}", str(each.get("Port")))
        same_place = all(to.get(key, same) == same for key, same in _SAME.items())
        if same_protocol and same_port and same_place:
            yield wrong("REDIRECT_LOOP", each, "its redirect leads back to itself", at="DefaultActions")
        if each.get("Protocol") == "HTTPS" and protocol == "HTTP":
            yield wrong("REDIRECT_LOOP", each, "HTTPS can't be redirected to HTTP", at="DefaultActions")


_SAME = {"Host": "#{host}", "Path": "/#{path}", "Query": "#{query}"}


_WANTS = {
    "redirect": ("RedirectConfig",),
    "fixed-response": ("FixedResponseConfig",),
    "forward": ("TargetGroupArn", "ForwardConfig"),
}


@over(*FORWARDERS)
def actions(assembly: Assembly, resource: Resource) -> Iterator[Finding]:
    """Actions that lack their settings, or have those of another."""
    for action in objects(_actions(resource)):
        kind = text(action.get("Type"))
        expected = _WANTS.get(kind or "", ())
        if expected and not any(key in action for key in expected):
            yield wrong("ACTION", resource, f"an action {kind} needs {' or '.join(expected)}")
        for other, keys in _WANTS.items():
            found = [key for key in keys if key in action and not is_open(action[key])]
            if kind in _WANTS and other != kind and found:
                yield wrong("ACTION", resource, f"an action {kind} has no {', '.join(found)}")


@over("ElasticLoadBalancingV2::LoadBalancer", "DocDB::DBSubnetGroup", "RDS::DBSubnetGroup")
def zones(assembly: Assembly, resource: Resource) -> Iterator[Finding]:
    """Application load balancers, and groups of database subnets, in a single Availability Zone."""
    values = many(resource.get("SubnetIds" if resource.type.endswith("::DBSubnetGroup") else "Subnets"))
    is_other = resource.get("Type") not in (None, "application")
    if is_other or any(isinstance(each, Unknown) for each in values) or not values:
        return
    subnets = [assembly.resource(each, "EC2::Subnet") for each in values]
    zones = [each.get("AvailabilityZone") if each else None for each in subnets]
    if all(each is not None for each in zones) and len(set(map(repr, zones))) < 2:
        yield wrong("ONE_ZONE", resource, "its subnets are in one Availability Zone, at least two are required")


@over("ElasticLoadBalancingV2::LoadBalancer")
def access_logs(assembly: Assembly, balancer: Resource) -> Iterator[Finding]:
    """Access logs to a bucket that does not let the load balancer write."""
    listed = objects(balancer.get("LoadBalancerAttributes"))
    attributes = {str(each.get("Key")): each.get("Value") for each in listed}
    if str(attributes.get("access_logs.s3.enabled")).lower() != "true":
        return
    value = attributes.get("access_logs.s3.bucket")
    if value is None:
        yield wrong("ACCESS_LOGS", balancer, "access logs are on, and access_logs.s3.bucket is not set")
    bucket = assembly.resource(value, "S3::Bucket")
    if bucket is None:
        return
    rules = bucket.get("BucketEncryption", "ServerSideEncryptionConfiguration")
    if any(fields(each.get("ServerSideEncryptionByDefault")).get("SSEAlgorithm") in _KEYS for each in objects(rules)):
        yield wrong("ACCESS_LOGS", balancer, f"the bucket {bucket.logical_id} has a KMS key: it must have AES256")
    policies = [each for each in assembly.of_type("S3::BucketPolicy") if bucket.is_of(each.get("Bucket"))]
    statements = [one for each in policies for one in many(each.get("PolicyDocument", "Statement"))]
    doubtful = any(is_open(each.get("PolicyDocument")) for each in policies)
    if not doubtful and not any(_lets_write(each) for each in statements):
        sentence = f"the bucket {bucket.logical_id} does not let the load balancer write its access logs"
        yield wrong("ACCESS_LOGS", balancer, sentence)


_KEYS = ("aws:kms", "aws:kms:dsse")


def _lets_write(statement: Any) -> bool:
    """Whether a statement may allow the load balancer to write; a doubtful one counts as allowing."""
    if not isinstance(statement, dict):
        return True
    if statement.get("Effect") != "Allow":
        return False
    actions, principal = many(statement.get("Action")), statement.get("Principal")
    writes = any(is_open(each) or each in ("s3:PutObject", "s3:Put*", "s3:*", "*") for each in actions)
    if not writes or isinstance(principal, Unknown):
        return writes
    named = fields(principal)
    if principal == "*" or "AWS" in named:
        # The account of Elastic Load Balancing in the region, where there was no service principal yet.
        return True
    services_named = many(named.get("Service"))
    return any(is_open(each) or "elasticloadbalancing" in str(each) for each in services_named)
