"""AWS Solutions, cdk-nag's rules of good practice: nothing found that no one has thought about."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2

from tests.audits.assemblies import AUDITED, Audited, audit, audited, new_app
from tests.audits.reports import report_file
from tests.unit.invariants import Acknowledgment, is_reason, unsound_acknowledgments
from tests.unit.stacks_support import SERVICES, environment

MOST_OF_A_SERVICE = 4
MOST_OTHERS = 12
REASON = "the public entry point, behind a firewall"

every_audit = pytest.mark.parametrize(("name", "step"), AUDITED)


@pytest.mark.slow
@every_audit
def test_cdk_nag_finds_only_acknowledged_rules(name: str, step: str) -> None:
    found = audited(name, step)
    report_file(f"cdk-nag-{name}-{step}.json").write_text(json.dumps(found.report, indent=2))
    with report_file(f"cdk-nag-{name}-{step}.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["rule", "resource", "acknowledged at", "reason"])
        rows.writerows([rule, resource, "", ""] for rule, resource in found.unsuppressed)
        reasons = {(each.at, each.id): each.reason for each in found.acknowledgments}
        rows.writerows(
            [rule, resource, at, reasons[at, rule]]
            for (at, rule), resources in found.acknowledged.items()
            for resource in resources
        )
    assert found.unsuppressed == []


@pytest.mark.slow
@every_audit
def test_each_acknowledgment_is_on_a_resource_has_a_reason_and_is_still_needed(name: str, step: str) -> None:
    found = audited(name, step)
    assert unsound_acknowledgments(found.acknowledgments, found.acknowledged) == []


@pytest.mark.slow
@every_audit
def test_acknowledgments_are_few(name: str, step: str) -> None:
    made = Counter(each.at.partition("/")[0] for each in audited(name, step).acknowledgments)
    services = {environment(name).stack_name(part): made[environment(name).stack_name(part)] for part in SERVICES}
    neighbours = made.total() - sum(services.values()) - made[environment(name).stack_name("bastion")]
    assert {stack: count for stack, count in services.items() if count > MOST_OF_A_SERVICE} == {}
    assert neighbours <= MOST_OTHERS


def opened(folder: Path, *acknowledgments: tuple[str, str], on_stack: bool = False) -> Audited:
    """An app with one port open to the internet, audited."""
    app = new_app(folder)
    stack = cdk.Stack(app, "stack")
    group = ec2.CfnSecurityGroup(
        stack,
        "Door",
        group_description="open",
        security_group_ingress=[
            {"ipProtocol": "tcp", "fromPort": 443, "toPort": 443, "cidrIp": "0.0.0.0/0", "description": "anyone"}
        ],
    )
    for rule, reason in acknowledgments:
        target = cdk.Validations.of(stack if on_stack else group)
        target.acknowledge(cdk.Acknowledgment(id=rule, reason=reason))
    return audit(app, folder)


def test_an_open_port_is_found(tmp_path: Path) -> None:
    assert ("AwsSolutions-EC23", "stack/Door") in opened(tmp_path).unsuppressed


def test_an_acknowledgment_with_a_reason_on_the_resource_is_taken(tmp_path: Path) -> None:
    found = opened(tmp_path, ("AwsSolutions::AwsSolutions-EC23", REASON))
    assert found.unsuppressed == []
    assert unsound_acknowledgments(found.acknowledgments, found.acknowledged) == []


@pytest.mark.parametrize("reason", ["", "accepted", "false positive", "This is a false positive"])
def test_an_acknowledgment_without_a_reason_is_refused(tmp_path: Path, reason: str) -> None:
    found = opened(tmp_path, ("AwsSolutions::AwsSolutions-EC23", reason))
    [refusal] = unsound_acknowledgments(found.acknowledgments, found.acknowledged)
    assert "no reason" in refusal


def test_an_acknowledgment_on_a_whole_stack_is_refused(tmp_path: Path) -> None:
    found = opened(tmp_path, ("AwsSolutions::AwsSolutions-EC23", REASON), on_stack=True)
    [refusal] = unsound_acknowledgments(found.acknowledgments, found.acknowledged)
    assert "on a whole stack" in refusal


def test_an_acknowledgment_that_would_leave_no_record_is_refused(tmp_path: Path) -> None:
    found = opened(tmp_path, ("AwsSolutions-EC23", REASON))
    assert found.acknowledged == {}
    refusals = unsound_acknowledgments(found.acknowledgments, found.acknowledged)
    assert any("there is no record" in each for each in refusals)


def test_an_acknowledgment_of_what_is_not_found_is_refused(tmp_path: Path) -> None:
    found = opened(
        tmp_path, ("AwsSolutions::AwsSolutions-EC23", REASON), ("AwsSolutions::AwsSolutions-EC27", f"{REASON} too")
    )
    [refusal] = unsound_acknowledgments(found.acknowledgments, found.acknowledged)
    assert "EC27: nothing is found there any more" in refusal


def test_one_text_for_different_rules_is_refused() -> None:
    made = [
        Acknowledgment("stack/Door", "AwsSolutions::AwsSolutions-EC23", REASON),
        Acknowledgment("stack/Role", "AwsSolutions::AwsSolutions-IAM5[Resource::*]", REASON),
    ]
    [refusal] = unsound_acknowledgments(made, {(each.at, each.id): ["stack/One"] for each in made})
    assert "one text for different rules" in refusal


def test_an_acknowledgment_that_covers_several_resources_is_refused() -> None:
    made = [Acknowledgment("stack/Part", "AwsSolutions::AwsSolutions-EC23", REASON)]
    [refusal] = unsound_acknowledgments(made, {(made[0].at, made[0].id): ["stack/Part/A", "stack/Part/B"]})
    assert "covers 2 resources" in refusal


def test_a_reason_says_more_than_that_a_finding_is_false() -> None:
    assert is_reason(REASON)
    assert not is_reason("it is a false positive here")
