"""Lifecycle policies of ECR that could delete what runs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from portside.findings.check import FAIL, OK, SKIP
from portside.findings.codes import Severity
from portside.findings.finding import Finding
from portside.preflight import lifecycle
from tests.unit.operations_support import client_error
from tests.unit.verification_support import ACCOUNT, FakeClient, by_subject, configuration_with, context

HERE = f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/team/app:1.2.0"
THERE = "999988887777.dkr.ecr.us-east-1.amazonaws.com/team/app:1.2.0"
SUBJECT = "lifecycle policy: team/app"


def selecting(status: str, **more: Any) -> dict[str, Any]:
    rule = {"rulePriority": 7, "selection": {"tagStatus": status, **more}, "action": {"type": "expire"}}
    return {"lifecyclePolicyText": json.dumps({"rules": [rule]})}


def checks(
    answer: Any, location: str = HERE, *, environment: str = "stage", is_local: bool = False
) -> dict[str, Finding]:
    configuration = configuration_with({"public": True, "container_location": location})
    ecr = FakeClient(get_lifecycle_policy=answer)
    about = context({"ecr": ecr}, configuration=configuration, environment=environment, is_local=is_local)
    return by_subject(lifecycle.questions(about), about)


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (selecting("untagged"), OK),
        (selecting("tagged", tagPrefixList=["pr-"]), OK),
        (selecting("tagged", tagPatternList=["*-rc*"]), OK),
        (selecting("any"), FAIL),
        (selecting("tagged", tagPrefixList=["pr-", "1."]), FAIL),
        (selecting("tagged", tagPatternList=["1.*.0"]), FAIL),
        (client_error("LifecyclePolicyNotFoundException", "no"), OK),
        (client_error("AccessDeniedException", "no", "GetLifecyclePolicy"), SKIP),
    ],
)
def test_a_policy_that_expires_the_tag_that_runs_is_reported(answer: Any, state: str) -> None:
    assert checks(answer)[SUBJECT].state == state


def test_it_is_a_warning_which_names_the_rule() -> None:
    found = checks(selecting("any"))[SUBJECT]
    assert (found.severity, found.what.startswith("rule 7 ")) == (Severity.WARNING, True)


def test_another_account_is_not_asked() -> None:
    assert checks(None, THERE)[SUBJECT].state == SKIP


def test_development_and_rehearsals_are_not_checked() -> None:
    assert checks(None, environment="dev") == checks(None, is_local=True) == checks(None, "ghcr.io/o/app:1.2.0") == {}
