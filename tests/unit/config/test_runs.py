"""Containers that don't run always: their mistakes, their stacks, and what can't be connected to them."""

from __future__ import annotations

from typing import Any

import pytest

from portside.config.configuration import Configuration
from portside.config.runs import ALWAYS, OF_SERVICES
from portside.config.service_props import (
    BEFORE_ROLLOUT,
    DATABASE,
    ON_REQUEST,
    Call,
    HealthCheck,
    Schedule,
    ServiceProps,
)
from portside.config.stacks import StackKind, stacks_of
from portside.errors import ConfigurationError
from tests.apps import desk
from tests.unit.configuration_support import check_configuration, environments, service

NIGHTLY = Schedule("cron(0 3 * * ? *)")
CHECK = HealthCheck(command=["CMD", "true"])


def job(**fields: Any) -> ServiceProps:
    given = {"container_name": "migrate", "container_location": "ghcr.io/owner/app:1.0", "runs": BEFORE_ROLLOUT}
    return ServiceProps(**{**given, **fields})


def refusals(**fields: Any) -> list[str]:
    with pytest.raises(ConfigurationError) as refused:
        job(**fields)
    return [str(each) for each in refused.value.problems]


@pytest.mark.parametrize("runs", [BEFORE_ROLLOUT, ON_REQUEST, NIGHTLY])
def test_a_container_that_does_not_run_always_needs_no_port_and_is_no_service(runs: Any) -> None:
    assert not job(runs=runs).is_service
    assert service().is_service


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("container_port", 80),
        ("auto_scale_min_capacity", 2),
        ("auto_scale_max_capacity", 2),
        ("spot_weight", 1),
        ("deployment_failure_threshold", 5),
        ("public", True),
        ("health_check_path", "/health"),
        ("target_group_port", 81),
        ("health_check_grace_seconds", 5),
        ("container_healthcheck", CHECK),
        ("no_healthcheck_reason", "none"),
        ("target_protocol", "HTTPS"),
        ("health_check_codes", "200-399"),
        ("health_check_interval_seconds", 30),
        ("auto_scale_memory_percent", 50),
    ],
)
def test_a_field_of_services_is_refused_with_what_to_do(field: str, value: Any) -> None:
    found = "\n".join(refusals(**{field: value, "auto_scale_max_capacity": 2} if "min" in field else {field: value}))
    assert f'ServiceProps("migrate").{field}: has no effect: ' in found
    assert "Remove it, or use runs=ALWAYS." in found


def test_every_field_of_services_has_its_default() -> None:
    defaults = vars(service())
    changed = {"container_port": None, "auto_scale_min_capacity": 1, "auto_scale_max_capacity": 1}
    assert {name: changed.get(name, defaults[name]) for name in OF_SERVICES} == dict(OF_SERVICES)


@pytest.mark.parametrize(
    ("runs", "mistake", "fix"),
    [
        ("always", "a text, got 'always'", "Use ALWAYS, without quotes."),
        ("before_rolout", "a text, got 'before_rolout'", "Use BEFORE_ROLLOUT, without quotes."),
        ("cron(0 3 * * ? *)", "a text", 'Use Schedule("cron(0 3 * * ? *)").'),
        ("nightly", "a text", "Use ALWAYS, BEFORE_ROLLOUT, ON_REQUEST or Schedule("),
        (Schedule, "a class, not a value", "Use Schedule("),
        (None, "not a time to run, got None", "Use ALWAYS, BEFORE_ROLLOUT"),
        (5, "not a time to run, got an int", "Use ALWAYS, BEFORE_ROLLOUT"),
    ],
)
def test_another_value_of_runs_is_refused(runs: Any, mistake: str, fix: str) -> None:
    [found] = refusals(runs=runs)
    assert mistake in found
    assert fix in found


@pytest.mark.parametrize(
    ("arguments", "where", "mistake"),
    [
        (("cron(0 3 * * *)",), "expression", "five fields"),
        (("",), "expression", "empty"),
        ((5,), "expression", "not a text"),
        (("cron(0 3 * * ? *)", "Amerca/Los_Angeles"), "time_zone", 'Did you mean "America/Los_Angeles"?'),
        (("cron(0 3 * * ? *)", "GMT+25"), "time_zone", "no such time zone"),
        (("rate(5 minutes)", "Europe/Berlin"), "time_zone", "has no effect: a rate has no time of day"),
    ],
)
def test_a_wrong_schedule_is_refused(arguments: Any, where: str, mistake: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Schedule(*arguments)
    [found] = map(str, refused.value.problems)
    assert f".{where}: " in found
    assert mistake in found


def test_only_a_job_has_a_timeout() -> None:
    assert "not from 1 to 1440, got 0" in refusals(timeout_minutes=0)[0]
    with pytest.raises(ConfigurationError, match="has no effect: a service does not end"):
        service(timeout_minutes=5)
    assert service(runs=ALWAYS, timeout_minutes=60).is_service


def test_a_job_can_share_the_variables_of_a_service_that_listens() -> None:
    assert job(container_env_vars={"PORT": "8080"}, container_command=["gunicorn", "-b", ":8080"])


def configuration(*more: ServiceProps) -> Configuration:
    web = service(container_name="web", public=True, calls=[Call(DATABASE, 27017)])
    return check_configuration(environments(dev={}), lambda _: [web, *more])


def test_nothing_calls_a_job_and_a_job_calls_no_service() -> None:
    caller = service(container_name="api", calls=[Call("migrate", 80)])
    lonely = job(calls=[Call("web", 443)], container_env_vars={"WEB_URL": "http://web:443"})
    with pytest.raises(ConfigurationError) as refused:
        configuration(caller, lonely)
    found = "\n".join(map(str, refused.value.problems))
    assert 'ServiceProps("api").calls[0]: does not run always, so nothing can call it' in found
    assert 'ServiceProps("migrate").calls[0]: the name of a service, which only services can resolve' in found
    assert 'ServiceProps("migrate").container_env_vars["WEB_URL"]: the name of a service' in found


def test_a_job_calls_the_database() -> None:
    assert configuration(job(calls=[Call(DATABASE, 27017)]))


def test_the_stacks_of_tasks_come_before_those_of_services() -> None:
    kinds = [(each.part, each.kind) for each in stacks_of(desk(), "dev") if each.container_name]
    assert kinds == [
        *((name, StackKind.TASK) for name in ("migrate", "report", "import")),
        *((name, StackKind.SERVICE) for name in ("web", "worker")),
    ]
