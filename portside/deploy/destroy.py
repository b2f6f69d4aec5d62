"""Deleting an environment, except for the stacks that the plan retains."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from portside.aws import access_logs, guardduty
from portside.aws.errors import is_from_aws, message_of
from portside.aws.ownership import expect_ours
from portside.aws.reader import Reader
from portside.aws.stack_reading import failures_since, physical_ids, read_all_stacks, read_stacks
from portside.aws.target import Target, with_retries
from portside.config.context_flags import DESTROYING, WITH_DATA
from portside.config.environment import Environment
from portside.config.service_props import ServiceProps
from portside.config.stacks import StackKind, only_stack, own_stacks, stacks_for
from portside.deploy.cdk_runs import run_until_done, wait_until_settled
from portside.deploy.progress import following
from portside.errors import UsageError, UserError
from portside.images.resolution import Resolution
from portside.images.synthesis_images import images_for_synthesis
from portside.json_fields import JsonFields
from portside.records import deployment_record, job_record, maintenance_record, stack_record, task_record
from portside.records.environment_lock import locked
from portside.records.origin import Origin
from portside.records.parameter_history import names_of
from portside.records.stack_record import read_stack_record, write_stack_record
from portside.synthesis import cdk_cli, references
from portside.synthesis.assembly import Stack
from portside.terminal.console import step

_ENDPOINT_DELETED_WITHIN_SECONDS = 300
# https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DeleteParameters.html
_DELETED_AT_ONCE = 10


@dataclass(frozen=True)
class DestructionPlan(JsonFields):
    """The stacks that go, last deployed first, and those that stay with what is in them; and buckets that go."""

    going: tuple[str, ...]
    staying: Mapping[str, tuple[str, ...]]
    buckets: tuple[str, ...] = ()


def plan(
    target: Target, services: Sequence[ServiceProps], *, with_data: bool
) -> tuple[tuple[Stack, ...], DestructionPlan]:
    """The stacks to delete and to retain. The database keeps its network, without which it could not be reached.

    Raises `UsageError` for the data of a production environment in AWS, which this tool does not delete.
    """
    environment = target.environment
    if with_data and environment.is_production and not target.is_local:
        raise UsageError(
            f"the data of {environment.name} is not deleted by this tool",
            "Leave --with-data out. Where it must go, the owner of the database deletes it in the console.",
        )
    cloudformation = target.clients("cloudformation")
    names = [each.name for each in stacks_for(environment, services)]
    expect_ours(read_stacks(cloudformation, names).values(), environment)
    stack_record.expect_same_prefix(target)
    with step("Making the templates"):
        context = {DESTROYING: "true"} | ({WITH_DATA: "true"} if with_data else {})
        # Deleting does not depend on the images, so no registry is called; but templates of
        # production are made only with images of a lock.
        none = Resolution(environment.ghcr_package_version, {})
        is_locked = environment.is_production and not target.is_local
        images = images_for_synthesis(environment, services) if is_locked else none
        stacks = cdk_cli.synthesize(target, images, context, lambda _: None, validate=False)
    deployed = read_stacks(cloudformation, [stack.name for stack in stacks])
    kept = () if with_data else kept_stacks(environment)
    if unknown_stacks(target, stacks):
        # A stack that is no longer configured can still be in the network, which can't be deleted before it.
        kept = tuple(dict.fromkeys((only_stack(environment, StackKind.NETWORK).name, *kept)))
    buckets = access_logs.buckets_of(target.clients("s3"), environment)
    staying = {name: _resources(cloudformation, name) for name in kept if name in deployed}
    if buckets and not with_data:
        balancer = only_stack(environment, StackKind.LOAD_BALANCER)
        staying[balancer.name] = tuple(f"AWS::S3::Bucket {name}" for name in buckets)
    if staying and read_stack_record(target.clients("ssm"), environment).stacks:
        network = only_stack(environment, StackKind.NETWORK).name
        record = f"AWS::SSM::Parameter {stack_record.parameter_name(environment)}"
        staying[network] = (*staying.get(network, ()), record)
    return stacks, DestructionPlan(
        going=tuple(stack.name for stack in reversed(stacks) if stack.name in deployed and stack.name not in kept),
        staying=staying,
        buckets=buckets if with_data else (),
    )


def kept_stacks(environment: Environment) -> tuple[str, ...]:
    """The stacks with data, and the network if one of them is in it."""
    found = [stack for stack in stacks_for(environment, ()) if stack.outlives_its_environment]
    keeps_network = any(stack.kind is StackKind.DATABASE or stack.uses_network for stack in found)
    return tuple(stack.name for stack in found if keeps_network or stack.kind is not StackKind.NETWORK)


def unknown_stacks(target: Target, stacks: Sequence[Stack]) -> list[str]:
    """Stacks of the environment that `app.py` does not (or no longer) name; they are not deleted."""
    names = {stack.name for stack in stacks}
    found = list(read_all_stacks(target.clients("cloudformation"), target.environment.stack_name("")))
    return [name for name in found if name not in names]


def execute(target: Target, planned: DestructionPlan, origin: Origin, *, with_data: bool) -> None:
    """Delete the planned stacks, under the lock. Raises `DestructionFailed` if some could not be deleted."""
    with locked(target.clients("ssm"), target.environment, origin, "destroy", local=target.is_local):
        _execute(target, planned, with_data=with_data)


def _execute(target: Target, planned: DestructionPlan, *, with_data: bool) -> None:
    began = datetime.now(UTC)
    asked, _ = with_retries(target)
    network = only_stack(target.environment, StackKind.NETWORK).name
    try:
        _unprotect(target, planned.going)
        _act(target, [name for name in _protected(target.environment, with_data=with_data) if name in planned.going])
        _empty_buckets(asked, planned)
        _act(target, [name for name in planned.going if name != network], cdk_cli.destroy)
        if network in planned.going:
            _clear_of_guardduty(target, network)
            _act(target, [network], cdk_cli.destroy)
    except cdk_cli.CdkFailed as failure:
        raise DestructionFailed(target, _why(target, planned.going, began), failure) from failure
    left = read_stacks(asked.clients("cloudformation"), planned.going)
    if left:
        raise UserError(f"still there: {', '.join(left)}", "Run the same command again.")
    for bucket in planned.buckets:
        with step(f"Deleting the access logs in {bucket}"):
            access_logs.delete(asked.clients("s3"), bucket)
    environment = target.environment
    kept = [
        *names_of(references.parameter_name(environment)),
        *names_of(deployment_record.parameter_name(environment)),
        task_record.parameter_name(environment),
        *names_of(job_record.parameter_name(environment)),
        maintenance_record.parameter_name(environment),
    ]
    _delete_parameters(asked.clients("ssm"), kept)
    _forget_stacks(asked, planned.going)


def _empty_buckets(target: Target, planned: DestructionPlan) -> None:
    """Empty the buckets of own stacks that are deleted with their data: CloudFormation only deletes empty ones."""
    for stack in own_stacks(target.environment):
        if stack.retained and stack.name in planned.going:
            for bucket in physical_ids(target.clients("cloudformation"), stack.name, access_logs.BUCKET):
                with step(f"Emptying {bucket}"):
                    access_logs.empty(target.clients("s3"), bucket)


def _forget_stacks(target: Target, deleted: Sequence[str]) -> None:
    """Remove stacks from the record, which stays as long as it names one, so that this can be removed later."""
    ssm, environment = target.clients("ssm"), target.environment
    record = read_stack_record(ssm, environment).without_stacks(deleted)
    if read_stacks(target.clients("cloudformation"), list(record.stacks)):
        write_stack_record(ssm, environment, replace(record, groups={}))
    else:
        _delete_parameters(ssm, names_of(stack_record.parameter_name(environment)))


def _delete_parameters(ssm: Any, names: Sequence[str]) -> None:
    for start in range(0, len(names), _DELETED_AT_ONCE):
        ssm.delete_parameters(Names=names[start : start + _DELETED_AT_ONCE])


class DestructionFailed(UserError):
    """One or more stacks could not be deleted: what stopped it, and CloudFormation's `reasons`."""

    def __init__(self, target: Target, reasons: Sequence[str], cli: cdk_cli.CdkFailed) -> None:
        said = "\n".join([f"destroying {target.environment.name} {target.place} failed", cli.message, *reasons])
        super().__init__(said, "Fix the cause and run the same command again: it continues with the remaining stacks.")
        self.stopped_by = cli.message


