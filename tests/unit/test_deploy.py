"""Deploying, short of the CDK."""

from __future__ import annotations

from typing import Any

import pytest

from operations.cdk_cli import CdkFailed
from operations.deploy import Cause, DeploymentFailed, _endpoints_exist
from operations.stack_states import Failure
from src.form import load_form
from tests.unit.operations_support import FakeCloudFormation, resource, target


def _service_template(name: str, port: int) -> dict[str, Any]:
    aliases = [{"DnsName": name, "Port": port}]
    connect = {"Services": [{"PortName": name, "ClientAliases": aliases}]}
    return {"Resources": {"Service": resource("AWS::ECS::Service", ServiceConnectConfiguration=connect)}}


def _deployed() -> dict[str, dict[str, Any]]:
    return {
        f"agora-dev-{props.container_name.removeprefix('agora-')}": {
            "template": _service_template(props.container_name, props.container_port)
        }
        for props in load_form().services_of("dev")
    }


def _exist(stacks: dict[str, dict[str, Any]]) -> bool:
    aws = FakeCloudFormation(stacks)
    return _endpoints_exist(aws, target({"cloudformation": aws}), load_form().services_of("dev"))


def test_services_go_side_by_side_once_every_endpoint_exists() -> None:
    assert _exist(_deployed())


def test_a_service_that_is_not_deployed_yet_keeps_the_order() -> None:
    stacks = _deployed()
    del stacks["agora-dev-api-docs"]
    assert not _exist(stacks)


def test_a_service_whose_first_deployment_failed_keeps_the_order() -> None:
    stacks = _deployed()
    stacks["agora-dev-api"]["status"] = "ROLLBACK_COMPLETE"
    assert not _exist(stacks)


def test_a_service_that_moves_to_another_port_keeps_the_order() -> None:
    stacks = _deployed()
    stacks["agora-dev-api"]["template"] = _service_template("agora-api", 3000)
    assert not _exist(stacks)


def _failed(reason: str, *tasks: str) -> DeploymentFailed:
    failure = Failure("agora-dev-app", "ServiceD69D759B", "AWS::ECS::Service", reason)
    place = target({})
    return DeploymentFailed(place, [Cause(failure, tasks)], CdkFailed("deploy", "last words"))


@pytest.mark.parametrize(
    ("task", "advice"),
    [
        ("CannotPullContainerError: manifest unknown", "GHCR_PACKAGE_VERSION"),
        ("ResourceInitializationError: unable to pull secrets or registry auth", "Create the secret"),
        ("ResourceInitializationError: unable to pull secrets: did not contain json key x", "json_field"),
        ("OutOfMemoryError: Container killed due to memory usage", "container_memory_reservation"),
        ("Task failed container health checks", "look at its log"),
        ("Essential container in task exited; agora-app exited with 1", "look at its log"),
    ],
)
def test_a_failure_says_why_tasks_stopped_and_what_to_do(task: str, advice: str) -> None:
    error = _failed("ECS Deployment Circuit Breaker was triggered", task)
    assert "agora-dev-app: ServiceD69D759B (AWS::ECS::Service)" in error.message
    assert f"stopped task: {task}" in error.message
    assert advice in error.hint


def test_without_stopped_tasks_cloudformations_reason_is_told() -> None:
    error = _failed("Certificate ARN 'x' is not valid")
    assert "Certificate ARN 'x' is not valid" in error.message
    assert "CERTIFICATE_ID" in error.hint


def test_without_any_cause_the_cdks_last_words_are_told() -> None:
    assert DeploymentFailed(target({}), [], CdkFailed("deploy", "a\nlast words")).hint == "a\nlast words"
