"""The maintenance page: its rule, the alarms, and what is remembered."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from portside.aws.target import Target
from portside.config.routing import MAINTENANCE_PRIORITY
from portside.deploy import maintenance
from portside.errors import UsageError, UserError
from portside.records.environment_lock import EnvironmentLock, Locked
from portside.records.environment_lock import parameter_name as lock_name
from portside.records.maintenance_record import MaintenancePage, maintenance_of, parameter_name, read_page
from tests.apps import press
from tests.unit.operations_support import FakePaginator, FakeParameters, client_error, target

HTTP, HTTPS = (f"arn:aws:elasticloadbalancing:us-east-1:1:listener/app/x/1/{each}" for each in ("http", "https"))


@dataclass
class Balancer:
    """The API of Elastic Load Balancing, with the listeners of one load balancer and their rules."""

    listeners: list[dict[str, str]] = field(
        default_factory=lambda: [
            {"ListenerArn": HTTP, "Protocol": "HTTP"},
            {"ListenerArn": HTTPS, "Protocol": "HTTPS"},
        ]
    )
    rules: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def describe_listeners(self, *, LoadBalancerArn: str) -> dict[str, Any]:
        assert LoadBalancerArn == "balancer"
        return {"Listeners": self.listeners}

    def get_paginator(self, operation: str) -> FakePaginator:
        assert operation == "describe_rules"
        return FakePaginator(lambda ListenerArn: [{"Rules": self._of(ListenerArn)}])

    def _of(self, listener: str) -> list[dict[str, Any]]:
        if listener not in [each["ListenerArn"] for each in self.listeners]:
            raise client_error("ListenerNotFound", "One or more listeners not found")
        return [*self.rules.get(listener, ()), {"Priority": "default", "RuleArn": "rule-default"}]

    def create_rule(self, *, ListenerArn: str, Priority: int, **rule: Any) -> None:
        assert not self.rules.get(ListenerArn)
        self.rules[ListenerArn] = [{"RuleArn": f"rule-{ListenerArn[-5:]}", "Priority": str(Priority), **rule}]

    def modify_rule(self, *, RuleArn: str, Actions: Any) -> None:
        [rule] = [each for rules in self.rules.values() for each in rules if each["RuleArn"] == RuleArn]
        rule["Actions"] = Actions

    def delete_rule(self, *, RuleArn: str) -> None:
        self.rules = {name: [each for each in of if each["RuleArn"] != RuleArn] for name, of in self.rules.items()}

    @property
    def page(self) -> str:
        """The page that visitors see."""
        [rule] = self.rules[HTTPS]
        assert rule["Conditions"] == [{"Field": "path-pattern", "PathPatternConfig": {"Values": ["*"]}}]
        [action] = rule["Actions"]
        assert action["FixedResponseConfig"]["StatusCode"] == "503"
        return str(action["FixedResponseConfig"]["MessageBody"])


class Stacks:
    """The resources of the environment's stacks."""

    def describe_stack_resources(self, *, StackName: str) -> dict[str, Any]:
        kinds = {"press-dev-load-balancer": {"AWS::ElasticLoadBalancingV2::LoadBalancer": "balancer"}}
        own = kinds.get(StackName, {}) | {"AWS::CloudWatch::Alarm": f"{StackName}-alarm"}
        return {"StackResources": [{"ResourceType": kind, "PhysicalResourceId": name} for kind, name in own.items()]}


@dataclass
class Alarms:
    """Which alarms notify no one."""

    silent: set[str] = field(default_factory=set)

    def disable_alarm_actions(self, *, AlarmNames: list[str]) -> None:
        self.silent |= set(AlarmNames)

    def enable_alarm_actions(self, *, AlarmNames: list[str]) -> None:
        self.silent -= set(AlarmNames)


@dataclass
class Site:
    """press in dev, deployed."""

    elbv2: Balancer = field(default_factory=Balancer)
    cloudwatch: Alarms = field(default_factory=Alarms)
    ssm: FakeParameters = field(default_factory=FakeParameters)

    @property
    def target(self) -> Target:
        given = {"cloudformation": Stacks(), "elbv2": self.elbv2, "cloudwatch": self.cloudwatch, "ssm": self.ssm}
        return target(given, configuration=press())

    def on(self, page: str = "a page") -> MaintenancePage:
        return maintenance.switch_on(self.target, SERVICES, page)

    def off(self) -> bool:
        return maintenance.switch_off(self.target, SERVICES)

    @property
    def sentence(self) -> str:
        return maintenance_of(self.target)


