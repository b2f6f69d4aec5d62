"""Taking an environment down, short of the CDK."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from portside.aws.target import Target
from portside.config.environment import OWNER_TAG, Environment
from portside.config.own_stacks import OwnStack
from portside.deploy import destroy
from portside.errors import UsageError, UserError
from portside.records.deployment_record import read_records, write_record
from portside.records.environment_lock import Locked, locked, read_lock
from portside.records.origin import Origin
from portside.records.stack_record import Origin as StackOrigin
from portside.records.stack_record import StackRecord, write_stack_record
from portside.synthesis import cdk_cli
from portside.synthesis.assembly import Stack
from tests.apps import agora
from tests.unit.configuration_support import named
from tests.unit.operations_support import (
    FakeCloudFormation,
    FakePaginator,
    FakeParameters,
    client_error,
    deployment_of,
    resolution,
    resource,
    stack,
    target,
)

JANE = Origin("Developer/jane", None)
SERVICES = agora().services_of("dev")
PARTS = ("network", "docdb-v8", "ecs", "load-balancer", "api", "app", "apex")


@pytest.fixture
def synthesized(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """Synthesis gives seven stacks of whatever environment; the contexts it was asked with are noted."""
    contexts: list[dict[str, str]] = []

    def synthesize(place: object, _: object, context: dict[str, str], *__: object, **___: object) -> tuple[Stack, ...]:
        contexts.append(context)
        name = place.environment.name  # type: ignore[attr-defined]
        return tuple(stack(f"agora-{name}-{part}", {"Resources": {"X": resource()}}, tmp_path) for part in PARTS)

    monkeypatch.setattr(cdk_cli, "synthesize", synthesize)
    return contexts


class FakeBuckets:
    """Buckets with what is in them; a bucket that has something in it can't be deleted."""

    def __init__(self, **contents: list[str]) -> None:
        self.contents = dict(contents)
        self.owners = dict[str, str]()

    def get_paginator(self, operation: str) -> FakePaginator:
        return FakePaginator({"list_buckets": self._buckets, "list_object_versions": self._versions}[operation])

    def get_bucket_tagging(self, *, Bucket: str) -> dict[str, Any]:
        if Bucket not in self.owners:
            raise client_error("NoSuchTagSet", "The TagSet does not exist")
        return {"TagSet": [{"Key": "Team", "Value": "x"}, {"Key": OWNER_TAG, "Value": self.owners[Bucket]}]}

    def _buckets(self, Prefix: str) -> list[dict[str, Any]]:
        return [{"Buckets": [{"Name": name} for name in self.contents if name.startswith(Prefix)]}]

    def _versions(self, Bucket: str) -> list[dict[str, Any]]:
        keys = list(self.contents[Bucket])
        return [
            {"Versions": [{"Key": key, "VersionId": "1"} for key in keys[:2]]},
            {"DeleteMarkers": [{"Key": key, "VersionId": "2"} for key in keys[2:]]},
        ]

    def delete_objects(self, *, Bucket: str, Delete: dict[str, Any]) -> None:
        for each in Delete["Objects"]:
            self.contents[Bucket].remove(each["Key"])

    def delete_bucket(self, *, Bucket: str) -> None:
        assert not self.contents[Bucket], "BucketNotEmpty"
        del self.contents[Bucket]


def _place(
    aws: FakeCloudFormation, s3: FakeBuckets | None = None, ssm: FakeParameters | None = None, **more: Any
) -> Target:
    return target({"cloudformation": aws, "s3": s3 or FakeBuckets(), "ssm": ssm or FakeParameters()}, **more)


def _deployed(environment: str, *more: str) -> FakeCloudFormation:
    resources = [{"ResourceType": "AWS::EC2::VPC", "PhysicalResourceId": "vpc-1", "ResourceStatus": "CREATE_COMPLETE"}]
    return FakeCloudFormation({f"agora-{environment}-{part}": {"resources": resources} for part in (*PARTS, *more)})


@pytest.mark.usefixtures("synthesized")
def test_the_database_and_its_network_stay_with_everything_in_them() -> None:
    place = _place(_deployed("dev"))
    _, planned = destroy.plan(place, SERVICES, with_data=False)
    assert planned.going == tuple(f"agora-dev-{part}" for part in ("apex", "app", "api", "load-balancer", "ecs"))
    assert planned.staying == {
        "agora-dev-network": ("AWS::EC2::VPC vpc-1",),
        "agora-dev-docdb-v8": ("AWS::EC2::VPC vpc-1",),
    }


@pytest.mark.usefixtures("synthesized")
def test_the_record_of_the_stacks_that_stay_is_listed_with_them() -> None:
    ssm = FakeParameters()
    write_stack_record(ssm, named("dev"), StackRecord({"agora-dev-network": StackOrigin.CREATED}))
    _, planned = destroy.plan(_place(_deployed("dev"), ssm=ssm), SERVICES, with_data=False)
    assert planned.staying["agora-dev-network"][-1] == "AWS::SSM::Parameter /agora/dev/stacks"


