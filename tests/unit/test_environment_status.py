"""What runs where."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import NoCredentialsError

from operations.environment_status import EnvironmentStatus, ServiceStatus, read_status
from operations.hold import parameter_name as hold_name
from operations.target import Target
from src.errors import UsageError
from src.form import load_form
from tests.unit.everyday_support import (
    API_STACK,
    Ecs,
    container,
    denied,
    deployment,
    expired,
    place,
    service,
    task,
    throttled,
)
from tests.unit.operations_support import (
    FakeCloudFormation,
    FakeParameters,
    client_error,
    deployment_of,
    minutes_after_noon,
    resolution,
)

IMAGE = {"Image": "ghcr.io/org/agora-api:4.2.0", "ImageDigest": "sha256:1", "ImageCommit": "c" * 40}


class Balancer:
    def __init__(self, *states: str) -> None:
        self.states = states

    def describe_target_health(self, *, TargetGroupArn: str) -> dict[str, Any]:
        assert TargetGroupArn == "tg"
        return {"TargetHealthDescriptions": [{"TargetHealth": {"State": state}} for state in self.states]}


def _status(target: Target) -> EnvironmentStatus:
    (found,) = read_status(load_form(), ["dev"], lambda _: target)
    return found


def _api(
    described: Mapping[str, Any],
    *tasks: Mapping[str, Any],
    outputs: Mapping[str, str] = IMAGE,
    targets: tuple[str, ...] = (),
) -> ServiceStatus:
    stacks = {"agora-dev-api": API_STACK | {"outputs": outputs}}
    found = _status(place(Ecs(described, tasks), stacks=stacks, elbv2=Balancer(*targets)))
    assert found.remarks == ()
    return next(each for each in found.services if each.name == "agora-api")


def test_a_service_tells_its_version_its_tasks_and_since_when() -> None:
    api = _api(service(), task("a"), task("b"))
    assert (api.version, api.commit, api.state) == ("4.2.0", "ccccccc", "steady")
    assert (api.desired, api.running, api.pending, api.rollout) == (2, 2, 0, "COMPLETED")
    assert api.since == minutes_after_noon(0)


@pytest.mark.parametrize(
    ("described", "tasks", "targets", "state"),
    [
        (service(runningCount=1), [], (), "1 of 2 running"),
        (service(deployments=[deployment("d", rolloutState="IN_PROGRESS")]), [], (), "rolling out"),
        (service(deployments=[deployment("d", rolloutState="FAILED")]), [], (), "failed"),
        (service(), [task("a", healthStatus="UNHEALTHY"), task("b")], (), "unhealthy: 1 of 2 tasks"),
        (service(loadBalancers=[{"targetGroupArn": "tg"}]), [], ("healthy", "unhealthy"), "unhealthy: 1 of 2 targets"),
        (service(loadBalancers=[{"targetGroupArn": "tg"}]), [], ("healthy", "draining"), "steady"),
        (service(desiredCount=0, runningCount=0), [], (), "scaled to zero"),
    ],
)
def test_a_service_that_is_not_steady_says_why(
    described: dict[str, Any], tasks: list[dict[str, Any]], targets: tuple[str, ...], state: str
) -> None:
    assert _api(described, *tasks, targets=targets).state == state


def test_a_stack_that_does_not_say_what_it_runs_is_told_by_its_tasks() -> None:
    old, new = container(image="ghcr.io/org/agora-api:4.1.0"), container(image="ghcr.io/org/agora-api:4.2.0")
    api = _api(service(), task("a", containers=[old]), task("b", containers=[new]), outputs={})
    assert (api.version, api.commit) == ("4.1.0 and 4.2.0", "")


def test_services_without_a_stack_are_not_deployed() -> None:
    found = _status(place(Ecs(service()), stacks={}, elbv2=None))
    assert {each.state for each in found.services} == {"not deployed"}
    assert found.remarks == ()


def test_the_last_deployment_the_hold_and_stacks_that_are_stuck_are_told() -> None:
    ssm = FakeParameters()
    for version in ("4.1.0", "4.2.0"):
        record = deployment_of(resolution(version, "agora-api"))
        ssm.put_parameter(
            Name="/agora/dev/deployment",
            Value=json.dumps(record.as_json()),
            Type="String",
            Overwrite=True,
            Description="x",
        )
    hold = json.dumps({"id": "1", "who": "jane", "since": "2026-11-23T12:00:00", "doing": "deploy"})
    ssm.put_parameter(Name=hold_name("dev"), Value=hold, Type="String", Overwrite=True, Description="x")
    stacks = {"agora-dev-ecs": {"status": "UPDATE_ROLLBACK_FAILED"}, "agora-dev-network": {}, "agora-prod-app": {}}
    found = _status(place(Ecs(service()), stacks=stacks, elbv2=None, ssm=ssm))
    assert found.last is not None
    assert found.last.images.version == "4.2.0"
    assert found.hold is not None
    assert found.hold.who == "jane"
    assert found.stacks == {"agora-dev-ecs": "UPDATE_ROLLBACK_FAILED"}


@pytest.mark.parametrize("error", [throttled(), denied()])
def test_what_aws_does_not_answer_is_unknown_with_the_reason_and_the_rest_is_told(error: Exception) -> None:
    found = _status(place(Ecs(service(), refusals=[error]), elbv2=None))
    states = {each.name: each.state for each in found.services}
    assert states["agora-api"] == "unknown"
    assert states["agora-app"] == "not deployed"
    (remark,) = found.remarks
    assert remark.startswith("its services: unknown, AWS: ")
    assert str(error) in remark
    assert not found.is_unread


class Refusing:
    """Answers every question with the same error."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __getattr__(self, _: str) -> Any:
        raise self.error


