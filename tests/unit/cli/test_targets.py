"""Options that the commands share."""

from __future__ import annotations

import pytest

from portside.cli.targets import ReachableTargets
from portside.errors import UsageError
from tests.apps import agora
from tests.unit.operations_support import target

CONFIGURATION = agora()
REFUSED = UsageError("no usable AWS credentials: none")


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The environments that are not reached."""
    names = set[str]()

    def reach(environment: object) -> object:
        if getattr(environment, "name", "") in names:
            raise REFUSED
        return target({})

    monkeypatch.setattr("portside.aws.target.aws_target", reach)
    return names


def test_where_one_of_several_environments_is_reached_there_is_something_to_say(refused: set[str]) -> None:
    refused |= {"stage"}
    targets = ReachableTargets(CONFIGURATION, local=False)
    with pytest.raises(UsageError):
        targets("stage")
    targets("dev")
    targets.expect_one()
    assert targets.error_json() == {}


def test_where_none_is_reached_the_refusal_stops_the_command(refused: set[str]) -> None:
    refused |= {"dev", "stage"}
    targets = ReachableTargets(CONFIGURATION, local=False)
    for name in ("dev", "stage"):
        with pytest.raises(UsageError):
            targets(name)
    with pytest.raises(UsageError) as raised:
        targets.expect_one()
    assert raised.value is REFUSED
    assert targets.error_json() == {"error": REFUSED.as_error()}