def test_with_data_everything_goes_those_that_others_depend_on_last(synthesized: list[dict[str, str]]) -> None:
    place = _place(_deployed("dev"))
    _, planned = destroy.plan(place, SERVICES, with_data=True)
    assert planned.going == tuple(f"agora-dev-{part}" for part in reversed(PARTS))
    assert planned.staying == {}
    assert synthesized == [{"portside:destroying": "true", "portside:with-data": "true"}]


def test_what_is_not_deployed_neither_goes_nor_stays(synthesized: list[dict[str, str]]) -> None:
    _, planned = destroy.plan(_place(FakeCloudFormation()), SERVICES, with_data=False)
    assert (planned.going, planned.staying) == ((), {})
    assert synthesized == [{"portside:destroying": "true"}]


@pytest.mark.usefixtures("synthesized")
def test_the_data_of_prod_is_refused_in_aws_and_allowed_in_a_rehearsal() -> None:
    aws = _deployed("prod")
    with pytest.raises(UsageError, match="the data of prod is not deleted"):
        destroy.plan(_place(aws, environment="prod"), SERVICES, with_data=True)
    _, planned = destroy.plan(_place(aws, environment="prod", is_local=True), SERVICES, with_data=True)
    assert "agora-prod-docdb-v8" in planned.going


@pytest.mark.usefixtures("synthesized")
@pytest.mark.parametrize("with_data", [False, True])
def test_stacks_of_another_app_are_not_even_planned(with_data: bool, synthesized: list[dict[str, str]]) -> None:
    aws = _deployed("dev")
    aws.stacks["agora-dev-network"]["tags"] = {OWNER_TAG: "model-ad/dev"}
    with pytest.raises(UserError, match="stack agora-dev-network belongs to model-ad/dev"):
        destroy.plan(_place(aws), SERVICES, with_data=with_data)
    assert synthesized == []


def test_the_records_of_stacks_with_another_prefix_are_not_deleted(synthesized: list[dict[str, str]]) -> None:
    aws, ssm = _deployed("dev"), FakeParameters()
    write_stack_record(ssm, named("dev"), StackRecord({"portal-dev-network": StackOrigin.CREATED}))
    _, planned = destroy.plan(_place(aws, ssm=ssm), SERVICES, with_data=False)
    assert planned.going, "a name in the record whose stack no longer exists is of no one"

    synthesized.clear()
    aws.stacks["portal-dev-network"] = {}
    with pytest.raises(UserError, match="agora/dev is already deployed with stacks of other names: portal-dev-network"):
        destroy.plan(_place(aws, ssm=ssm), SERVICES, with_data=True)
    assert synthesized == []


@pytest.mark.usefixtures("synthesized")
def test_stacks_that_the_configuration_does_not_name_are_reported_and_left_alone() -> None:
    place = _place(_deployed("dev", "bastion"))
    stacks, planned = destroy.plan(place, SERVICES, with_data=False)
    assert destroy.unknown_stacks(place, stacks) == ["agora-dev-bastion"]
    assert "agora-dev-bastion" not in planned.going


@pytest.mark.usefixtures("synthesized")
def test_the_network_stays_while_a_stack_that_is_not_configured_can_be_in_it() -> None:
    for with_data in (False, True):
        _, planned = destroy.plan(_place(_deployed("dev", "docdb-old")), SERVICES, with_data=with_data)
        assert "agora-dev-network" not in planned.going


@pytest.fixture
def kept_of_deployments() -> FakeParameters:
    """The records that remain after deployments: the references, and the history."""
    ssm = FakeParameters({"/agora/dev/references": "{}", "/agora/stage/references": "{}"})
    write_record(ssm, named("dev"), deployment_of(resolution("edge", "app")))
    return ssm


