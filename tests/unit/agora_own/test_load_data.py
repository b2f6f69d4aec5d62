"""Loading data by a task that runs once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from agora_own import load_data
from agora_own.load_data import LoadPlan
from agora_own.loader_image import loader_image
from portside.aws.target import Target
from portside.errors import UsageError, UserError
from portside.findings.check import FAIL, check
from portside.records.environment_lock import parameter_name as lock_name
from portside.records.origin import Origin
from tests.apps import agora
from tests.unit.configuration_support import named
from tests.unit.everyday_support import (
    CLUSTER,
    DEFINITION_ARN,
    ROLE,
    STABLE,
    Logs,
    RollingEcs,
    event,
    place,
    props,
    throttled,
)
from tests.unit.operations_support import FakeParameters, client_error, resolved

ORIGIN = Origin("jane", None)
IMAGE = resolved("agora-data", "4.2.0")
SERVICES = agora().services_of("dev")
TOKEN = "arn:aws:secretsmanager:us-east-1:607346494281:secret:agora-synapse-auth-token-AbCdEf"


class Secrets:
    def describe_secret(self, *, SecretId: str) -> dict[str, Any]:
        return {"ARN": TOKEN, "Name": SecretId}

    def get_resource_policy(self, *, SecretId: str) -> dict[str, Any]:
        statement = {"Effect": "Allow", "Principal": {"AWS": ROLE}, "Action": "secretsmanager:GetSecretValue"}
        return {"ResourcePolicy": json.dumps({"Statement": [statement]})}


class LoadingEcs(RollingEcs):
    """The load's task is seen in one state after the other."""

    def __init__(self, *states: Mapping[str, Any] | Exception, failures: Sequence[Mapping[str, Any]] = ()) -> None:
        super().__init__(STABLE)
        self.load_states, self.failures = list(states), failures
        self.calls: list[str] = []
        self.registered: dict[str, Any] = {}
        self.run: dict[str, Any] = {}

    def register_task_definition(self, **request: Any) -> dict[str, Any]:
        self.registered = request
        return {"taskDefinition": {"taskDefinitionArn": "arn:load:1"}}

    def deregister_task_definition(self, *, taskDefinition: str) -> None:
        assert taskDefinition == "arn:load:1"
        self.calls.append("deregistered")

    def run_task(self, **request: Any) -> dict[str, Any]:
        self.run = request
        tasks = [] if self.failures else [{"taskArn": "arn:task/cluster/load1"}]
        return {"tasks": tasks, "failures": list(self.failures)}

    def stop_task(self, *, cluster: str, task: str, reason: str) -> None:
        assert (cluster, task, bool(reason)) == (CLUSTER, "load1", True)
        self.calls.append("stopped")

    def describe_tasks(self, *, cluster: str, tasks: Sequence[str]) -> dict[str, Any]:
        if list(tasks) != ["load1"]:
            return super().describe_tasks(cluster=cluster, tasks=tasks)
        state = self.load_states.pop(0) if len(self.load_states) > 1 else self.load_states[0]
        if isinstance(state, Exception):
            raise state
        return {"tasks": [state]}


RUNNING = {"taskArn": "arn:task/cluster/load1", "lastStatus": "RUNNING", "containers": []}


def _ended(code: int | None, reason: str = "Essential container in task exited", **container: Any) -> dict[str, Any]:
    exit_code = {} if code is None else {"exitCode": code}
    containers = [{"name": "agora-data", **exit_code, **container}]
    return {**RUNNING, "lastStatus": "STOPPED", "stoppedReason": reason, "containers": containers}


def _place(ecs: Any, **more: Any) -> Target:
    given: dict[str, Any] = {"secretsmanager": Secrets(), "logs": Logs()} | more
    return place(ecs, **given)


def _plan(target: Target) -> LoadPlan:
    return load_data.plan(target, SERVICES, IMAGE, "68")


def _load(target: Target) -> load_data.Load:
    return load_data.load(target, agora(), _plan(target), ORIGIN, wait=lambda _: None)


def test_the_loader_is_published_next_to_the_services() -> None:
    assert loader_image(SERVICES, "4.2.0") == "ghcr.io/sage-bionetworks/agora-data:4.2.0"


def test_a_configuration_without_a_database_can_load_nothing() -> None:
    with pytest.raises(UsageError, match=r"no service of app\.py reads the database"):
        loader_image([props("agora-apex")], "1")


def test_the_load_is_made_after_the_service_that_reads_the_database() -> None:
    planned = _plan(_place(LoadingEcs(_ended(0))))
    (container,) = planned.definition["containerDefinitions"]
    assert container["image"] == IMAGE.reference
    assert {each["name"]: each["value"] for each in container["environment"]} == {
        "DB_HOST": "db.example.org",
        "DB_PORT": "27017",
        "DB_NAME": "agora",
        "DB_USER": "master",
        "DATA_FILE": "syn13363290",
        "DATA_VERSION": "68",
    }
    assert {each["name"]: each["valueFrom"] for each in container["secrets"]} == {
        "DB_PASS": "arn:pass",
        "SYNAPSE_AUTH_TOKEN": TOKEN,
    }
    assert container["logConfiguration"]["options"]["awslogs-group"] == "api-logs"
    assert planned.definition["executionRoleArn"] == ROLE
    assert (planned.definition["cpu"], planned.definition["memory"]) == ("1024", "3072")
    assert "taskRoleArn" not in planned.definition


