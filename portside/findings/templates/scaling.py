"""Auto scaling of services."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from portside.findings.finding import Finding
from portside.findings.templates.assembly import Assembly, Resource
from portside.findings.templates.rule import doubles, over, over_assembly, wrong
from portside.findings.templates.values import Handle, Text, Unknown, fields, objects, parts_of, text, whole


def target_of(assembly: Assembly, service: Resource) -> Resource | None:
    for each in assembly.of_type("ApplicationAutoScaling::ScalableTarget"):
        if any(service.is_of(part) for part in parts_of(each.get("ResourceId"))):
            return each
    return None


@over("ApplicationAutoScaling::ScalableTarget")
def bounds(assembly: Assembly, target: Resource) -> Iterator[Finding]:
    """Targets whose least is over their most."""
    least, most = whole(target.get("MinCapacity")), whole(target.get("MaxCapacity"))
    if least is not None and most is not None and least > most:
        yield wrong("SCALING_BOUNDS", target, f"MinCapacity {least} is over MaxCapacity {most}")


@over("ApplicationAutoScaling::ScalingPolicy")
def goals(assembly: Assembly, policy: Resource) -> Iterator[Finding]:
    """Policies whose goal is not possible."""
    tracking = fields(policy.get("TargetTrackingScalingPolicyConfiguration"))
    predefined = fields(tracking.get("PredefinedMetricSpecification"))
    metric, goal = text(predefined.get("PredefinedMetricType")), whole(tracking.get("TargetValue"))
    if metric in _OF_PERCENT and goal is not None and not 0 < goal <= 100:
        yield wrong("SCALING_GOAL", policy, f"{metric} is a percentage, TargetValue is {goal}")
    if metric == "ALBRequestCountPerTarget" and "ResourceLabel" not in predefined:
        yield wrong("SCALING_GOAL", policy, "ALBRequestCountPerTarget needs a ResourceLabel")


_OF_PERCENT = ("ECSServiceAverageCPUUtilization", "ECSServiceAverageMemoryUtilization")


@over("ApplicationAutoScaling::ScalableTarget")
def resource_ids(assembly: Assembly, target: Resource) -> Iterator[Finding]:
    """Targets for ECS whose id is not `service/CLUSTER/SERVICE`."""
    found = target.get("ResourceId")
    if target.get("ServiceNamespace") != "ecs" or not isinstance(found, str | Text):
        return
    is_wrong = _looks(found).split("/")[0] != "service" or _looks(found).count("/") != 2
    if is_wrong and not any(isinstance(part, Unknown) for part in parts_of(found)):
        yield wrong("SCALING_TARGET", target, f"ResourceId must be service/CLUSTER/SERVICE, got {_looks(found)}")
    for part in parts_of(found):
        other = assembly.resource(part)
        if other and other.type not in ("AWS::ECS::Service", "AWS::ECS::Cluster"):
            yield wrong("SCALING_TARGET", target, f"ResourceId names {other.logical_id}, a {other.type}")


def _looks(value: str | Text) -> str:
    if isinstance(value, str):
        return value
    # `Ref` of a service is its ARN, which contains slashes.
    return "".join(each if isinstance(each, str) else _name(each) for each in value.parts)


def _name(part: Any) -> str:
    return part.logical_id if isinstance(part, Handle) else "*"


@over_assembly
def policies(assembly: Assembly) -> Iterator[Finding]:
    """Two policies that track the same metric of one target."""
    for each, (_, metric), other in doubles(assembly.of_type("ApplicationAutoScaling::ScalingPolicy"), _tracked):
        yield wrong("SCALING_TWICE", each, f"{metric} of its target is tracked by {other.logical_id} too")


def _tracked(policy: Resource) -> tuple[Handle, str] | None:
    of, tracking = policy.get("ScalingTargetId"), fields(policy.get("TargetTrackingScalingPolicyConfiguration"))
    metric = text(fields(tracking.get("PredefinedMetricSpecification")).get("PredefinedMetricType"))
    return (of, metric) if metric and metric != "ALBRequestCountPerTarget" and isinstance(of, Handle) else None


@over("ApplicationAutoScaling::ScalingPolicy")
def steps(assembly: Assembly, each: Resource) -> Iterator[Finding]:
    """Step scaling without steps."""
    found = fields(each.get("StepScalingPolicyConfiguration"))
    if each.get("PolicyType") == "StepScaling" and found and found.get("StepAdjustments") in (None, []):
        yield wrong("SCALING_GOAL", each, "a step scaling policy needs at least one step")
    for step in objects(found.get("StepAdjustments")):
        if not {"MetricIntervalLowerBound", "MetricIntervalUpperBound"} & set(step):
            yield wrong("SCALING_GOAL", each, "a step needs a lower or an upper bound")
