"""The plan that `destroy` prints."""

from __future__ import annotations

from dataclasses import replace

import pytest

from portside.cli.destroy import show_plan
from portside.config.stacks import service_stack
from portside.deploy.destroy import DestructionPlan
from tests.apps import agora
from tests.unit.operations_support import target

PLACE = target({})
(PROPS, *_) = agora().services_of("dev")


def shown(capsys: pytest.CaptureFixture[str], count: int) -> list[str]:
    services = [replace(PROPS, container_name=f"agora-s{number}") for number in range(count)]
    stacks = [service_stack(PLACE.environment, each.container_name).name for each in services]
    going = ("agora-dev-monitoring", *stacks, "agora-dev-network")
    show_plan(PLACE, DestructionPlan(going=going, staying={}), (), services)
    return capsys.readouterr().err.splitlines()


def test_many_stacks_of_services_are_counted_and_all_others_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, 20) == [
        "  delete  20 stacks of services: agora-dev-s0, agora-dev-s1, agora-dev-s2, 17 more",
        "  delete  agora-dev-monitoring",
        "  delete  agora-dev-network",
    ]


def test_few_are_all_named(capsys: pytest.CaptureFixture[str]) -> None:
    names = ("monitoring", "s0", "s1", "network")
    assert shown(capsys, 2) == [f"  delete  agora-dev-{name}" for name in names]