@pytest.fixture
def deleted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Deleting works; what was deleted, in order."""
    in_order: list[str] = []

    def delete(place: Target, stacks: Sequence[str], _: object) -> None:
        assert read_lock(place.clients("ssm"), named("dev")), "the environment is locked while anything is deleted"
        for name in stacks:
            del place.clients("cloudformation").stacks[name]
        in_order.extend(stacks)

    monkeypatch.setattr(cdk_cli, "destroy", delete)
    return in_order


def _destroy(aws: FakeCloudFormation, ssm: FakeParameters) -> None:
    place = target({"cloudformation": aws, "ssm": ssm, "s3": FakeBuckets()})
    _, planned = destroy.plan(place, SERVICES, with_data=False)
    destroy.execute(place, planned, JANE, with_data=False)


@pytest.mark.usefixtures("synthesized")
def test_what_goes_goes_while_the_environment_is_held_and_its_records_with_it(
    deleted: list[str], kept_of_deployments: FakeParameters
) -> None:
    aws = _deployed("dev")
    _destroy(aws, kept_of_deployments)
    assert deleted == [f"agora-dev-{part}" for part in ("apex", "app", "api", "load-balancer", "ecs")]
    assert sorted(aws.stacks) == ["agora-dev-docdb-v8", "agora-dev-network"]
    assert list(kept_of_deployments.values) == ["/agora/stage/references"]


@pytest.mark.usefixtures("synthesized")
def test_nothing_is_deleted_while_someone_is_changing_the_environment(
    deleted: list[str], kept_of_deployments: FakeParameters
) -> None:
    aws = _deployed("dev")
    with (
        locked(kept_of_deployments, named("dev"), Origin("Developer/joe", None), "deploy"),
        pytest.raises(Locked, match="joe"),
    ):
        _destroy(aws, kept_of_deployments)
    assert deleted == []
    assert len(read_records(kept_of_deployments, named("dev"))) == 1


@pytest.mark.usefixtures("synthesized")
def test_records_stay_and_the_lock_goes_where_not_all_could_be_deleted(
    monkeypatch: pytest.MonkeyPatch, kept_of_deployments: FakeParameters
) -> None:
    monkeypatch.setattr(cdk_cli, "destroy", lambda *_: None)
    with pytest.raises(UserError, match="still there: agora-dev-apex"):
        _destroy(_deployed("dev"), kept_of_deployments)
    assert len(read_records(kept_of_deployments, named("dev"))) == 1
    assert read_lock(kept_of_deployments, named("dev")) is None


LOST = "agora-dev-apex: destroy failed Error: Throttling: Rate exceeded\n"


@pytest.mark.usefixtures("synthesized")
def test_a_command_line_that_lost_aws_is_started_again_once_the_stacks_are_settled(
    deleted: list[str],
    monkeypatch: pytest.MonkeyPatch,
    kept_of_deployments: FakeParameters,
    capsys: pytest.CaptureFixture[str],
) -> None:
    aws, delete, runs = _deployed("dev"), cdk_cli.destroy, list[int]()

    def lose_aws_once(place: Target, stacks: Sequence[str], hear: Any) -> None:
        runs.append(1)
        if len(runs) == 1:
            aws.stacks["agora-dev-apex"]["status"] = "DELETE_IN_PROGRESS"
            raise cdk_cli.CdkFailed("destroy", LOST)
        assert aws.stacks["agora-dev-apex"]["status"] == "DELETE_FAILED", "while a stack is deleted it is waited for"
        delete(place, stacks, hear)

    def settle(_: float) -> None:
        aws.stacks["agora-dev-apex"]["status"] = "DELETE_FAILED"

    monkeypatch.setattr(cdk_cli, "destroy", lose_aws_once)
    monkeypatch.setattr("portside.deploy.cdk_runs.time.sleep", settle)
    _destroy(aws, kept_of_deployments)
    assert len(runs) == 2
    assert "agora-dev-apex" in deleted
    assert "is started again: cdk destroy failed" in " ".join(capsys.readouterr().err.split())


@pytest.mark.usefixtures("synthesized")
def test_losing_aws_permanently_is_reported_with_what_is_unknown(
    monkeypatch: pytest.MonkeyPatch, kept_of_deployments: FakeParameters
) -> None:
    aws = _deployed("dev")

    def lose_aws(*_: object) -> None:
        monkeypatch.setattr(
            aws, "describe_stacks", lambda **_: (_ for _ in ()).throw(client_error("AccessDenied", "not you"))
        )
        raise cdk_cli.CdkFailed("destroy", LOST)

    monkeypatch.setattr(cdk_cli, "destroy", lose_aws)
    with pytest.raises(destroy.DestructionFailed) as failed:
        _destroy(aws, kept_of_deployments)
    assert "Rate exceeded" in failed.value.stopped_by
    assert "could not be read" in failed.value.message
    assert "not you" in failed.value.message


LOGS = "agora-dev-load-balancer-accesslogs8b620eca-1a2b3c"


@pytest.mark.usefixtures("synthesized")
def test_access_logs_stay_and_are_listed_as_what_stays_of_the_load_balancer() -> None:
    s3 = FakeBuckets(**{LOGS: ["1"], "agora-stage-load-balancer-accesslogs8b620eca-9": []})
    _, planned = destroy.plan(_place(_deployed("dev"), s3), SERVICES, with_data=False)
    assert planned.staying["agora-dev-load-balancer"] == (f"AWS::S3::Bucket {LOGS}",)
    assert planned.buckets == ()


@pytest.mark.usefixtures("synthesized")
def test_access_logs_that_another_app_left_under_the_same_prefix_are_not_ours() -> None:
    theirs = f"{LOGS}-theirs"
    s3 = FakeBuckets(**{LOGS: ["1"], theirs: ["1"]})
    s3.owners = {LOGS: "agora/dev", theirs: "model-ad/dev"}
    _, planned = destroy.plan(_place(_deployed("dev"), s3), SERVICES, with_data=True)
    assert planned.buckets == (LOGS,)


@pytest.mark.usefixtures("synthesized", "deleted")
def test_with_data_access_logs_go_too_in_all_their_versions_after_what_writes_them(
    kept_of_deployments: FakeParameters, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3, aws = FakeBuckets(**{LOGS: ["1", "2", "3"], "somebody-elses": ["1"]}), _deployed("dev")
    place = target({"cloudformation": aws, "ssm": kept_of_deployments, "s3": s3, "ec2": None})
    monkeypatch.setattr(destroy, "_protected", lambda *_, **__: [])
    monkeypatch.setattr(destroy, "_clear_of_guardduty", lambda *_: None)
    _, planned = destroy.plan(place, SERVICES, with_data=True)
    assert planned.buckets == (LOGS,)
    destroy.execute(place, planned, JANE, with_data=True)
    assert list(s3.contents) == ["somebody-elses"]


def _with_own(*own: OwnStack) -> Environment:
    environment = agora().environment("dev")
    return dataclasses.replace(environment, own_stacks=own, database_kind=None)


BUCKET = ("AWS::S3::Bucket",)


@pytest.mark.parametrize(
    ("own", "kept"),
    [
        ((OwnStack("jobs", uses_network=True),), []),
        ((OwnStack("storage", retained=BUCKET), OwnStack("jobs", uses_network=True)), ["storage"]),
        ((OwnStack("search", retained=BUCKET, uses_network=True),), ["network", "search"]),
    ],
)
def test_own_stacks_with_data_stay_and_the_network_only_if_they_are_in_it(
    own: tuple[OwnStack, ...], kept: list[str]
) -> None:
    assert destroy.kept_stacks(_with_own(*own)) == tuple(f"agora-dev-{part}" for part in kept)


def test_buckets_of_own_stacks_are_emptied_before_their_stack_is_deleted() -> None:
    s3 = FakeBuckets(**{"agora-dev-storage-uploads": ["1", "2"], "agora-dev-jobs-x": ["1"]})
    aws = FakeCloudFormation(
        {f"agora-dev-{part}": {"resources": [_bucket(name)]} for part, name in (("storage", "uploads"), ("jobs", "x"))}
    )
    own = (OwnStack("storage", retained=BUCKET), OwnStack("jobs"))
    place = dataclasses.replace(_place(aws, s3), environment=_with_own(*own))
    destroy._empty_buckets(place, destroy.DestructionPlan(going=("agora-dev-jobs",), staying={}))
    assert len(s3.contents["agora-dev-storage-uploads"]) == 2, "it stays"
    destroy._empty_buckets(place, destroy.DestructionPlan(going=("agora-dev-storage", "agora-dev-jobs"), staying={}))
    assert s3.contents == {"agora-dev-storage-uploads": [], "agora-dev-jobs-x": ["1"]}


def _bucket(name: str) -> dict[str, Any]:
    part = "storage" if name == "uploads" else "jobs"
    return {
        "ResourceType": "AWS::S3::Bucket",
        "PhysicalResourceId": f"agora-dev-{part}-{name}",
        "ResourceStatus": "CREATE_COMPLETE",
    }


class ProtectedStacks(FakeCloudFormation):
    """Stacks that are protected from termination until someone takes that away."""

    def __init__(self, stacks: FakeCloudFormation) -> None:
        super().__init__(stacks.stacks)
        self.protected = set(stacks.stacks)

    def update_termination_protection(self, *, StackName: str, EnableTerminationProtection: bool) -> None:
        assert not EnableTerminationProtection
        self.protected.discard(StackName)


@pytest.mark.usefixtures("synthesized")
def test_prods_stacks_lose_their_protection_when_they_go_and_only_those(monkeypatch: pytest.MonkeyPatch) -> None:
    aws = ProtectedStacks(_deployed("prod"))

    def delete(place: Target, stacks: Sequence[str], _: object) -> None:
        assert not aws.protected.intersection(stacks)
        for name in stacks:
            del aws.stacks[name]

    monkeypatch.setattr(cdk_cli, "destroy", delete)
    monkeypatch.setattr(destroy, "_protected", lambda *_, **__: [])
    place = target({"cloudformation": aws, "ssm": FakeParameters(), "s3": FakeBuckets()}, environment="prod")
    _, planned = destroy.plan(place, agora().services_of("prod"), with_data=False)
    destroy.execute(place, planned, JANE, with_data=False)
    assert aws.protected == {"agora-prod-network", "agora-prod-docdb-v8"}
