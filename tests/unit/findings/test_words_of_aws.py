"""The messages of AWS, row by row: each row of the data files is reached by a message, and gives exactly its text and
fix.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from portside.aws.model import StackFailure
from portside.findings import stack_rules, start_rules
from portside.findings.codes import outer
from portside.findings.finding import Finding
from portside.findings.rule_context import RuleContext
from portside.findings.words import Row, first_row, rows_of
from tests.unit.diagnosis_support import evidence, service, stack, task
from tests.unit.operations_support import minutes_after_noon

Case = Mapping[str, Any]
CASES = tomllib.loads(Path(__file__).with_name("aws_wordings.toml").read_text(encoding="utf-8"))
TASKS: list[Case] = CASES["task"]
STACKS: list[Case] = CASES["stack"]
# ECS cuts a stopped reason after so many characters:
# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Task.html
LONGEST_REASON = 255
EIP, UPDATED = "AWS::EC2::EIP", "UPDATE_FAILED"


def name(case: Case) -> str:
    return f"{case['code']}: {case['words'][:30]}"


def of_a_task(words: str) -> Finding | None:
    """The verdict when a task stopped for a reason, or when an event reports it."""
    if words.startswith("(service"):
        return start_rules.start_failure(RuleContext(evidence(service()), service(), said=words))
    stopped = task(words)
    found = service("agora-app", stopped)
    return start_rules.start_failure(RuleContext(evidence(found), found, stopped))


def of_a_stack(case: Case) -> Finding | None:
    failed = StackFailure(
        "Thing",
        case.get("kind", EIP),
        case.get("status", UPDATED),
        case["words"],
        minutes_after_noon(1),
    )
    return stack_rules.failure(evidence(service()), stack("agora-dev-app", "UPDATE_ROLLBACK_COMPLETE"), failed)


def check(case: Case, found: Finding | None) -> None:
    assert found is not None
    assert found.code == case["code"]
    assert found.what == case["what"]
    assert case["fix"] in found.fix
    assert not re.search(case.get("never", r"(?!)"), found.fix)
    assert found.look
    assert any(case["words"][:100] in line for line in found.evidence), "AWS's message is shown"


@pytest.mark.parametrize("case", TASKS, ids=name)
def test_what_ecs_says_means_this_cause_and_this_fix(case: Case) -> None:
    check(case, of_a_task(case["words"]))


@pytest.mark.parametrize("case", STACKS, ids=name)
def test_what_cloudformation_says_means_this_cause_and_this_fix(case: Case) -> None:
    check(case, of_a_stack(case))


@pytest.mark.parametrize("case", TASKS, ids=name)
def test_words_that_ecs_cut_off_are_never_mistaken_for_another_cause(case: Case) -> None:
    found = of_a_task(case["words"][:LONGEST_REASON])
    assert found is None or found.outer in (outer(case["code"]), "UNKNOWN", *case.get("cut", ()))


@pytest.mark.parametrize("row", rows_of(start_rules.FILE), ids=lambda row: f"{row.group}: {row.code}")
def test_every_row_about_tasks_is_reached_by_aws_messages(row: Row) -> None:
    found = (first_row(start_rules.FILE, case["words"]) for case in TASKS)
    assert any(each is not None and each[0] is row for each in found)


@pytest.mark.parametrize("row", rows_of(stack_rules.FILE), ids=lambda row: f"{row.group}: {row.code}")
def test_every_row_about_stacks_is_reached_by_aws_messages(row: Row) -> None:
    if row.code == stack_rules.OF_ITS_TASKS:
        return
    found = (
        first_row(stack_rules.FILE, f"{case['words']}\n{case.get('status', UPDATED)}", case.get("kind", EIP))
        for case in STACKS
    )
    assert any(each is not None and each[0] is row for each in found)


@pytest.mark.parametrize(
    "words",
    [
        "Resource handler returned message: \"Error occurred during operation 'ECS Deployment Circuit Breaker was "
        "triggered'.\" (RequestToken: 1, HandlerErrorCode: GeneralServiceException)",
        'Resource handler returned message: "Exceeded attempts to wait" (HandlerErrorCode: NotStabilized)',
    ],
)
def test_a_service_whose_tasks_failed_is_left_to_what_the_tasks_say(words: str) -> None:
    assert of_a_stack({"kind": "AWS::ECS::Service", "words": words}) is None
    other = of_a_stack({"kind": "AWS::DocDB::DBInstance", "words": words})
    assert other is not None


@pytest.mark.parametrize("number", ["403", "404", "429", "500", "503"])
def test_numbers_inside_ids_are_no_status_codes(number: str) -> None:
    words = f"CannotPullContainerError: inspect image has been retried: failed to resolve ref x@sha256:{number}{number}"
    found = of_a_task(words)
    assert found is not None
    assert found.code == "UNKNOWN.PULL"
    reason = f"Something new (Service: Ecs, Status Code: 400, Request ID: {number}{number}-{number}-{number})"
    refused = of_a_stack({"words": reason})
    assert refused is not None
    assert refused.code == "REFUSED"


@pytest.mark.parametrize("file", [start_rules.FILE, stack_rules.FILE])
def test_no_row_writes_a_command_by_hand(file: str) -> None:
    written = [row.fix for row in rows_of(file) if re.search(r"\./agora|\baws [a-z]", row.fix)]
    assert written == []


@pytest.mark.parametrize("file", [start_rules.FILE, stack_rules.FILE])
def test_every_command_of_a_file_is_named_by_a_row(file: str) -> None:
    texts = " ".join(f"{row.look} {row.fix}" for row in rows_of(file))
    assert [name for name in rows_of(file)[0].commands if f"{{{name}}}" not in texts] == []
