"""Verifying what was changed by hand: which resource and where in it, and never to what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from portside.findings.check import FAIL, OK, SKIP
from portside.findings.finding import Finding
from portside.preflight import drift
from tests.unit.operations_support import FakeCloudFormation
from tests.unit.verification_support import THROTTLED, ask, context, deployed

NAME = "agora-dev-app"


class Drifting(FakeCloudFormation):
    """Compares in so many looks, and then tells one drifted resource a page."""

    def __init__(
        self, drifted: Sequence[Mapping[str, Any]], *, looks: int = 1, outcome: str = "DETECTION_COMPLETE"
    ) -> None:
        super().__init__({NAME: deployed()})
        self._drifted, self._looks, self._outcome = drifted, looks, outcome

    def detect_stack_drift(self, *, StackName: str) -> dict[str, Any]:
        assert StackName == NAME
        return {"StackDriftDetectionId": "detection"}

    def describe_stack_drift_detection_status(self, *, StackDriftDetectionId: str) -> dict[str, Any]:
        assert StackDriftDetectionId == "detection"
        self._looks -= 1
        return {"DetectionStatus": "DETECTION_IN_PROGRESS" if self._looks > 0 else self._outcome}

    def describe_stack_resource_drifts(
        self, *, StackName: str, StackResourceDriftStatusFilters: Sequence[str], NextToken: str = "0"
    ) -> dict[str, Any]:
        assert (StackName, self._looks) == (NAME, 0), "asked before it was done"
        assert set(StackResourceDriftStatusFilters) == {"MODIFIED", "DELETED"}
        page = int(NextToken)
        more = {"NextToken": str(page + 1)} if page + 1 < len(self._drifted) else {}
        return {"StackResourceDrifts": list(self._drifted[page : page + 1]), **more}


def drifted(name: str, status: str = "MODIFIED", kind: str = "AWS::EC2::SecurityGroup", **more: Any) -> dict[str, Any]:
    return {"LogicalResourceId": name, "ResourceType": kind, "StackResourceDriftStatus": status, **more}


def found(cloudformation: Any, *, is_local: bool = True) -> Finding:
    about = context({"cloudformation": cloudformation}, is_local=is_local, drift=True)
    (question,) = [each for each in drift.questions(about) if each.subject == f"drift of {NAME}"]
    (check,) = ask(question, about).checks
    return check


def test_a_stack_is_waited_for_and_is_ok_where_nothing_was_changed() -> None:
    assert found(Drifting([], looks=2)).state == OK


def test_what_was_changed_is_reported_from_all_pages_without_its_values() -> None:
    difference = {"PropertyPath": "/Tags/0", "ExpectedValue": "a", "ActualValue": "hidden-value"}
    check = found(
        Drifting(
            [
                drifted("Group", PropertyDifferences=[difference]),
                drifted("Gone", "DELETED"),
                drifted("Other", ExpectedProperties='{"A": 1}', ActualProperties='{"A": 2, "B": "hidden-value"}'),
            ]
        )
    )
    assert check.state == FAIL
    assert check.what == (
        "Group (AWS::EC2::SecurityGroup): /Tags/0; Gone (AWS::EC2::SecurityGroup) was deleted; "
        "Other (AWS::EC2::SecurityGroup): /A, /B"
    )


def test_a_comparison_that_failed_is_not_known_but_what_it_found_is_reported() -> None:
    assert found(Drifting([], outcome="DETECTION_FAILED")).state == SKIP
    assert found(Drifting([drifted("Gone", "DELETED")], outcome="DETECTION_FAILED")).state == FAIL


@pytest.mark.parametrize(("is_local", "state"), [(True, OK), (False, FAIL)])
def test_what_the_embedded_aws_misjudges_is_omitted_in_a_rehearsal_only(is_local: bool, state: str) -> None:
    secret = drifted("Password", "DELETED", "AWS::SecretsManager::Secret")
    assert found(Drifting([secret]), is_local=is_local).state == state


def test_a_stack_that_is_not_deployed_or_is_being_changed_is_not_compared() -> None:
    assert found(FakeCloudFormation()).state == SKIP
    assert found(FakeCloudFormation({NAME: deployed(status="UPDATE_IN_PROGRESS")})).state == SKIP


def test_throttled_nothing_is_known_about_drift() -> None:
    class Busy(Drifting):
        def detect_stack_drift(self, *, StackName: str) -> dict[str, Any]:
            raise THROTTLED

    assert found(Busy([])).state == SKIP
