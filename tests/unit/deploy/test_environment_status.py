"""The status of environments."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import NoCredentialsError

from portside.aws.target import Target
from portside.config.environment import OWNER_TAG
from portside.deploy.environment_status import EnvironmentStatus, ServiceStatus, read_status
from portside.errors import UsageError
from portside.records.environment_lock import parameter_name as lock_name
from tests.answering_aws import AnsweringAws
from tests.apps import agora
from tests.aws_account import deployed
from tests.unit.configuration_support import named
from tests.unit.everyday_support import denied, expired, place, throttled
from tests.unit.operations_support import FakeParameters, deployment_of, resolution

API, APEX = "agora-api", "agora-apex"
LOCK = json.dumps({"id": "1", "who": "jane", "since": "2026-11-23T12:00:00", "doing": "deploy"})


def _status(target: Target) -> EnvironmentStatus:
    (found,) = read_status(agora(), ["dev"], lambda _: target)
    return found


def _service(aws: AnsweringAws, name: str = API) -> ServiceStatus:
    found = _status(aws.target())
    assert found.remarks == ()
    return next(each for each in found.services if each.name == name)


def test_a_service_tells_its_version_its_tasks_and_since_when() -> None:
    aws = AnsweringAws(deployed())
    image = {"Image": "ghcr.io/org/agora-api:4.2.0", "ImageDigest": "sha256:1", "ImageCommit": "c" * 40}
    aws.account.stack_of(API)["Outputs"] += [{"OutputKey": key, "OutputValue": value} for key, value in image.items()]
    api = _service(aws)
    assert (api.version, api.commit, api.state) == ("4.2.0", "ccccccc", "healthy")
    assert (api.desired, api.running, api.pending, api.rollout) == (1, 1, 0, "COMPLETED")
    assert api.since == aws.account.at(24 * 60)
    apex = _service(aws, APEX)
    assert (apex.healthy_targets, apex.targets) == (1, 1)


def test_targets_that_are_draining_do_not_count() -> None:
    aws = AnsweringAws(deployed())
    targets = next(iter(aws.account.targets.values()))
    targets.append({**targets[0], "TargetHealth": {"State": "draining"}})
    apex = _service(aws, APEX)
    assert (apex.healthy_targets, apex.targets, apex.state) == (1, 1, "healthy")


def test_a_stack_that_does_not_say_what_it_runs_is_explained_by_its_tasks() -> None:
    aws = AnsweringAws(deployed())
    own = next(each for each in aws.account.tasks if each["containers"][0]["name"] == API)
    other = {**own, "taskArn": f"{own['taskArn']}2", "containers": [{**own["containers"][0]}]}
    aws.account.tasks.append(other)
    own["containers"][0]["image"], other["containers"][0]["image"] = "ghcr.io/org/api:4.1.0", "ghcr.io/org/api:4.2.0"
    api = _service(aws)
    assert (api.version, api.commit) == ("4.1.0 and 4.2.0", "")


def test_services_without_a_stack_are_not_deployed() -> None:
    aws = AnsweringAws(deployed())
    aws.account.stacks.clear()
    found = _status(aws.target())
    assert {each.state for each in found.services} == {"not deployed"}
    assert found.remarks == ()


def test_stacks_of_another_app_are_reported_as_such() -> None:
    aws = AnsweringAws(deployed())
    for name in ("agora-dev-network", "agora-dev-ecs"):
        aws.account.stacks[name]["Tags"] = [{"Key": OWNER_TAG, "Value": "model-ad/dev"}]
    (remark,) = _status(aws.target()).remarks
    assert remark == "stack agora-dev-network belongs to model-ad/dev, by its tag portside:owner; so do 1 more"


def test_the_last_deployment_the_lock_and_stacks_that_are_stuck_are_reported() -> None:
    aws = AnsweringAws(deployed())
    versions = [deployment_of(resolution(version, "agora-api")).written() for version in ("4.1.0", "4.2.0")]
    aws.account.parameters |= {"/agora/dev/deployment": versions, lock_name(named("dev")): [LOCK]}
    aws.account.stacks["agora-dev-ecs"]["StackStatus"] = "UPDATE_ROLLBACK_FAILED"
    found = _status(aws.target())
    assert found.last is not None
    assert found.last.images.version == "4.2.0"
    assert found.lock is not None
    assert found.lock.who == "jane"
    assert found.stacks == {"agora-dev-ecs": "UPDATE_ROLLBACK_FAILED"}


def test_the_status_of_a_healthy_environment_takes_few_calls() -> None:
    aws = AnsweringAws(deployed())
    _status(aws.target())
    assert len(aws.calls) <= 8, aws.calls


def test_what_aws_does_not_answer_is_unknown_with_the_reason_and_the_rest_is_reported() -> None:
    aws = AnsweringAws(deployed())
    aws.account.refused["ecs.DescribeServices"] = ("AccessDenied", "not authorized to perform: ecs:DescribeServices")
    found = _status(aws.target())
    assert {each.state for each in found.services} == {"unknown"}
    (remark,) = found.remarks
    assert remark.endswith("could not be read: these credentials lack the right ecs:DescribeServices")
    assert found.stacks == {}
    assert not found.is_unread


def test_a_role_that_may_not_list_all_stacks_names_the_missing_permission() -> None:
    aws = AnsweringAws(deployed())
    said = "not authorized to perform: cloudformation:ListStacks"
    aws.account.refused_lists["cloudformation.DescribeStacks"] = ("AccessDenied", said)
    found = _status(aws.target())
    assert found.stacks == {}
    (remark,) = found.remarks
    assert remark == (
        "stacks that are not configured could not be read: these credentials lack the right cloudformation:ListStacks"
    )


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
def test_an_environment_of_which_nothing_could_be_read_is_reported(error: Exception) -> None:
    found = _refused(error)
    assert {each.state for each in found.services} == {"unknown"}
    assert found.is_unread


@pytest.mark.parametrize("error", [expired(), NoCredentialsError()])
def test_of_credentials_that_are_no_longer_good_one_sentence_says_what_to_do(error: Exception) -> None:
    (remark,) = _refused(error).remarks
    assert remark.startswith("unknown: the AWS credentials have expired or are not known. Log in again")
    assert str(error) not in remark


def test_an_environment_that_only_its_record_or_its_lock_could_be_read_of_is_not_unread() -> None:
    nothing = Refusing(throttled())
    locked_place = place(
        nothing, cloudformation=nothing, elbv2=nothing, ssm=FakeParameters({lock_name(named("dev")): LOCK})
    )
    assert not _status(locked_place).is_unread


def test_an_environment_out_of_reach_is_remarked_on_and_others_are_reported() -> None:
    def reach(name: str) -> Target:
        if name == "prod":
            raise UsageError("the credentials are for account 1")
        return AnsweringAws(deployed()).target()

    dev, prod = read_status(agora(), ["dev", "prod"], reach)
    assert prod.is_unread
    assert prod == EnvironmentStatus("prod", remarks=("not reachable: the credentials are for account 1",))
    assert dev.services
    assert json.dumps(prod.as_json())


def test_an_environment_out_of_reach_for_expired_credentials_says_to_log_in_again() -> None:
    def reach(_: str) -> Target:
        raise UsageError(f"no usable AWS credentials: {expired()}") from expired()

    (dev,) = read_status(agora(), ["dev"], reach)
    (remark,) = dev.remarks
    assert remark.startswith("not reachable: the AWS credentials have expired or are not known. Log in again")
    assert "ExpiredToken" not in remark