def _why(target: Target, names: Sequence[str], since: datetime) -> list[str]:
    """The first failures of each stack that is still there, or that they could not be read."""
    try:
        return _first_failures(target.clients("cloudformation"), names, since)
    except Exception as error:
        # The error that stopped the command is the one to show.
        said = message_of(error) if is_from_aws(error) else type(error).__name__
        return [f"The reasons could not be read from CloudFormation: {said}"]


def _first_failures(cloudformation: Any, names: Sequence[str], since: datetime) -> list[str]:
    return [
        f"{name}: {failure.logical_id} ({failure.kind})\n  {failure.reason}"
        for name in read_stacks(cloudformation, names)
        for failure in failures_since(cloudformation, name, since)[:3]
        if failure.kind != "AWS::CloudFormation::Stack"
    ]


def _act(target: Target, names: Sequence[str], act: Callable[..., None] = cdk_cli.deploy) -> None:
    if names:
        with following(_reader(target), names, every_seconds=target.polling_seconds) as progress:
            run_until_done(lambda: act(target, names, progress.hear), lambda _: _waits_until_settled(target, names))


def _waits_until_settled(target: Target, names: Sequence[str]) -> bool:
    """Wait for CloudFormation after the CDK CLI has ended. Returns whether the CLI can be started again."""
    try:
        return (
            wait_until_settled(_reader(with_retries(target)[0]), names, every_seconds=target.polling_seconds)
            is not None
        )
    except Exception:
        # The error that stopped the CLI is the one to show; the reasons mention that AWS can't be read.
        return False


