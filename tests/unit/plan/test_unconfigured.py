"""Resources that are deployed but not configured: their owner, their cost, and what can remove them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from portside.aws.model import Stack
from portside.aws.ownership import expect_ours
from portside.aws.target import Target
from portside.config.environment import OWNER_TAG
from portside.deploy.stack_removal import planned_removal
from portside.errors import UsageError, UserError
from portside.findings.collect import collect
from portside.findings.verdict import judge
from portside.plan.deployment_plan import DeploymentPlan, changes_of
from portside.plan.unconfigured import Removal, UnconfiguredStack, read_unconfigured
from portside.records.stack_record import Origin, StackRecord, read_stack_record, write_stack_record
from tests.apps import agora
from tests.unit.configuration_support import named
from tests.unit.diagnosis_support import evidence, service, task
from tests.unit.operations_support import NOON, FakeCloudFormation, FakeParameters, client_error, resource, target

SERVICES = agora().services_of("dev")
OLD, OTHER, BASTION, FORMER = "agora-dev-old", "agora-dev-other", "agora-dev-bastion", "agora-dev-docdb-v5"
OURS = {OWNER_TAG: "agora/dev"}
SERVICE = {
    "Resources": {
        "Task": resource("AWS::ECS::TaskDefinition", Cpu="256", Memory="512"),
        "Service": resource("AWS::ECS::Service", TaskDefinition={"Ref": "Task"}, DesiredCount=1),
        "Logs": resource("AWS::Logs::LogGroup"),
    }
}
DATABASE = {
    "Resources": {"Cluster": resource("AWS::DocDB::DBCluster"), "Secret": resource("AWS::SecretsManager::Secret")}
}
MACHINE = {"Resources": {"Host": resource("AWS::EC2::Instance", InstanceType="t3.micro")}}


def deployed(
    tags: Mapping[str, str] | None = None, template: Mapping[str, Any] = SERVICE, **more: Any
) -> dict[str, Any]:
    return {"template": template, "tags": OURS if tags is None else tags, "events": [], **more}


def place(
    stacks: Mapping[str, Mapping[str, Any]],
    record: StackRecord | None = None,
    *,
    environment: str = "dev",
    is_local: bool = False,
    cloudformation: Any = None,
) -> Target:
    ssm = FakeParameters()
    if record is not None:
        write_stack_record(ssm, named(environment), record)
    aws = cloudformation or FakeCloudFormation({"agora-dev-app": deployed(), **stacks})
    return target({"cloudformation": aws, "ssm": ssm}, environment=environment, is_local=is_local)


def found(stack: Mapping[str, Any], name: str = OLD, origin: Origin | None = Origin.CREATED) -> UnconfiguredStack:
    record = StackRecord({name: origin} if origin else {})
    (one,) = read_unconfigured(place({name: stack}, record), SERVICES)
    return one


def test_nothing_is_left_over_where_everything_deployed_is_configured() -> None:
    assert read_unconfigured(place({}), SERVICES) == ()


def test_a_service_that_was_removed_is_ours_and_can_be_pruned_and_costs_something() -> None:
    old = found(deployed())
    assert old.removal is Removal.PRUNE
    assert old.report == ("deployed, and not in app.py; ours; $9.01 a month; remove it: ./agora deploy dev --prune")


@pytest.mark.parametrize(
    ("stack", "origin", "removal", "words"),
    [
        (deployed(), None, Removal.NEVER, "the record of this environment does not name it"),
        (deployed({}), Origin.CREATED, Removal.NEVER, "not ours: it carries no tag portside:owner"),
        (deployed({OWNER_TAG: "model-ad/dev"}), Origin.CREATED, Removal.NEVER, "not ours: it belongs to model-ad/dev"),
        (deployed({OWNER_TAG: "agora/stage"}), Origin.CREATED, Removal.NEVER, "not ours: it belongs to agora/stage"),
        (deployed(), Origin.ADOPTED, Removal.BY_NAME, "adopted; $9.01 a month; remove it: ./agora destroy dev --stack"),
        (deployed(template=DATABASE), Origin.CREATED, Removal.WITH_DATA, "ours, and contains AWS::DocDB::DBCluster"),
        (deployed(template=MACHINE), Origin.CREATED, Removal.WITH_DATA, "ours, and contains AWS::EC2::Instance"),
        (deployed(template=MACHINE), Origin.ADOPTED, Removal.WITH_DATA, "adopted, and contains AWS::EC2::Instance"),
    ],
)
def test_only_what_is_tagged_as_ours_and_recorded_can_be_removed(
    stack: dict[str, Any], origin: Origin | None, removal: Removal, words: str
) -> None:
    old = found(stack, origin=origin)
    assert old.removal is removal
    assert words in old.report
    (left,) = changes_of([old], prune=False)
    (pruned,) = changes_of([old], prune=True)
    assert left.action == "leave"
    assert not left.is_deployed
    assert pruned.action == ("delete" if removal is Removal.PRUNE else "leave")
    assert old.sentence in pruned.summary


def test_what_can_t_be_read_is_not_removed() -> None:
    class Unreadable(FakeCloudFormation):
        def get_template(self, *, StackName: str, TemplateStage: str) -> dict[str, Any]:
            raise client_error("AccessDenied", "no")

    aws = Unreadable({OLD: deployed()})
    (old,) = read_unconfigured(place({}, StackRecord({OLD: Origin.CREATED}), cloudformation=aws), SERVICES)
    assert old.removal is Removal.NEVER
    assert "its resources could not be read" in old.sentence


def test_another_environment_whose_name_has_the_same_beginning_is_not_part_of_this_one() -> None:
    stacks = {
        "agora-dev-2-network": deployed({OWNER_TAG: "agora/dev-2"}),
        "agora-development-app": deployed({OWNER_TAG: "agora/development"}),
    }
    assert read_unconfigured(place(stacks), SERVICES) == ()


def test_credentials_that_may_not_list_stacks_see_those_that_the_record_names() -> None:
    class Unlisted(FakeCloudFormation):
        def get_paginator(self, operation: str) -> Any:
            raise client_error("AccessDenied", "cloudformation:DescribeStacks on *", "DescribeStacks")

    aws = Unlisted({OLD: deployed(), OTHER: deployed(), "agora-dev-app": deployed()})
    record = StackRecord({OLD: Origin.CREATED, "agora-dev-app": Origin.CREATED})
    assert [stack.name for stack in read_unconfigured(place({}, record, cloudformation=aws), SERVICES)] == [OLD]


def test_a_stuck_one_is_reported() -> None:
    assert found(deployed(status="DELETE_FAILED")).sentence.startswith(
        "DELETE_FAILED: it could not be deleted as a whole; "
    )


def test_a_configured_stack_is_not_removed_by_name_nor_a_missing_one() -> None:
    with pytest.raises(UsageError, match="agora-dev-app is configured"):
        planned_removal(place({}), SERVICES, "agora-dev-app", with_data=False)
    theirs = FakeCloudFormation({"agora-dev-app": deployed({OWNER_TAG: "model-ad/dev"})})
    with pytest.raises(UserError, match="stack agora-dev-app belongs to model-ad/dev"):
        planned_removal(place({}, cloudformation=theirs), SERVICES, "agora-dev-app", with_data=False)
    with pytest.raises(UsageError, match="no stack agora-dev-odl") as refused:
        planned_removal(place({OLD: deployed()}), SERVICES, "agora-dev-odl", with_data=False)
    assert OLD in refused.value.hint


@pytest.mark.parametrize(
    ("environment", "is_local", "with_data", "goes"),
    [
        ("dev", False, False, False),
        ("dev", False, True, True),
        ("prod", False, True, False),
        ("prod", True, True, True),
    ],
)
def test_data_goes_only_where_it_is_asked_for_and_never_in_production_on_aws(
    environment: str, is_local: bool, with_data: bool, goes: bool
) -> None:
    name = FORMER.replace("dev", environment, 1)
    stacks = {name: deployed({OWNER_TAG: f"agora/{environment}"}, DATABASE)}
    somewhere = place(stacks, StackRecord({name: Origin.CREATED}), environment=environment, is_local=is_local)
    services = agora().services_of(environment)
    if goes:
        assert planned_removal(somewhere, services, name, with_data=with_data).name == name
        return
    with pytest.raises(UsageError, match="contains AWS::DocDB::DBCluster") as refused:
        planned_removal(somewhere, services, name, with_data=with_data)
    assert ("--with-data" in refused.value.hint) is (environment == "dev")


def state(name: str, tags: Mapping[str, str]) -> Stack:
    return Stack(name, "UPDATE_COMPLETE", updated=NOON, tags=tags)


def test_an_untagged_stack_is_adopted_only_where_app_py_names_it_explicitly() -> None:
    dev = agora().environment("dev")
    untagged = [state("agora-dev-app", {}), state("agora-dev-ecs", OURS)]
    assert dev.adopted_stacks
    assert expect_ours(untagged, dev) == ("agora-dev-app",)
    with pytest.raises(UserError, match="agora-dev-app carries no tag portside:owner") as refused:
        expect_ours(untagged, replace(dev, adopted_stacks=""))
    assert 'ENVIRONMENTS["dev"]["ADOPTED_STACKS"]' in refused.value.hint


def test_another_s_stack_of_the_same_name_is_never_taken_over() -> None:
    with pytest.raises(UserError, match=r"agora-dev-app belongs to agora-too/dev"):
        expect_ours([state("agora-dev-app", {OWNER_TAG: "agora-too/dev"})], agora().environment("dev"))


def test_all_stacks_of_another_app_are_one_line() -> None:
    theirs = [state(f"agora-dev-{part}", {OWNER_TAG: "model-ad/dev"}) for part in ("network", "ecs", "app")]
    with pytest.raises(UserError) as refused:
        expect_ours(theirs, agora().environment("dev"))
    assert refused.value.message == (
        "stack agora-dev-network belongs to model-ad/dev, by its tag portside:owner; so do 2 more"
    )
    assert "APP, STACK_PREFIX or account" in refused.value.hint


def test_the_record_names_what_a_deployment_may_make_before_it_begins_and_what_is_there_at_the_end() -> None:
    class Named:
        def __init__(self, name: str) -> None:
            self.name = name

    old = found(deployed())
    plan = DeploymentPlan(
        stacks=(Named("agora-dev-app"), Named("agora-dev-ecs")),  # type: ignore[arg-type]
        changes=changes_of([old], prune=True),
        unconfigured=(old,),
        adopted=("agora-dev-ecs",),
    )
    began = plan.record_at_begin(StackRecord({OLD: Origin.CREATED, "agora-dev-app": Origin.ADOPTED}))
    assert began.stacks == {
        OLD: Origin.CREATED,
        "agora-dev-app": Origin.ADOPTED,
        "agora-dev-ecs": Origin.ADOPTED,
    }
    assert set(plan.record_at_end(began).stacks) == {"agora-dev-app", "agora-dev-ecs"}


def test_a_record_is_read_as_it_was_written_however_many_stacks_it_names() -> None:
    ssm = FakeParameters()
    assert read_stack_record(ssm, named("dev")) == StackRecord()
    many = StackRecord({f"agora-dev-service-with-a-long-name-{n:03}": Origin.CREATED for n in range(200)})
    write_stack_record(ssm, named("dev"), many)
    assert read_stack_record(ssm, named("dev")) == many


def test_a_record_that_is_none_is_refused_and_not_mistaken_for_an_empty_one() -> None:
    ssm = FakeParameters({"/agora/dev/stacks": "{}"})
    with pytest.raises(UserError, match="/agora/dev/stacks: not a record"):
        read_stack_record(ssm, named("dev"))


def test_a_diagnosis_reports_it_and_nothing_is_wrong() -> None:
    somewhere = place({OLD: deployed()}, StackRecord({OLD: Origin.CREATED}))
    # Other reads find nothing, and are reported as not read.
    aws = {"cloudformation": somewhere.clients("cloudformation"), "ssm": somewhere.clients("ssm")}
    neighbours = collect(target({**aws, **dict.fromkeys(("ecs", "logs", "elbv2", "ec2", "docdb"))}), SERVICES).beside
    assert [stack.name for stack in neighbours] == [OLD]
    well, about = judge(evidence(service("agora-app", task()), beside=neighbours))
    assert well.code == "NOTHING"
    assert (about.code, about.stack, about.is_wrong) == ("NOT_CONFIGURED", OLD, False)
    assert about.fix == "remove it: ./agora deploy dev --prune"
