"""A service that calls more services than a task can have security groups for."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any

import pytest

from portside.config.deferred_values import DatabaseHost
from portside.config.environment import Environment
from portside.config.service_props import DATABASE, Call, ServiceProps
from tests.unit.configuration_support import check_configuration, environments, service
from tests.unit.stacks_support import Json, of_type, properties, read_templates, references, shared_synthesis

DATABASE_CALL = Call(DATABASE, 27017)
NUMBERS = (1, 2, 3, 4, 5, 6, 9)


def _services(calls: int, *, database: bool) -> Callable[[Environment], list[ServiceProps]]:
    def services(_: Environment) -> list[ServiceProps]:
        callees = [service(container_name=f"callee-{number}", container_port=8000) for number in range(9)]
        called = [Call(f"callee-{number}", 8000) for number in range(calls)]
        extra: dict[str, Any] = {"container_env_vars": {"DB": DatabaseHost()}} if database else {}
        called += [DATABASE_CALL] if database else []
        return [*callees, service(container_name="web", public=True, calls=called, **extra)]

    return services


@functools.cache
def _templates(calls: int, database: bool = False) -> dict[str, Json]:
    configuration = check_configuration(environments(dev={}), _services(calls, database=database))
    return read_templates(shared_synthesis(configuration, "dev"))


def _carried(templates: dict[str, Json]) -> list[str]:
    found = properties(templates["agora-dev-web"], "AWS::ECS::Service")["NetworkConfiguration"]["AwsvpcConfiguration"]
    return [json.dumps(each, sort_keys=True) for each in found["SecurityGroups"]]


def _allowed(templates: dict[str, Json], number: int) -> set[str]:
    rules = of_type(templates[f"agora-dev-callee-{number}"], "AWS::EC2::SecurityGroupIngress").values()
    return {json.dumps(rule["Properties"]["SourceSecurityGroupId"], sort_keys=True) for rule in rules}


@pytest.mark.parametrize("calls", NUMBERS)
@pytest.mark.parametrize("database", [False, True])
def test_every_callee_lets_its_caller_in_by_at_most_five_groups(calls: int, database: bool) -> None:
    templates = _templates(calls, database)
    carried = _carried(templates)
    assert len(carried) <= 5
    for number in range(9):
        assert bool(_allowed(templates, number) & set(carried)) == (number < calls)
    if database:
        assert "docdb" in str(carried)


@pytest.mark.parametrize("calls", NUMBERS)
def test_no_services_stack_reads_anothers(calls: int) -> None:
    for name, template in _templates(calls).items():
        if name.startswith("agora-dev-callee"):
            assert not {read for read in references(template) if "callee" in read or read == "agora-dev-web"}


@pytest.mark.parametrize(("before", "after"), [(3, 4), (4, 5), (5, 4), (5, 6), (6, 9), (9, 5), (4, 3)])
@pytest.mark.parametrize("database", [False, True])
def test_another_call_interrupts_none_whichever_stack_is_updated_first(before: int, after: int, database: bool) -> None:
    old, new = _templates(before, database), _templates(after, database)
    for number in range(min(before, after)):
        assert _allowed(old, number) & set(_carried(new)), "new tasks start while the callee is as before"
        assert _allowed(new, number) & set(_carried(old)), "the callee is updated while old tasks run"
    removed = set(old["agora-dev-ecs"]["Resources"]) - set(new["agora-dev-ecs"]["Resources"])
    assert after < before or not removed