def _reader(target: Target) -> Reader:
    return Reader(target.clients, target.environment, ())


def _clear_of_guardduty(target: Target, network: str) -> None:
    """Take GuardDuty's endpoint out of the network, which cannot be deleted with it."""
    ec2 = target.clients("ec2")
    for vpc_id in physical_ids(target.clients("cloudformation"), network, "AWS::EC2::VPC"):
        if not guardduty.delete_endpoints(ec2, vpc_id):
            continue
        with step("Waiting for GuardDuty's endpoint to go"):
            until = time.monotonic() + _ENDPOINT_DELETED_WITHIN_SECONDS
            while guardduty.endpoints_of(ec2, vpc_id) and time.monotonic() < until:
                time.sleep(target.polling_seconds)
            guardduty.delete_groups(ec2, vpc_id)


def _unprotect(target: Target, names: Sequence[str]) -> None:
    """Let stacks be deleted that are protected from it, as all of a production environment's are."""
    if target.environment.is_production:
        for name in names:
            target.clients("cloudformation").update_termination_protection(
                StackName=name, EnableTerminationProtection=False
            )


def _protected(environment: Environment, *, with_data: bool) -> list[str]:
    """The stacks with resources protected from deletion: the database's, in production others too."""
    lasting = (StackKind.ECS_CLUSTER, StackKind.LOAD_BALANCER) if environment.is_production else ()
    return [
        *(stack.name for stack in stacks_for(environment, ()) if stack.kind in lasting),
        *(kept_stacks(environment) if with_data else ()),
    ]


def _resources(cloudformation: Any, name: str) -> tuple[str, ...]:
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
    return tuple(
        f"{each['ResourceType']} {each['PhysicalResourceId']}"
        for page in pages
        for each in page["StackResourceSummaries"]
        if each["ResourceStatus"] != "DELETE_COMPLETE"
    )
