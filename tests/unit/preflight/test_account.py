"""Verifying the account: credentials, region, and what the CDK needs there."""

from __future__ import annotations

from pathlib import Path

import pytest

from portside.findings.check import FAIL, OK, SKIP, check
from portside.findings.finding import Finding
from portside.preflight import account
from tests.unit.operations_support import FakeParameters, stack
from tests.unit.verification_support import ACCOUNT, FakeClient, by_subject, context

PARAMETER = "/cdk-bootstrap/hnb659fds/version"


def identity(number: str) -> FakeClient:
    arn = f"arn:aws:sts::{number}:assumed-role/Developer/jane"
    return FakeClient(get_caller_identity={"Account": number, "Arn": arn})


def regions(opted: str) -> FakeClient:
    return FakeClient(describe_regions={"Regions": [{"RegionName": "us-east-1", "OptInStatus": opted}]})


def found(subject: str, *, number: str = ACCOUNT, opted: str = "opt-in-not-required", version: str = "30") -> Finding:
    clients = {"sts": identity(number), "ec2": regions(opted), "ssm": FakeParameters({PARAMETER: version})}
    return by_subject([each for each in account.questions() if each.subject == subject], context(clients))[subject]


def test_a_configuration_that_could_be_read_is_valid() -> None:
    assert found("form") == check("form", OK, "app.py is valid: dev, stage, prod, with 1 services")


def test_credentials_for_the_environments_account_are_reported_with_their_owner() -> None:
    assert found("credentials").state == OK
    assert "assumed-role/Developer/jane" in found("credentials").what


def test_credentials_for_another_account_fail() -> None:
    check = found("credentials", number="111122223333")
    assert check.state == FAIL
    assert "111122223333" in check.what
    assert "AWS_PROFILE" in check.fix


@pytest.mark.parametrize(("opted", "state"), [("opt-in-not-required", OK), ("opted-in", OK), ("not-opted-in", FAIL)])
def test_a_region_that_is_not_switched_on_fails(opted: str, state: str) -> None:
    assert found("region", opted=opted).state == state


@pytest.mark.parametrize(("version", "state"), [("6", OK), ("30", OK), ("5", FAIL), ("six", SKIP)])
def test_a_bootstrap_that_is_too_old_fails(version: str, state: str) -> None:
    assert found("CDK bootstrap", version=version).state == state


def test_what_the_templates_want_of_the_bootstrap_counts(tmp_path: Path) -> None:
    template = {
        "Parameters": {"BootstrapVersion": {"Default": "/cdk-bootstrap/ours/version"}},
        "Rules": {"Finding": {"Assertions": [{"AssertDescription": "CDK bootstrap stack version 40 required. Run"}]}},
        "Resources": {},
    }
    ssm = FakeParameters({"/cdk-bootstrap/ours/version": "39"})
    check = account.bootstrap(context({"ssm": ssm}, new=[stack("agora-dev-app", template, tmp_path)]))
    assert (check.state, check.what) == (FAIL, "version 39, but the templates require 40")
    assert check.fix == f"Bootstrap it: cdk bootstrap aws://{ACCOUNT}/us-east-1"


def test_an_account_without_bootstrap_fails_and_a_rehearsal_makes_it_itself() -> None:
    assert account.bootstrap(context()).state == FAIL
    assert account.bootstrap(context(is_local=True)).state == SKIP
