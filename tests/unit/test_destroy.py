"""Taking an environment down, short of the CDK."""

from __future__ import annotations

from pathlib import Path

import pytest

from operations import cdk_cli, destroy
from operations.assembly import Stack
from src.errors import UsageError
from tests.unit.operations_support import FakeCloudFormation, resource, stack, target

PARTS = ("network", "docdb-v8", "ecs", "load-balancer", "api", "app", "apex")


@pytest.fixture
def synthesized(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """Synthesis gives seven stacks of whatever environment; the contexts it was asked with are noted."""
    contexts: list[dict[str, str]] = []

    def synthesize(place: object, context: dict[str, str], *_: object, **__: object) -> tuple[Stack, ...]:
        contexts.append(context)
        name = place.environment.name  # type: ignore[attr-defined]
        return tuple(stack(f"agora-{name}-{part}", {"Resources": {"X": resource()}}, tmp_path) for part in PARTS)

    monkeypatch.setattr(cdk_cli, "synthesize", synthesize)
    return contexts


def _deployed(environment: str, *more: str) -> FakeCloudFormation:
    held = [{"ResourceType": "AWS::EC2::VPC", "PhysicalResourceId": "vpc-1", "ResourceStatus": "CREATE_COMPLETE"}]
    return FakeCloudFormation({f"agora-{environment}-{part}": {"resources": held} for part in (*PARTS, *more)})


@pytest.mark.usefixtures("synthesized")
def test_the_database_and_its_network_stay_with_all_that_is_in_them() -> None:
    place = target({"cloudformation": _deployed("dev")})
    _, planned = destroy.plan(place, with_data=False)
    assert planned.going == tuple(f"agora-dev-{part}" for part in ("apex", "app", "api", "load-balancer", "ecs"))
    assert planned.staying == {
        "agora-dev-network": ("AWS::EC2::VPC vpc-1",),
        "agora-dev-docdb-v8": ("AWS::EC2::VPC vpc-1",),
    }


def test_with_data_everything_goes_those_that_others_depend_on_last(synthesized: list[dict[str, str]]) -> None:
    place = target({"cloudformation": _deployed("dev")})
    _, planned = destroy.plan(place, with_data=True)
    assert planned.going == tuple(f"agora-dev-{part}" for part in reversed(PARTS))
    assert planned.staying == {}
    assert synthesized == [{"agora:destroying": "true", "agora:with-data": "true"}]


def test_what_is_not_deployed_neither_goes_nor_stays(synthesized: list[dict[str, str]]) -> None:
    _, planned = destroy.plan(target({"cloudformation": FakeCloudFormation()}), with_data=False)
    assert (planned.going, planned.staying) == ((), {})
    assert synthesized == [{"agora:destroying": "true"}]


@pytest.mark.usefixtures("synthesized")
def test_the_data_of_prod_is_refused_in_aws_and_allowed_in_a_rehearsal() -> None:
    aws = _deployed("prod")
    with pytest.raises(UsageError, match="the data of prod is not deleted"):
        destroy.plan(target({"cloudformation": aws}, environment="prod"), with_data=True)
    _, planned = destroy.plan(target({"cloudformation": aws}, environment="prod", is_local=True), with_data=True)
    assert "agora-prod-docdb-v8" in planned.going


@pytest.mark.usefixtures("synthesized")
def test_stacks_that_the_form_does_not_name_are_told_and_left_alone() -> None:
    place = target({"cloudformation": _deployed("dev", "bastion")})
    stacks, planned = destroy.plan(place, with_data=False)
    assert destroy.unknown_stacks(place, stacks) == ["agora-dev-bastion"]
    assert "agora-dev-bastion" not in planned.going
