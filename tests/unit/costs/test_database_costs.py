"""The costs of databases, by the templates of each kind."""

from __future__ import annotations

from typing import Any

import pytest

from portside.config.database_kinds import DATABASE_KINDS, DatabaseKind
from portside.costs.estimate import Costs, environment_costs
from tests.unit.operations_support import resource
from tests.unit.stacks.test_rds_stack import database

KINDS = list(DATABASE_KINDS.values())


def costs(kind: DatabaseKind, **changes: Any) -> Costs:
    return environment_costs([database(kind, **changes)], {})


def instances(found: Costs, kind: DatabaseKind) -> float:
    return found.line(f"{kind.title} {kind.instance_class}").least


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_kind_has_prices_for_its_instances_and_its_usage(kind: DatabaseKind) -> None:
    one, two = costs(kind), costs(kind, DATABASE_INSTANCES=2)
    assert one.unpriced == two.unpriced == ()
    assert (instances(one, kind), instances(two, kind)) == (1, 2)
    assert one.line(f"{kind.title}, backups").expected == 5
    assert (one.line(f"{kind.title}, storage").least > 0) == (kind.storage_gib is not None)
    assert (one.line(f"{kind.title}, I/O").expected > 0) == kind.is_cluster


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.capacity], ids=lambda kind: kind.name)
def test_serverless_instances_cost_their_minimum_and_a_part_of_their_range(kind: DatabaseKind) -> None:
    line = costs(kind, DATABASE_CAPACITY={"min": 1.5, "max": 4}).line(f"{kind.title}, capacity unit")
    assert [line.least, line.expected] == pytest.approx([1.5, 1.75])


def test_an_engine_and_a_class_without_a_price_are_named() -> None:
    oracle = resource("AWS::RDS::DBInstance", Engine="oracle-ee", DBInstanceClass="db.r5.large")
    large = resource("AWS::DocDB::DBInstance", DBInstanceClass="db.r5.24xlarge")
    found = environment_costs([{"Resources": {"Oracle": oracle, "Large": large}}], {})
    assert found.unpriced == ("AWS::RDS::DBInstance oracle-ee r5.large", "DocumentDB r5.24xlarge")
    assert found.dollars == 0