def test_it_runs_once_in_the_network_of_that_service_and_then_what_caches_is_redeployed() -> None:
    ecs, ssm = LoadingEcs(RUNNING, _ended(0)), FakeParameters()
    done = _load(_place(ecs, ssm=ssm))
    assert ecs.run["networkConfiguration"]["awsvpcConfiguration"]["securityGroups"] == ["sg-own", "sg-callers"]
    assert (ecs.run["taskDefinition"], ecs.run["count"], ecs.run["launchType"]) == ("arn:load:1", 1, "FARGATE")
    assert ecs.calls == ["deregistered"]
    assert ecs.forced == 1
    assert done.redeployment is not None
    assert done.redeployment.services == {"agora-api": "stable"}
    assert load_data.last_version(ssm, named("dev")) == "68"
    assert lock_name(named("dev")) not in ssm.values


def test_its_lines_are_reported_once_as_they_come(capsys: pytest.CaptureFixture[str]) -> None:
    line = event(60 * 24 * 365 * 50, "loading genes", task="load1")
    line["logStreamName"] = "agora-data-load/agora-data/load1"
    logs = Logs(line, refusals=[client_error("ResourceNotFoundException", "no stream yet")])
    _load(_place(LoadingEcs(RUNNING, RUNNING, _ended(0)), logs=logs))
    assert capsys.readouterr().err.count("loading genes") == 1


def test_a_busy_aws_does_not_end_the_waiting() -> None:
    assert _load(_place(LoadingEcs(throttled(), RUNNING, _ended(0)))).task == "load1"


@pytest.mark.parametrize(
    ("ended", "words"),
    [
        (_ended(1), "ended with exit code 1; Essential container in task exited"),
        (_ended(137, reason="OutOfMemoryError"), "most often for its use of memory (2048 MiB)"),
        (_ended(None, "CannotPullContainerError: not found"), "no exit code: it never started"),
        (_ended(None, "ResourceInitializationError: denied"), "could not be reached with the execution role"),
    ],
)
def test_a_load_that_fails_says_how_and_redeploys_nothing(ended: dict[str, Any], words: str) -> None:
    ecs, ssm = LoadingEcs(ended), FakeParameters()
    with pytest.raises(UserError) as failed:
        _load(_place(ecs, ssm=ssm))
    assert words in str(failed.value)
    assert ecs.calls == ["deregistered"]
    assert ecs.forced == 0
    assert list(ssm.values) == ["/agora/dev/task"], "neither locked nor remembered"
    assert json.loads(ssm.values["/agora/dev/task"])["exit_code"] == ended["containers"][0].get("exitCode")


def test_a_task_that_ecs_does_not_start_is_reported_with_ecss_reason() -> None:
    ecs = LoadingEcs(RUNNING, failures=[{"reason": "RESOURCE:MEMORY"}])
    with pytest.raises(UserError, match="ECS starts no task of agora-data: RESOURCE:MEMORY"):
        _load(_place(ecs))
    assert ecs.calls == ["deregistered"]


def test_an_interrupted_load_is_stopped_before_the_environment_is_free_again() -> None:
    ssm = FakeParameters()

    class Watching(LoadingEcs):
        def stop_task(self, *, cluster: str, task: str, reason: str) -> None:
            assert lock_name(named("dev")) in ssm.values
            super().stop_task(cluster=cluster, task=task, reason=reason)

    ecs = Watching(RUNNING)
    target = _place(ecs, ssm=ssm)

    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load_data.load(target, agora(), _plan(target), ORIGIN, wait=interrupted)
    assert ecs.calls == ["stopped", "deregistered"]
    assert ssm.values == {}


def test_nothing_starts_where_a_precondition_is_not_met() -> None:
    ecs = LoadingEcs(_ended(0))
    target = _place(ecs)
    planned = _plan(target)
    unmet = (check("secret x", FAIL, "does not exist", "Make it."), check("way", FAIL, "none", "Make it."))
    with pytest.raises(UserError) as refused:
        load_data.load(target, agora(), LoadPlan(**{**vars(planned), "checks": unmet}), ORIGIN)
    assert refused.value.message == "secret x: does not exist\nway: none"
    assert refused.value.hint == "Make it."
    assert ecs.registered == {}


def test_no_secret_is_in_the_plan() -> None:
    planned = _plan(_place(LoadingEcs(_ended(0)))).as_json()
    secrets = planned["task_definition"]["containerDefinitions"][0]["secrets"]
    assert all(each["valueFrom"].startswith("arn:") for each in secrets)
    assert json.dumps(planned)


def test_a_deployment_that_does_not_say_where_the_database_is_is_brought_up_to_date_first() -> None:
    ecs = LoadingEcs(_ended(0))
    ecs.definition = {"containerDefinitions": [{"name": "agora-api", "image": "x"}]}
    assert ecs.describe_task_definition(taskDefinition=DEFINITION_ARN)
    with pytest.raises(UserError, match="does not say where the database or its log is"):
        _plan(_place(ecs))
