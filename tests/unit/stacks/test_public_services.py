"""Several public services, and the settings of the load balancer, in the templates of tests/apps/press."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import pytest

from portside.config.configuration import Configuration
from portside.config.environment import Environment
from portside.config.routing import last_priority
from portside.config.service_props import Route, ServiceProps
from portside.config.stacks import stacks_of
from portside.costs.estimate import environment_costs
from tests.apps import press
from tests.unit.stacks_support import (
    Json,
    configuration,
    environment,
    of_type,
    properties,
    read_templates,
    references,
    shared_synthesis_with,
)

LISTENER = "AWS::ElasticLoadBalancingV2::Listener"
RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"
TARGET_GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"


def changed(of: Configuration, name: str, environment: Environment, *services: ServiceProps) -> Configuration:
    return dataclasses.replace(
        of, environments={**of.environments, name: environment}, services={**of.services, name: services}
    )


def made(of: Configuration, name: str = "dev") -> dict[str, Json]:
    prefix = f"{of.environment(name).stack_prefix}-"
    return {
        key.removeprefix(prefix): each for key, each in read_templates(shared_synthesis_with(None, of, name)).items()
    }


@functools.cache
def stacks() -> dict[str, Json]:
    return made(press())


def stacks_with(*, certificate: bool = True, public: bool = True, **changes: Any) -> dict[str, Json]:
    """The templates of press with a change of its environment, or without its second public service."""
    of = press()
    arn = of.environment("dev").certificate_arn
    found = dataclasses.replace(of.environment("dev"), certificate_arn=arn if certificate else "", **changes)
    web, api, mail = of.services_of("dev")
    api = dataclasses.replace(api, public=public, routes=api.routes if public else ())
    return made(changed(of, "dev", found, web, api, mail))


def rule_of(part: str, templates: dict[str, Json] | None = None) -> Json:
    return properties((templates or stacks())[part], RULE)


def test_each_public_service_has_its_rule_and_the_last_is_that_of_the_one_without_routes() -> None:
    api, web = rule_of("api"), rule_of("web")
    assert (api["Priority"], web["Priority"]) == (10, last_priority("press-web"))
    assert 40_000 <= web["Priority"] < 50_000
    assert api["Conditions"] == [{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/api", "/api/*"]}}]
    assert web["Conditions"] == [{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/*"]}}]
    assert api["ListenerArn"] == web["ListenerArn"]
    for part in ("api", "web"):
        [group] = of_type(stacks()[part], TARGET_GROUP)
        [service] = of_type(stacks()[part], "AWS::ECS::Service").values()
        [rule] = of_type(stacks()[part], RULE)
        assert rule_of(part)["Actions"][0]["TargetGroupArn"] == {"Ref": group}
        assert rule in service["DependsOn"], "ECS refuses a target group without a load balancer"
    assert not of_type(stacks()["mail"], TARGET_GROUP)


def test_a_host_and_a_path_are_both_conditions() -> None:
    of = press()
    web, api, mail = of.services_of("dev")
    both = dataclasses.replace(api, routes=[Route(3, paths=["/v1/*"], hosts=["api.example.org"])])
    templates = made(changed(of, "dev", of.environment("dev"), web, both, mail))
    assert [each["Field"] for each in rule_of("api", templates)["Conditions"]] == ["path-pattern", "host-header"]


def test_the_listeners_are_those_of_the_load_balancer_and_answer_nothing_themselves() -> None:
    listeners = {each["Properties"]["Port"]: each for each in of_type(stacks()["load-balancer"], LISTENER).values()}
    assert listeners[80]["Properties"]["DefaultActions"][0]["Type"] == "redirect"
    assert listeners[443]["Properties"]["DefaultActions"][0]["FixedResponseConfig"]["StatusCode"] == "503"
    assert "HttpsListener1C292967" in listeners[80]["DependsOn"], "it redirects only once port 443 answers"
    assert not any(of_type(template, LISTENER) for part, template in stacks().items() if part != "load-balancer")
    [plain] = of_type(stacks_with(certificate=False)["load-balancer"], LISTENER).values()
    assert (plain["Properties"]["Port"], plain["Properties"]["DefaultActions"][0]["Type"]) == (80, "fixed-response")


@pytest.mark.parametrize("changes", [{"public": False}, {"certificate": False}])
def test_a_second_public_service_or_a_certificate_keeps_the_first(changes: dict[str, Any]) -> None:
    before = stacks_with(**changes)
    for kind, names in ((TARGET_GROUP, "web"), (LISTENER, "load-balancer")):
        was, now = of_type(before[names], kind), of_type(stacks()[names], kind)
        assert set(was) <= set(now)
        if "public" in changes or kind == TARGET_GROUP:
            assert was == now


def test_an_adopted_environment_keeps_its_listeners_where_they_run() -> None:
    of = configuration()
    apex = next(each for each in of.services_of("dev") if each.public)
    extra = dataclasses.replace(
        apex, container_name="agora-status", routes=(Route(5, paths=["/status/*"]),), calls=(), container_env_vars={}
    )
    before = made(changed(of, "dev", environment("dev"), *of.services_of("dev")))
    after = made(changed(of, "dev", environment("dev"), extra, *of.services_of("dev")))
    assert before["apex"]["Resources"] == after["apex"]["Resources"]
    assert "agora-dev-apex" in references(after["status"])


def test_the_checks_of_the_load_balancer_are_those_of_the_configuration() -> None:
    api, web = properties(stacks()["api"], TARGET_GROUP), properties(stacks()["web"], TARGET_GROUP)
    assert api["Matcher"] == {"HttpCode": "200-299"}
    assert "Matcher" not in web
    assert (api["HealthCheckPath"], api["Protocol"]) == ("/api/health", "HTTP")
    of = press()
    first, *others = of.services_of("dev")
    encrypted = dataclasses.replace(first, target_protocol="HTTPS", health_check_interval_seconds=60)
    changed_group = properties(made(changed(of, "dev", of.environment("dev"), encrypted, *others))["web"], TARGET_GROUP)
    assert (changed_group["Protocol"], changed_group["HealthCheckIntervalSeconds"]) == ("HTTPS", 60)


def test_a_service_can_be_scaled_on_memory() -> None:
    def metrics(part: str) -> list[str]:
        policies = of_type(stacks()[part], "AWS::ApplicationAutoScaling::ScalingPolicy").values()
        scaling = [each["Properties"]["TargetTrackingScalingPolicyConfiguration"] for each in policies]
        return [
            f"{each['PredefinedMetricSpecification']['PredefinedMetricType']} {each['TargetValue']}" for each in scaling
        ]

    assert metrics("api") == ["ECSServiceAverageCPUUtilization 50", "ECSServiceAverageMemoryUtilization 70"]
    assert metrics("web") == ["ECSServiceAverageCPUUtilization 50"]


def test_only_the_allowed_networks_reach_the_load_balancer() -> None:
    group = properties(stacks()["load-balancer"], "AWS::EC2::SecurityGroup")
    allowed = [(rule["CidrIp"], rule["FromPort"]) for rule in group["SecurityGroupIngress"]]
    assert allowed == [("198.100.10.0/24", 80), ("198.100.10.0/24", 443)]
    everyone = properties(stacks_with(allowed_networks=())["load-balancer"], "AWS::EC2::SecurityGroup")
    assert {rule["CidrIp"] for rule in everyone["SecurityGroupIngress"]} == {"0.0.0.0/0"}


def test_the_idle_timeout_is_an_attribute() -> None:
    balancer = properties(stacks()["load-balancer"], "AWS::ElasticLoadBalancingV2::LoadBalancer")
    assert {"Key": "idle_timeout.timeout_seconds", "Value": "300"} in balancer["LoadBalancerAttributes"]


def test_exceptions_of_the_firewall_are_counted() -> None:
    def rules(**changes: Any) -> dict[str, Json]:
        template = stacks_with(**changes)["load-balancer"] if changes else stacks()["load-balancer"]
        return {each["Name"]: each for each in properties(template, "AWS::WAFv2::WebACL")["Rules"]}

    def counted(found: dict[str, Json], group: str) -> list[str]:
        statement = found[group]["Statement"]["ManagedRuleGroupStatement"]
        return [each["Name"] for each in statement.get("RuleActionOverrides", ())]

    common = "AWSManagedRulesCommonRuleSet"
    assert counted(rules(), common) == ["SizeRestrictions_QUERYSTRING", "SizeRestrictions_BODY"]
    other = rules(firewall_exceptions={"Log4JRCE_BODY": "a forum about it", "LimitRequestRate": "one proxy"})
    assert counted(other, common) == ["SizeRestrictions_QUERYSTRING"]
    assert counted(other, "AWSManagedRulesKnownBadInputsRuleSet") == ["Log4JRCE_BODY"]
    assert (other["LimitRequestRate"]["Action"], other["LimitURLLength"]["Action"]) == ({"Count": {}}, {"Block": {}})


def test_an_app_without_a_public_service_has_no_load_balancer_and_pays_for_none() -> None:
    of = press()
    *_, mail = of.services_of("dev")
    alone = dataclasses.replace(of.environment("dev"), load_balancer=False, fqdn="", certificate_arn="")
    without = changed(of, "dev", alone, dataclasses.replace(mail, calls=(), container_env_vars={}))
    templates = made(without)
    assert set(templates) == {"network", "ecs", "mail", "monitoring"}
    assert {stack.part for stack in stacks_of(without, "dev")} == set(templates)
    text = str(templates)
    assert "ElasticLoadBalancing" not in text
    assert "WAFv2" not in text
    found = environment_costs(templates.values(), {})
    quantities = [found.line(name).least for name in ("load balancer", "firewall", "public IPv4 address")]
    assert quantities == [0, 0, 1]
    assert not alone.unencrypted
