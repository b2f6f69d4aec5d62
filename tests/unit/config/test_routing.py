"""Routes, the load balancer's checks, and the values of an environment's load balancer and firewall."""

from __future__ import annotations

from typing import Any

import pytest

from portside.config.load_balancer_values import MANAGED_RULES
from portside.config.service_props import Route
from tests.unit.configuration_support import (
    OMITTED,
    check_configuration,
    environment_problems,
    environments,
    one_service,
    problems_of,
    problems_raised_by,
    service,
    service_problems,
)


@pytest.mark.parametrize(
    "fields",
    [
        {"paths": ["/api", "/api/*", "/v?/items", "/a~b/$x"]},
        {"hosts": ["api.example.org", "*.example.org", "a-b.example.*"]},
        {"paths": ["/api/*"], "hosts": ["example.org"]},
    ],
)
def test_routes_that_a_load_balancer_accepts(fields: dict[str, Any]) -> None:
    assert Route(2, **fields).priority == 2


@pytest.mark.parametrize(
    ("fields", "where", "mistake"),
    [
        ({}, "Route(2)", "has neither paths nor hosts"),
        ({"paths": ["api/*"]}, "Route(2).paths[0]", "not a pattern that a load balancer accepts"),
        ({"paths": ["/a b"]}, "Route(2).paths[0]", "not a pattern that a load balancer accepts"),
        ({"paths": ["/" + "a" * 128]}, "Route(2).paths[0]", "not a pattern that a load balancer accepts"),
        ({"paths": "/api"}, "Route(2).paths", "not a list"),
        ({"paths": ["/{id}"]}, "Route(2).paths[0]", "not a pattern that a load balancer accepts"),
        ({"hosts": ["API.example.org"]}, "Route(2).hosts[0]", "not a pattern that a load balancer accepts"),
        ({"hosts": ["https://api.example.org"]}, "Route(2).hosts[0]", "not a pattern that a load balancer accepts"),
        ({"hosts": ["localhost"]}, "Route(2).hosts[0]", "not a pattern that a load balancer accepts"),
        (
            {"paths": [f"/{n}" for n in range(4)], "hosts": ["a.org", "b.org"]},
            "Route(2)",
            "more than 5 paths and hosts",
        ),
    ],
)
def test_routes_that_it_refuses(fields: dict[str, Any], where: str, mistake: str) -> None:
    problem = problems_raised_by(lambda: Route(2, **fields))[0]
    assert problem.where == where
    assert problem.what.startswith(mistake)
    assert problem.hint


@pytest.mark.parametrize("priority", [0, 40_000, "1", True])
def test_a_priority_is_that_of_a_rule_before_the_last(priority: Any) -> None:
    [problem] = problems_raised_by(lambda: Route(priority, paths=["/"]))
    assert problem.where.endswith(".priority")


def test_routes_need_a_public_service() -> None:
    [problem] = service_problems(routes=[Route(2, paths=["/api"])])
    assert problem.where == 'ServiceProps("app").routes'
    assert problem.what == "without effect, as the service is not public"


@pytest.mark.parametrize("codes", ["200", "200,302", "200-399", "200-299,401"])
def test_codes_of_a_healthy_target(codes: str) -> None:
    assert service(health_check_codes=codes).health_check_codes == codes


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("health_check_codes", "20"),
        ("health_check_codes", "200;302"),
        ("health_check_codes", "500"),
        ("health_check_codes", 200),
        ("health_check_codes", "200-"),
        ("health_check_interval_seconds", 5),
        ("health_check_interval_seconds", 301),
        ("target_protocol", "https"),
        ("target_protocol", "TCP"),
        ("auto_scale_memory_percent", 0),
        ("auto_scale_memory_percent", 101),
    ],
)
def test_values_that_a_target_group_or_a_scaling_policy_refuses(field: str, value: Any) -> None:
    [problem] = service_problems(**{field: value})
    assert problem.where == f'ServiceProps("app").{field}'
    assert problem.hint


