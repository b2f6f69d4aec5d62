"""Executing a command in a container."""

from __future__ import annotations

from typing import Any

import pytest

from portside.deploy.execute import Container, Execution, choose_container, open_session, quick_end_hint
from portside.errors import UsageError, UserError
from tests.unit.everyday_support import CLUSTER, Ecs, container, denied, place, props, service, task
from tests.unit.operations_support import client_error


def _choose(*tasks: dict[str, Any], of: dict[str, Any] | None = None, wanted: str = "", **changes: Any) -> Container:
    target = place(Ecs(of or service(), tasks))
    return choose_container(target, props(**changes), wanted)


def _refusal(*tasks: dict[str, Any], **more: Any) -> str:
    with pytest.raises(UserError) as refused:
        _choose(*tasks, **more)
    return str(refused.value)


def test_the_newest_healthy_task_is_chosen() -> None:
    sick = task("sick", 9, healthStatus="UNHEALTHY")
    starting = task("starting", 12, lastStatus="PENDING")
    unchecked = task("unchecked", 7, healthStatus="UNKNOWN")
    assert _choose(task("old", 1), sick, unchecked, starting).task == "unchecked"
    assert _choose(sick).task == "sick", "better than none"


def test_systems_manager_knows_the_container_by_cluster_task_and_runtime_id() -> None:
    assert _choose(task("t1")).target == f"ecs:{CLUSTER}_t1_r-1"


def test_a_task_may_be_named_by_the_beginning_of_its_id() -> None:
    tasks = [task("aaa1"), task("aab2", 5)]
    assert _choose(*tasks, wanted="aaa").task == "aaa1"
    for expected, why in (("aa", "several tasks begin so"), ("zz", "no such task runs")):
        with pytest.raises(UsageError, match=why) as refused:
            _choose(*tasks, wanted=expected)
        assert refused.value.hint == "agora-api runs: aaa1, aab2."


def test_without_a_running_task_it_says_whether_any_is_coming() -> None:
    assert "agora-api has no running task\n" in _refusal()
    assert "no running task: 1 is starting" in _refusal(task("a", lastStatus="PROVISIONING"))
    assert "./agora status dev" in _refusal()


def test_exec_that_is_off_names_the_field_of_the_configuration() -> None:
    off = service(enableExecuteCommand=False)
    assert 'ENVIRONMENTS["dev"]["ECS_EXEC"] to True' in _refusal(task("a"), of=off)
    assert 'set ecs_exec=True in ServiceProps("agora-api")' in _refusal(task("a"), of=off, ecs_exec=False)


def test_a_task_from_before_exec_was_on_has_to_be_replaced() -> None:
    said = _refusal(task("a", enableExecuteCommand=False))
    assert "started before ECS exec was on" in said
    assert "./agora redeploy dev agora-api" in said


@pytest.mark.parametrize(
    ("status", "words"), [("STOPPED", "does not run (stopped): no ssm"), ("PENDING", "is still starting: no ssm")]
)
def test_an_agent_that_does_not_run_is_reported_with_its_reason(status: str, words: str) -> None:
    agent = {"name": "ExecuteCommandAgent", "lastStatus": status, "reason": "no ssm"}
    assert words in _refusal(task("a", containers=[container(managedAgents=[agent])]))


def test_a_container_without_a_runtime_id_does_not_run_yet() -> None:
    assert "does not run yet" in _refusal(task("a", containers=[container(runtimeId=None)]))


EXECUTION = Execution(Container(CLUSTER, "t1", "agora-api", "r-1"), ("ls", "-l", "a b"))


def test_the_command_is_quoted_for_the_container() -> None:
    ecs = Ecs(service())
    session = open_session(place(ecs), EXECUTION)
    ((_, request),) = ecs.asked
    assert request["command"] == "ls -l 'a b'"
    assert request["interactive"] is True
    assert session.request == {"Target": f"ecs:{CLUSTER}_t1_r-1"}
    assert session.id == "s-1"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (denied(), "need ecs:ExecuteCommand"),
        (client_error("TargetNotConnectedException", "internal error"), "the exec agent in task t1 is not connected"),
        (
            client_error("InvalidParameterException", "because execute command was not enabled when the task was run"),
            "started before ECS exec was on",
        ),
        (client_error("ClientException", "who knows"), "ECS does not execute the command"),
    ],
)
def test_a_refusal_says_what_is_missing(error: Exception, words: str) -> None:
    with pytest.raises(UserError) as refused:
        open_session(place(Ecs(service(), refusals=[error])), EXECUTION)
    assert words in str(refused.value)


def test_a_session_that_ends_at_once_may_mean_an_image_without_a_shell() -> None:
    shell = Execution(EXECUTION.container, ("/bin/sh",))
    assert "If it said that /bin/sh does not exist" in quick_end_hint(shell, 0, 1)
    assert quick_end_hint(shell, 0, 60) == ""
    assert quick_end_hint(EXECUTION, 0, 1) == "", "a command may be quick"
    assert "If it said that ls does not exist" in quick_end_hint(EXECUTION, 1, 1)
