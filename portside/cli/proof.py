"""The proof that production can run the images that a command starts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from portside.cli.answers import say_all
from portside.cli.targets import ConfiguredTarget
from portside.errors import UsageError, UserError

if TYPE_CHECKING:
    from portside.aws.target import Target
    from portside.config.configuration import Configuration
    from portside.config.environment import Environment
    from portside.deploy.clearance import Clearance
    from portside.deploy.starting import Starting
    from portside.images.resolution import Resolution
    from portside.images.resolved_image import ResolvedImage
    from portside.images.service_images import ServiceImage
    from portside.records.proof import Proof


def clear_deployment(
    configured: ConfiguredTarget,
    images: Resolution,
    *,
    reason: str | None,
    profile: str | None,
    seed: bool = False,
    write: bool = True,
) -> Clearance:
    """Whether the environment may run these images; prints the proof.

    With `seed`, a rehearsal without a proof assumes one, and records it if `write`. Raises `NotProven` or
    `NotCommitted`.
    """
    from portside.deploy.clearance import Clearance
    from portside.records.proof import NotProven, expect_proof, seed_proof

    target = configured.target

    def ask() -> Proof | None:
        _expect_committed(configured, images)
        return expect_proof(target.environment, configured.configuration, images, _reach(configured, profile))

    if seed and target.is_local:
        try:
            ask()
        except NotProven as unproven:
            where = unproven.proof.environment
            say_all([f"{where} never ran {images.version} here; a synthetic record says that it did."], "yellow")
            if not write:
                return Clearance(target.environment.name, True, ask)
            seed_proof(target, configured.configuration, images)
    return _cleared(configured, ask, reason)


def clear_images(
    configured: ConfiguredTarget,
    read: Callable[[], Starting],
    *,
    reason: str | None,
    profile: str | None,
    images: Resolution | None = None,
) -> Clearance:
    """The same for images of an earlier deployment, or of new tasks, which the environment's own record can prove.

    `read` returns the images that would start, each time it is called. `images` are those of the templates, if the
    command makes templates.
    """
    target, as_shown = configured.target, _unchanged()

    def ask() -> Proof | None:
        _expect_committed(configured, images)
        if not target.environment.is_production:
            return None
        _expect_its_aws(configured, target)
        return _expect_proof_or_own(configured, as_shown(read()), profile)

    return _cleared(configured, ask, reason)


def clear_task(
    configured: ConfiguredTarget,
    image: ServiceImage,
    services: Callable[[], Starting],
    *,
    reason: str | None,
    profile: str | None,
) -> Clearance:
    """The same for a task that runs once, and for the services that restart after it."""
    from portside.images.committed_locks import expect_committed_task
    from portside.records.proof import NotProven, expect_task_proof

    target, as_shown = configured.target, _unchanged()

    def ask() -> Proof | None:
        _expect_committed(configured)
        if not target.is_local:
            expect_committed_task(target.environment, image)
        if not target.environment.is_production:
            return None
        _expect_its_aws(configured, target)
        proof, refused = None, list[NotProven]()
        try:
            proof = expect_task_proof(target, configured.configuration, image, _reach(configured, profile))
        except NotProven as unproven:
            refused.append(unproven)
        if proof is None or not proof.waived:
            starting = as_shown(services())
            try:
                _expect_proof_or_own(configured, starting, profile)
            except NotProven as unproven:
                refused.append(unproven)
        if len(refused) > 1:
            # The user who confirms the task confirms the services too, and must see both.
            task, then = refused
            differences = (*task.proof.differences, *then.proof.differences)
            lacking = (*task.proof.lacking, *then.proof.lacking)
            task.proof = replace(task.proof, differences=differences, lacking=lacking)
            task.message = "\n  ".join([task.message, *then.proof.differences])
        if refused:
            raise refused[0]
        return proof

    return _cleared(configured, ask, reason)


def _expect_proof_or_own(configured: ConfiguredTarget, starting: Starting, profile: str | None) -> Proof | None:
    """The proof of the images to start, by the proving environment's record or the environment's own."""
    from portside.records.deployment_record import read_records
    from portside.records.proof import expect_proof_or_own

    target = configured.target
    own = read_records(target.clients("ssm"), target.environment)
    reach = _reach(configured, profile)
    return expect_proof_or_own(
        target, configured.configuration, starting.requested, own, reach, running=starting.running
    )


def starting_services(configured: ConfiguredTarget, names: Sequence[str]) -> Callable[[], Starting]:
    """A function that reads the images that new tasks of services would run."""
    from portside.deploy import redeploy
    from portside.deploy.starting import read_starting
    from portside.plan.images import look_up

    target = configured.target
    chosen = [props for props in configured.services if props.container_name in names]

    def resolved(reference: str) -> ResolvedImage:
        version = reference.rpartition(":")[2]
        return look_up([reference], version, configured.configuration, local=target.is_local).images[reference]

    return lambda: read_starting(target, redeploy.plan(target, chosen), resolved)


def _unchanged() -> Callable[[Starting], Starting]:
    """A check that the images to start are still those that were shown first. Raises `UserError`."""
    shown: list[Starting] = []

    def compare(starting: Starting) -> Starting:
        if shown and starting.requested != shown[0].requested:
            raise UserError(
                "the images to start have changed since they were shown: "
                + ", ".join(each.reference for each in starting.requested if each not in shown[0].requested),
                "Run the same command again.",
            )
        shown.append(starting)
        return starting

    return compare


def _reach(configured: ConfiguredTarget, profile: str | None) -> Callable[[Environment], Target]:
    from portside.aws.target import other_target

    def reach(proving: Environment) -> Target:
        found = other_target(configured.target, proving, profile=profile)
        _expect_its_aws(configured, found)
        return found

    return reach


def _expect_its_aws(configured: ConfiguredTarget, place: Target) -> None:
    """Raise `UsageError` if a record would be read from another AWS than the deployment's.

    Settings such as AWS_ENDPOINT_URL_SSM, or endpoint_url in a profile, redirect the calls to one service.
    """
    from portside.aws.clients import endpoint_of, is_same_aws

    if place.is_local:
        return
    read, deployed = endpoint_of(place.clients("ssm")), endpoint_of(configured.target.clients("cloudformation"))
    if not is_same_aws(read, deployed):
        raise UsageError(
            f"the record of {place.environment.name} would be read from {read}, but {deployed} is deployed to",
            "Remove the setting that redirects it: AWS_ENDPOINT_URL_SSM, or endpoint_url in a profile.",
        )


def _cleared(configured: ConfiguredTarget, ask: Callable[[], Proof | None], reason: str | None) -> Clearance:
    from portside.deploy.clearance import ask_for_clearance
    from portside.records.unproven import parse_reason

    target = configured.target
    cleared = ask_for_clearance(target.environment.name, ask, parse_reason(reason), is_rehearsal=target.is_local)
    is_plain = cleared.proof and not cleared.proof.waived
    say_all([cleared.sentence], None if is_plain else "yellow")
    return cleared


def read_proof(
    configuration: Configuration, environment: str, lock: Resolution, profile: str | None, *, local: bool
) -> Proof | None:
    """The proof that an environment may run the images of a lock, None if it needs none. Raises `NotProven`."""
    from functools import partial

    from portside.aws.target import aws_target, local_target
    from portside.records.proof import expect_proof

    reach = local_target if local else partial(aws_target, profile=profile)
    return expect_proof(configuration.environment(environment), configuration, lock, reach)


def _expect_committed(configured: ConfiguredTarget, images: Resolution | None = None) -> None:
    """Raise `NotCommitted` for rules, or images of templates, that are not committed. A rehearsal accepts them."""
    from portside.images.committed_locks import expect_committed, expect_committed_rules
    from portside.records.deployment_record import read_records

    target = configured.target

    def was_production() -> bool:
        records = read_records(target.clients("ssm"), target.environment)
        return any(record.proof or record.unproven for record in records)

    if not target.is_local:
        expect_committed_rules(configured.configuration, target.environment, was_production=was_production)
        if images is not None:
            expect_committed(target.environment, configured.services, images)
