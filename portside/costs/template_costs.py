"""The fixed monthly cost of a deployed stack, by its template."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from portside.costs import database_costs
from portside.costs.estimate import ALARMS_OF_SCALING, PRICES, Line, total

Resource = Mapping[str, Any]

# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html
_DEFAULT_DESIRED_COUNT = 1


@dataclass(frozen=True)
class StackCosts:
    """The lines of a stack, and its resources whose price is unknown."""

    lines: tuple[Line, ...] = ()
    unpriced: tuple[str, ...] = ()

    @property
    def dollars(self) -> float:
        """The monthly cost of the priced lines in dollars, to the cent."""
        return round(total(self.lines), 2)

    @property
    def sentence(self) -> str:
        """The sum, and the items without a price."""
        unpriced = f", and {', '.join(self.unpriced)}, whose price is unknown" if self.unpriced else ""
        return f"${self.dollars:.2f} a month{unpriced}"


def template_costs(template: Mapping[str, Any]) -> StackCosts:
    """The costs of a CloudFormation template's resources, with the minimum number of tasks."""
    resources: Mapping[str, Resource] = template.get("Resources", {})
    found: dict[str, float] = {}
    for name, quantity in _quantities(resources):
        found[name] = found.get(name, 0) + quantity
    lines = tuple(Line(name, quantity) for name, quantity in found.items() if name in PRICES and quantity)
    return StackCosts(lines, tuple(name for name in found if name not in PRICES))


def _quantities(resources: Mapping[str, Resource]) -> Iterator[tuple[str, float]]:
    """The names in `PRICES` and quantities of each resource."""
    tasks = _tasks(resources)
    yield from database_costs.of_template(resources)
    for resource in resources.values():
        properties = resource.get("Properties", {})
        match resource.get("Type"):
            case "AWS::ECS::TaskDefinition":
                yield "Fargate, vCPU", _number(properties.get("Cpu")) * tasks / 1024
                yield "Fargate, GB of memory", _number(properties.get("Memory")) * tasks / 1024
            case "AWS::EC2::NatGateway":
                yield "NAT gateway", 1
            case "AWS::EC2::EIP":
                yield "public IPv4 address", 1
            case "AWS::EC2::Instance":
                yield f"EC2 {properties.get('InstanceType', 'instance')}", 1
            case "AWS::ElasticLoadBalancingV2::LoadBalancer":
                yield "load balancer", 1
                is_public = properties.get("Scheme") == "internet-facing"
                yield "public IPv4 address", len(properties.get("Subnets", ())) if is_public else 0
            case "AWS::WAFv2::WebACL":
                yield "firewall", 1
                yield "firewall, rule", len(properties.get("Rules", ()))
            case "AWS::CloudWatch::Alarm":
                metrics = [each for each in properties.get("Metrics", ()) if "MetricStat" in each]
                yield "alarm, metric", len(metrics) or 1
            case "AWS::ApplicationAutoScaling::ScalingPolicy":
                yield "alarm, metric", ALARMS_OF_SCALING
            case "AWS::KMS::Key":
                yield "key", 1
            case "AWS::SecretsManager::Secret":
                yield "secret", 1


def _tasks(resources: Mapping[str, Resource]) -> float:
    """The minimum number of tasks. Our stacks have one service each."""
    of_type: dict[str, Mapping[str, Any]] = {
        str(each.get("Type")): each.get("Properties", {}) for each in resources.values()
    }
    target = of_type.get("AWS::ApplicationAutoScaling::ScalableTarget")
    if target is not None:
        return _number(target.get("MinCapacity"))
    service = of_type.get("AWS::ECS::Service")
    return _number(service.get("DesiredCount", _DEFAULT_DESIRED_COUNT)) if service is not None else 0


def _number(value: object) -> float:
    """A number, which can be a string in a template; 0 for an expression."""
    try:
        return float(str(value))
    except ValueError:
        return 0
