"""The quantities that AWS bills for the resources of a template, and the names of those without a price."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from portside.costs import database_costs, fargate_costs
from portside.costs.prices import BY_USE, EACH, UNPRICED, is_free
from portside.costs.quantity import Priced, Quantity, by_use, fixed, number

Properties = Mapping[str, Any]

_BALANCER, _BUCKET = "AWS::ElasticLoadBalancingV2::LoadBalancer", "AWS::S3::Bucket"
# Without a retention period logs are kept forever; these are those of the first year.
_FOREVER_DAYS = 365
_DAYS_A_MONTH = 30
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-metrics-ECS.html
_INSIGHTS = {"enabled": "custom metric", "enhanced": "Container Insights, enhanced metric"}


def of_template(resources: Mapping[str, Any], assumed: Mapping[str, float]) -> Iterator[Quantity]:
    """The quantities of each resource, without what an environment costs by use as a whole."""
    priced = Priced(resources, assumed)
    for key, resource in resources.items():
        kind, properties = str(resource.get("Type")), resource.get("Properties", {})
        yield from (fixed(name, quantity) for name, quantity in EACH.get(kind, {}).items())
        if kind in _BY_PROPERTIES:
            try:
                yield from [*_BY_PROPERTIES[kind](key, properties, priced)]
            except (AttributeError, KeyError, TypeError):
                # Written with expressions, such as Fn::If, whose values only a deployment knows.
                yield Quantity(f"{kind} {key}", 0, 0)
        elif not is_known(kind) or kind in UNPRICED:
            yield Quantity(kind, 0, 0)


def of_environment(templates: Iterable[Mapping[str, Any]], assumed: Mapping[str, float]) -> Iterator[Quantity]:
    """The quantities by use of an environment as a whole, and of the secrets that its tasks read from elsewhere."""
    templates = list(templates)
    resources = [each for template in templates for each in template.get("Resources", {}).values()]
    types = {str(each.get("Type")) for each in resources}
    for name, row in BY_USE.items():
        if row["of"] in types:
            yield by_use(name, assumed[row["assumption"]])
    groups = [each.get("Properties", {}) for each in resources if each.get("Type") == "AWS::Logs::LogGroup"]
    if groups:
        days = sum(number(each.get("RetentionInDays", _FOREVER_DAYS)) for each in groups) / len(groups)
        yield by_use("logs, kept", assumed["logs_gb"] * days / _DAYS_A_MONTH)
    # A name in the ARN means that no stack of this environment has it.
    named = re.findall(r":secret:([\w/+=.@-]+)", json.dumps([_secrets(each) for each in resources]))
    yield fixed("secret", len(set(named)))
    services = sum(each.get("Type") == fargate_costs.SERVICE for each in resources)
    yield from (by_use(name, services * assumed["insights_metrics"]) for each in resources for name in _insights(each))


def is_known(resource_type: str) -> bool:
    """Whether it is known what resources of a type cost, or that nothing here estimates it."""
    tables = (EACH, _BY_PROPERTIES, UNPRICED)
    return is_free(resource_type) or any(resource_type in table for table in tables)


def _secrets(resource: Properties) -> list[Any]:
    containers = resource.get("Properties", {}).get("ContainerDefinitions", ())
    read = ("Secrets", "RepositoryCredentials")
    return [each.get(key) for each in containers if isinstance(each, Mapping) for key in read]


def _insights(resource: Properties) -> list[str]:
    """The price of a metric of a cluster's Container Insights, if they are on."""
    settings = resource.get("Properties", {}).get("ClusterSettings", ())
    named = [each for each in settings if isinstance(each, Mapping) and each.get("Name") == "containerInsights"]
    return [_INSIGHTS[each["Value"]] for each in named if each.get("Value") in _INSIGHTS]


def _balancer(_: str, properties: Properties, __: Priced) -> Iterator[Quantity]:
    yield fixed("load balancer", 1)
    if properties.get("Scheme") == "internet-facing":
        yield fixed("public IPv4 address", len(properties.get("Subnets", ())))


def _web_acl(_: str, properties: Properties, __: Priced) -> Iterator[Quantity]:
    yield fixed("firewall", 1)
    yield fixed("firewall, rule", len(properties.get("Rules", ())))


def _alarm(_: str, properties: Properties, __: Priced) -> Iterator[Quantity]:
    metrics = [each for each in properties.get("Metrics", ()) if "MetricStat" in each]
    yield fixed("alarm, metric", len(metrics) or 1)


def _endpoint(_: str, properties: Properties, __: Priced) -> Iterator[Quantity]:
    # That of GuardDuty's agent is part of its price: https://aws.amazon.com/guardduty/pricing/
    is_free_of_charge = "guardduty-data" in json.dumps(properties.get("ServiceName"))
    if properties.get("VpcEndpointType", "Gateway") != "Gateway" and not is_free_of_charge:
        yield fixed("interface endpoint, in a zone", len(properties.get("SubnetIds", ())) or 1)


def _instance(_: str, properties: Properties, priced: Priced) -> Iterator[Quantity]:
    yield fixed(f"EC2 {properties.get('InstanceType', 'instance')}", 1)
    yield fixed("EBS, gp3", priced.assumed["disk_gb"])


def _parameter(_: str, properties: Properties, __: Priced) -> Iterator[Quantity]:
    yield fixed("parameter, advanced", int(properties.get("Tier") == "Advanced"))


def _bucket(key: str, properties: Properties, priced: Priced) -> Iterator[Quantity]:
    if f'"Ref": "{key}"' not in json.dumps([*priced.of_type(_BALANCER).values()]):
        yield Quantity(_BUCKET, 0, 0)
        return
    rules = properties.get("LifecycleConfiguration", {}).get("Rules", ())
    days = next((number(each["ExpirationInDays"]) for each in rules if "ExpirationInDays" in each), _FOREVER_DAYS)
    yield by_use("access logs, kept", priced.assumed["access_logs_gb"] * days / _DAYS_A_MONTH)


_BY_PROPERTIES: Mapping[str, Callable[[str, Properties, Priced], Iterator[Quantity]]] = {
    **dict.fromkeys(database_costs.INSTANCES, database_costs.of_instance),
    **dict.fromkeys(database_costs.CLUSTERS, database_costs.of_cluster),
    fargate_costs.SERVICE: fargate_costs.of_service,
    fargate_costs.TASK: fargate_costs.of_ending_tasks,
    _BALANCER: _balancer,
    _BUCKET: _bucket,
    "AWS::CloudWatch::Alarm": _alarm,
    "AWS::EC2::Instance": _instance,
    "AWS::EC2::VPCEndpoint": _endpoint,
    "AWS::SSM::Parameter": _parameter,
    "AWS::WAFv2::WebACL": _web_acl,
}