@pytest.mark.parametrize(
    ("value", "mistake"),
    [
        ([], "empty, so nothing could reach the site"),
        (["0.0.0.0/0"], "everyone"),
        (["203.0.113.7"], "not in CIDR notation"),
        (["203.0.113.7/24"], "not in CIDR notation"),
        (["10.0.0.0/8"], "private addresses"),
        (["2001:db8::/32"], "not an IPv4 network"),
        (["office"], "not an IPv4 network"),
        (["198.100.10.0/24", "198.100.10.0/24"], "given twice"),
        ("198.100.10.0/24", "not a list"),
        ([f"198.100.{number}.0/24" for number in range(31)], "more than 30"),
    ],
)
def test_networks_that_can_not_be_allowed(value: Any, mistake: str) -> None:
    problem = environment_problems(ALLOWED_NETWORKS=value)[0]
    assert problem.where.startswith('ENVIRONMENTS["dev"]["ALLOWED_NETWORKS"]')
    assert problem.what.startswith(mistake)
    assert problem.hint


@pytest.mark.parametrize(
    ("value", "mistake", "hint"),
    [
        ({"SizeRestrictions_Body": "uploads"}, "not a rule of the firewall", 'Did you mean "SizeRestrictions_BODY"?'),
        ({"SQLi_BODY": "forms"}, "not a rule of the firewall", "Rules are"),
        ({"SizeRestrictions_BODY": ""}, "empty", "Use one line"),
        (["SizeRestrictions_BODY"], "not a mapping", "Use {"),
    ],
)
def test_exceptions_that_the_firewall_does_not_have(value: Any, mistake: str, hint: str) -> None:
    problem = environment_problems(FIREWALL_EXCEPTIONS=value)[0]
    assert problem.what.startswith(mistake)
    assert problem.hint.startswith(hint)


def test_every_rule_of_the_firewall_can_be_an_exception() -> None:
    every = {rule: "it blocks wanted requests" for group in MANAGED_RULES.values() for rule in group}
    every |= {"LimitURLLength": "long searches", "LimitRequestRate": "one proxy for all users"}
    found = check_configuration(environments(dev={"FIREWALL_EXCEPTIONS": every}), one_service)
    assert found.environment("dev").firewall_exceptions == every


@pytest.mark.parametrize("seconds", [0, 4001, "60"])
def test_idle_timeouts_that_a_load_balancer_refuses(seconds: Any) -> None:
    assert environment_problems(IDLE_TIMEOUT_SECONDS=seconds)


def test_an_environment_without_a_load_balancer_needs_no_site() -> None:
    prod = {"LOAD_BALANCER": False, "FQDN": OMITTED, "CERTIFICATE_ID": OMITTED}
    found = check_configuration(environments(dev=prod, prod=prod), lambda _: [service(container_port=None)])
    assert not found.environment("prod").load_balancer


@pytest.mark.parametrize(
    ("key", "value"),
    [("FQDN", "app.example.org"), ("ALLOWED_NETWORKS", ["198.100.10.0/24"]), ("IDLE_TIMEOUT_SECONDS", 90)],
)
def test_values_of_a_load_balancer_that_does_not_exist_are_reported(key: str, value: Any) -> None:
    changes = {"LOAD_BALANCER": False, "FQDN": OMITTED, "CERTIFICATE_ID": OMITTED, key: value}
    problems = problems_of(environments(dev=changes), lambda _: [service()])
    assert [(each.where, each.what) for each in problems] == [
        (f'ENVIRONMENTS["dev"]["{key}"]', "without effect, as LOAD_BALANCER is False")
    ]


def test_no_service_is_public_without_a_load_balancer() -> None:
    changes = {"LOAD_BALANCER": False, "FQDN": OMITTED, "CERTIFICATE_ID": OMITTED}
    [problem] = problems_of(environments(dev=changes), lambda _: [service(public=True)])
    assert problem.where == 'ServiceProps("app").public'
    assert "LOAD_BALANCER" in problem.hint
