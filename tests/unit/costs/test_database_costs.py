"""The costs of databases, by the configuration and by the templates."""

from __future__ import annotations

from typing import Any

import pytest

from portside.config.database_kinds import DATABASE_KINDS, DatabaseKind
from portside.config.environment import Environment
from portside.costs.database_costs import alarmed_metrics, of_template, standing, usage
from portside.costs.estimate import PRICES
from tests.unit.configuration_support import OMITTED, check_configuration, environments, one_service
from tests.unit.stacks.test_rds_stack import database

KINDS = list(DATABASE_KINDS.values())


def parsed(**changes: Any) -> Environment:
    return check_configuration(environments(dev=changes), one_service).environment("dev")


def test_an_environment_without_a_database_pays_nothing_for_one() -> None:
    environment = parsed(DATABASE_KIND=OMITTED)
    assert (standing(environment), usage(environment), alarmed_metrics(environment)) == ([], [], 0)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_kind_has_prices_for_its_defaults_and_its_usage(kind: DatabaseKind) -> None:
    environment = parsed(DATABASE_KIND=kind.name)
    assert {name for name, _ in [*standing(environment), *usage(environment)]} <= set(PRICES)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("instances", [1, 2])
def test_the_costs_of_the_configuration_are_those_of_its_template(kind: DatabaseKind, instances: int) -> None:
    environment = parsed(DATABASE_KIND=kind.name, DATABASE_INSTANCES=instances)
    found: dict[str, float] = {}
    for name, quantity in of_template(database(kind, DATABASE_INSTANCES=instances)["Resources"]):
        found[name] = found.get(name, 0) + quantity
    assert found == dict(standing(environment))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.capacity], ids=lambda kind: kind.name)
def test_serverless_instances_cost_their_minimum(kind: DatabaseKind) -> None:
    changes = {"DATABASE_CAPACITY": {"min": 1.5, "max": 4}}
    expected = [(f"{kind.title}, capacity unit", 1.5)]
    assert standing(parsed(DATABASE_KIND=kind.name, **changes)) == expected
    assert list(of_template(database(kind, **changes)["Resources"])) == expected
    assert expected[0][0] in PRICES