def _refused(error: Exception) -> EnvironmentStatus:
    nothing = Refusing(error)
    return _status(place(nothing, cloudformation=nothing, elbv2=nothing, ssm=nothing))


@pytest.mark.parametrize("error", [throttled(), denied(), expired(), NoCredentialsError()])
def test_an_environment_of_which_nothing_could_be_read_says_so(error: Exception) -> None:
    found = _refused(error)
    assert {each.state for each in found.services} == {"unknown"}
    assert found.is_unread


@pytest.mark.parametrize("error", [expired(), NoCredentialsError()])
def test_of_credentials_that_are_no_longer_good_one_sentence_says_what_to_do(error: Exception) -> None:
    (remark,) = _refused(error).remarks
    assert remark.startswith("unknown: the AWS credentials have expired or are not known. Log in again")
    assert str(error) not in remark


def test_an_environment_that_only_its_record_or_its_hold_could_be_read_of_is_not_unread() -> None:
    hold = json.dumps({"id": "1", "who": "jane", "since": "2026-11-23T12:00:00", "doing": "deploy"})
    nothing = Refusing(throttled())
    place_held = place(nothing, cloudformation=nothing, elbv2=nothing, ssm=FakeParameters({hold_name("dev"): hold}))
    assert not _status(place_held).is_unread


def test_stacks_that_cannot_be_read_are_never_said_to_be_absent() -> None:
    class Silent(FakeCloudFormation):
        def describe_stack_resources(self, *, StackName: str) -> dict[str, Any]:
            raise client_error("Throttling", "Rate exceeded")

    found = _status(place(Ecs(service()), cloudformation=Silent({"agora-dev-api": API_STACK}), elbv2=None))
    assert {each.state for each in found.services} == {"unknown"}


def test_an_environment_out_of_reach_is_remarked_on_and_others_are_told() -> None:
    def reach(name: str) -> Target:
        if name == "prod":
            raise UsageError("the credentials are for account 1")
        return place(Ecs(service()), elbv2=None)

    dev, prod = read_status(load_form(), ["dev", "prod"], reach)
    assert prod.is_unread
    assert prod == EnvironmentStatus("prod", remarks=("not reachable: the credentials are for account 1",))
    assert dev.services
    assert json.dumps(prod.as_json())


def test_an_environment_out_of_reach_for_expired_credentials_says_to_log_in_again() -> None:
    def reach(_: str) -> Target:
        raise UsageError(f"no usable AWS credentials: {expired()}") from expired()

    (dev,) = read_status(load_form(), ["dev"], reach)
    (remark,) = dev.remarks
    assert remark.startswith("not reachable: the AWS credentials have expired or are not known. Log in again")
    assert "ExpiredToken" not in remark
