"""The assumed usage of an environment, which `costs` uses."""

from __future__ import annotations

from typing import Any

import pytest

from portside.config.cost_assumptions import ASSUMPTIONS, with_defaults
from tests.unit.configuration_support import check_configuration, environment_problems, environments, one_service


def test_an_environment_changes_some_assumptions_and_has_the_defaults_of_the_others() -> None:
    configuration = check_configuration(environments(dev={"COST_ASSUMPTIONS": {"nat_gb": 60}}), one_service)
    assumed = with_defaults(configuration.environment("dev").cost_assumptions)
    assert assumed == {key: each.default for key, each in ASSUMPTIONS.items()} | {"nat_gb": 60}


@pytest.mark.parametrize(
    ("written", "mistake"),
    [
        (20, '["COST_ASSUMPTIONS"]: not a mapping'),
        ({"nat_bg": 20}, '["COST_ASSUMPTIONS"]["nat_bg"]: unknown key'),
        ({"nat_gb": "20"}, '["COST_ASSUMPTIONS"]["nat_gb"]: not a number'),
        ({"nat_gb": True}, '["COST_ASSUMPTIONS"]["nat_gb"]: not a number'),
        ({"nat_gb": -1}, '["COST_ASSUMPTIONS"]["nat_gb"]: not from 0 to 1,000,000,000'),
        ({"nat_gb": float("nan")}, '["COST_ASSUMPTIONS"]["nat_gb"]: not from 0 to'),
        ({"scaled_up": 1.5}, '["COST_ASSUMPTIONS"]["scaled_up"]: not from 0 to 1,'),
    ],
)
def test_a_mistake_is_reported_at_its_key(written: Any, mistake: str) -> None:
    [found] = environment_problems(COST_ASSUMPTIONS=written)
    assert mistake in str(found)
