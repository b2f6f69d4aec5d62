"""Failures in the messages of AWS, read through real clients and the real reader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.wordings import main, stopped_task, verdict_on
from portside.findings.diagnose import diagnose
from tests.answering_aws import AnsweringAws
from tests.apps import agora
from tests.aws_account import deployed

CASES: tuple[dict[str, Any], ...] = (
    {"where": "stopped", "wording": 'CannotPullContainerError: "x/app:1": not found', "service": "agora-app"},
    {"where": "exited", "log": ["Error: boom"], "exit_code": 1, "service": "agora-app"},
    {
        "where": "event",
        "wording": "was unable to place a task. Reason: Capacity is unavailable",
        "service": "agora-app",
    },
    {"where": "target", "wording": "Request timed out", "reason": "Target.Timeout", "service": "agora-apex"},
    {"where": "stack", "wording": "x already exists", "rtype": "AWS::EC2::EIP", "service": "agora-app"},
    {"where": "state", "status": "UPDATE_ROLLBACK_FAILED", "service": "agora-app"},
)
CODES = ("IMAGE_MISSING", "CRASH_AT_START", "NO_CAPACITY", "TARGET_TIMEOUT", "ALREADY_EXISTS", "STACK_STUCK")


def test_nothing_is_wrong_where_nothing_failed() -> None:
    aws = AnsweringAws(deployed())

    assert [verdict.code for verdict in diagnose(aws.target(), agora()).verdicts] == ["NOTHING"]


@pytest.mark.parametrize(("case", "code"), list(zip(CASES, CODES, strict=True)), ids=[each["where"] for each in CASES])
def test_what_failed_is_found_in_what_it_left(case: dict[str, Any], code: str) -> None:
    configuration = agora()

    # Before a rollback: what is only in an event counts until the service is stable again.
    account = stopped_task({"id": "a"} | case, configuration, running=case["where"] == "event")

    said = verdict_on("a", AnsweringAws(account), configuration)

    assert (said["code"], said["subject"], said["nothing_wrong"]) == (code, case["service"], False)


@pytest.mark.parametrize("case", CASES[:2], ids=["stopped", "exited"])
def test_a_task_that_failed_is_found_while_the_deployment_continues(case: dict[str, Any]) -> None:
    configuration = agora()

    account = stopped_task({"id": "a"} | case, configuration, running=True)

    assert verdict_on("a", AnsweringAws(account), configuration)["code"] == CODES[CASES.index(case)]
    assert account.stack_of("agora-app")["StackStatus"] == "UPDATE_IN_PROGRESS"


def test_reasons_are_cut_as_ecs_cuts_them() -> None:
    case = {"id": "a", "where": "stopped", "wording": "x" * 300, "service": "agora-app"}

    account = stopped_task(case, agora(), cut=True)

    assert {len(each["stoppedReason"]) for each in account.tasks if "stoppedReason" in each} == {255}


def test_a_line_is_printed_for_each_case(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "cases.jsonl"
    file.write_text("".join(json.dumps(each | {"id": str(number)}) + "\n" for number, each in enumerate(CASES[:2])))

    main([str(file), "--cut"])

    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["id"] for each in printed] == ["0", "1"]
    assert set(printed[0]) == {"id", "code", "subject", "sentence", "evidence", "look", "fix", "nothing_wrong"}


def test_a_case_of_a_kind_that_is_not_known_is_refused() -> None:
    with pytest.raises(ValueError, match="where must be"):
        stopped_task({"id": "a", "where": "elsewhere"}, agora())


def test_what_aws_could_not_answer_is_not_answered() -> None:
    account = deployed()
    account.services["agora-app"]["mood"] = "good"

    with pytest.raises(AssertionError, match="has no mood"):
        AnsweringAws(account).client("ecs").describe_services(
            cluster="x", services=[account.services["agora-app"]["serviceArn"]]
        )


def test_an_operation_that_is_refused_is_refused_with_aws_s_error() -> None:
    from botocore.exceptions import ClientError

    account = deployed()
    account.refused["ecs.ListTasks"] = ("AccessDeniedException", "not authorized")
    aws = AnsweringAws(account)

    with pytest.raises(ClientError, match="AccessDeniedException"):
        aws.client("ecs").list_tasks(cluster="x")

    assert aws.calls == ["ecs.ListTasks"]
