"""Preconditions for loading data."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from typing import Any

import pytest

from agora_own.load_preconditions import check_preconditions
from portside.aws.target import Target
from portside.findings.check import FAIL, OK, SKIP
from portside.findings.check import check as expected
from portside.findings.finding import Finding
from tests.unit.everyday_support import ROLE, denied, place, throttled
from tests.unit.operations_support import NOON, client_error

NETWORK = {"awsvpcConfiguration": {"securityGroups": ["sg-own", "sg-callers"]}}
TOKEN = "arn:aws:secretsmanager:us-east-1:607346494281:secret:agora-synapse-auth-token-AbCdEf"
WAY, SECRET, RIGHT = 0, 1, 2


class Secrets:
    def __init__(self, found: dict[str, Any] | Exception, policy: dict[str, Any] | None = None) -> None:
        self.found, self.policy = found, policy

    def describe_secret(self, *, SecretId: str) -> dict[str, Any]:
        assert SecretId == "agora-synapse-auth-token"
        if isinstance(self.found, Exception):
            raise self.found
        return {"ARN": TOKEN, **self.found}

    def get_resource_policy(self, *, SecretId: str) -> dict[str, Any]:
        assert SecretId == TOKEN
        return {"ResourcePolicy": json.dumps(self.policy)} if self.policy else {}


class Iam:
    def __init__(self, decision: str | Exception) -> None:
        self.decision = decision

    def simulate_principal_policy(self, **request: Any) -> dict[str, Any]:
        assert request == {
            "PolicySourceArn": ROLE,
            "ActionNames": ["secretsmanager:GetSecretValue"],
            "ResourceArns": [TOKEN],
        }
        if isinstance(self.decision, Exception):
            raise self.decision
        return {"EvaluationResults": [{"EvalDecision": self.decision}]}


def _target(
    found: dict[str, Any] | Exception | None = None, decision: str | Exception = "allowed", **more: Any
) -> Target:
    given: dict[str, Any] = {"secretsmanager": Secrets(found or {}), "iam": Iam(decision)} | more
    return place(None, **given)


def _checks(target: Target, network: dict[str, Any] | None = None) -> list[Finding]:
    return list(check_preconditions(target, network or NETWORK, ROLE)[1])


def test_the_check_passes_where_the_token_exists_and_may_be_read() -> None:
    token, checks = check_preconditions(_target(), NETWORK, ROLE)
    assert token == TOKEN
    assert [check.state for check in checks] == [OK, OK, OK]


def test_a_network_that_the_database_does_not_accept_is_found_before() -> None:
    check = _checks(_target(), {"awsvpcConfiguration": {"securityGroups": ["sg-own"]}})[WAY]
    assert (check.state, check.fix) == (FAIL, "Deploy today's app.py first: ./agora deploy dev")


@pytest.mark.parametrize(
    ("found", "words", "hint"),
    [
        (client_error("ResourceNotFoundException", "can't find it"), "does not exist", "create-secret --name"),
        ({"DeletedDate": NOON}, "scheduled for deletion", "restore-secret"),
        (denied(), "not authorized", "secretsmanager:DescribeSecret"),
    ],
)
def test_a_token_that_cannot_be_had_says_what_to_do(found: dict[str, Any] | Exception, words: str, hint: str) -> None:
    check = _checks(_target(found))[SECRET]
    assert check.state == FAIL
    assert words in check.what
    assert hint in check.fix


def test_a_role_that_may_not_read_it_gets_a_command_that_lets_it() -> None:
    check = _checks(_target(decision="implicitDeny"))[RIGHT]
    assert (check.state, check.what) == (FAIL, f"{ROLE} may not read it")
    words = shlex.split(check.fix, comments=True)
    assert words[words.index("put-resource-policy") :][:3] == [
        *("put-resource-policy", "--secret-id", "agora-synapse-auth-token")
    ]
    (statement,) = json.loads(words[words.index("--resource-policy") + 1])["Statement"]
    assert statement["Principal"] == {"AWS": ROLE}
    assert statement["Resource"].startswith("arn:aws:secretsmanager:")


def test_the_policy_of_the_secret_counts_too() -> None:
    statement = {"Effect": "Allow", "Principal": {"AWS": [ROLE]}, "Action": "secretsmanager:GetSecretValue"}
    target = _target(decision="implicitDeny", secretsmanager=Secrets({}, {"Statement": statement}))
    assert _checks(target)[RIGHT].state == OK


@pytest.mark.parametrize("error", [denied(), throttled()])
def test_a_right_that_cannot_be_determined_is_skipped(error: Exception) -> None:
    check = _checks(_target(decision=error))[RIGHT]
    assert check.state == SKIP
    assert str(error) in check.what


def test_a_rehearsal_checks_no_rights() -> None:
    target = replace(_target(decision="implicitDeny"), is_local=True)
    assert _checks(target)[RIGHT] == expected(
        "right to read agora-synapse-auth-token", SKIP, "a rehearsal checks no rights"
    )