ENVIRONMENT, SERVICES = press().environment("dev"), press().services_of("dev")


def test_visitors_see_the_page_of_the_listener_that_they_reach_and_alarms_are_silent_until_it_is_off() -> None:
    site = Site()
    assert site.sentence == ""
    page = site.on()
    assert (site.elbv2.page, page.listener) == ("a page", HTTPS)
    assert "press-dev-load-balancer-alarm" in site.cloudwatch.silent
    # By which the operator's right to delete rules is limited.
    assert site.elbv2.rules[HTTPS][0]["Tags"] == [{"Key": "portside:maintenance", "Value": "press-dev"}]
    assert read_page(site.ssm, ENVIRONMENT) == page
    assert page.sentence("dev") in site.sentence
    assert site.off() is True
    assert (site.elbv2.rules, site.cloudwatch.silent, site.ssm.values, site.sentence) == ({HTTPS: []}, set(), {}, "")
    assert site.off() is False


def test_a_second_page_replaces_the_first_and_its_beginning_stays() -> None:
    site = Site()
    first = site.on()
    assert site.on("another") == first
    assert site.elbv2.page == "another"


def test_without_https_the_only_listener_answers() -> None:
    site = Site(Balancer([{"ListenerArn": HTTP, "Protocol": "HTTP"}]))
    assert site.on().listener == HTTP


def test_the_page_comes_before_every_route() -> None:
    routes = [route for props in SERVICES for route in props.routes]
    assert routes
    assert min(route.priority for route in routes) > MAINTENANCE_PRIORITY


@pytest.mark.parametrize("listeners", [[], [{"ListenerArn": HTTP, "Protocol": "HTTP"}]], ids=["rule", "listener"])
def test_a_page_without_its_rule_is_reported_with_the_way_to_show_it_again(listeners: list[dict[str, str]]) -> None:
    site = Site()
    site.on()
    site.elbv2.rules = {}
    site.elbv2.listeners = listeners or site.elbv2.listeners
    assert "its rule does not exist" in site.sentence
    assert "maintenance dev on" in site.sentence


def test_a_route_that_has_the_priority_of_the_page_is_not_touched() -> None:
    route = {"RuleArn": "route", "Priority": "1", "Actions": [{"Type": "forward", "TargetGroupArn": "group"}]}
    site = Site(Balancer(rules={HTTPS: [route]}))
    for switch in (site.on, site.off):
        with pytest.raises(UserError, match="sends requests to a service"):
            switch()
    assert (site.elbv2.rules, site.cloudwatch.silent, site.sentence) == ({HTTPS: [route]}, set(), "")


def test_off_removes_the_rule_of_an_interrupted_command() -> None:
    site = Site()
    site.on()
    site.ssm.delete_parameter(Name=parameter_name(ENVIRONMENT))
    assert site.off() is True
    assert site.elbv2.rules == {HTTPS: []}


def test_nothing_changes_while_a_deployment_runs() -> None:
    site = Site()
    lock = EnvironmentLock("1", "jane", "2026-01-01T00:00:00", "deploy")
    value = json.dumps({"id": lock.id, "who": lock.who, "since": lock.since, "doing": lock.doing})
    site.ssm.put_parameter(
        Name=lock_name(ENVIRONMENT), Value=value, Type="String", Overwrite=True, Description="by jane"
    )
    with pytest.raises(Locked):
        site.on()
    assert site.elbv2.rules == {}


def test_without_a_listener_it_says_to_deploy_and_without_a_load_balancer_that_there_is_no_visitor() -> None:
    site = Site(Balancer([]))
    with pytest.raises(UserError, match="has no listener") as refused:
        site.on()
    assert "deploy dev" in str(refused.value.hint)
    alone = dataclasses.replace(site.target, environment=dataclasses.replace(ENVIRONMENT, load_balancer=False))
    with pytest.raises(UsageError, match="dev has no load balancer"):
        maintenance.switch_on(alone, SERVICES, "a page")


def test_a_message_is_no_html() -> None:
    page = maintenance.page_with('<b>"&')
    assert "&lt;b&gt;&quot;&amp;" in page
    assert "<b>" not in page


@pytest.mark.parametrize("message", ["", " ", "x" * 1024])
def test_a_message_that_is_empty_or_too_long_is_refused(message: str) -> None:
    with pytest.raises(UsageError, match="--message"):
        maintenance.page_with(message)


def test_a_record_that_someone_else_wrote_counts() -> None:
    site = Site(ssm=FakeParameters({parameter_name(ENVIRONMENT): "on since noon"}))
    assert "someone" in site.sentence
