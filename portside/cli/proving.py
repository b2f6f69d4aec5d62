"""What the commands that start something in production have in common: they ask for its proof first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from portside.cli.options import Acting, say_all
from portside.errors import UsageError, UserError

if TYPE_CHECKING:
    from portside.aws.target import Target
    from portside.config.environment import Environment
    from portside.deploy.clearance import Clearance
    from portside.deploy.starting import Starting
    from portside.images.resolution import Resolution
    from portside.images.resolved_image import ResolvedImage
    from portside.images.service_images import ServiceImage
    from portside.records.proof import Proof

proof_profile_option = click.option(
    "--proof-profile",
    metavar="PROFILE",
    help="The AWS profile for the records of the environment that proves releases, if it is in another account.",
)
unproven_option = click.option(
    "--unproven",
    metavar="REASON",
    help="Run an unproven image in production; the reason is recorded. Asks twice, on a terminal only.",
)


def proof_options(command: Any) -> Any:
    """The options of a command that starts something in production: --unproven, --proof-profile."""
    return unproven_option(proof_profile_option(command))


def clear_deployment(
    acting: Acting,
    images: Resolution,
    *,
    reason: str | None,
    profile: str | None,
    seed: bool = False,
    write: bool = True,
) -> Clearance:
    """Ask whether the environment may run the images that it would be deployed with, and say what proves them.

    With `seed` a rehearsal without a proof pretends that there is one, which only `write` puts on record. Raises
    `NotProven` or `NotCommitted`.
    """
    from portside.deploy.clearance import Clearance
    from portside.records.proof import NotProven, expect_proof, seed_proof

    target = acting.target

    def ask() -> Proof | None:
        _expect_committed(acting, images)
        return expect_proof(target.environment, acting.configuration, images, _reach(acting, profile))

    if seed and target.is_local:
        try:
            ask()
        except NotProven as unproven:
            where = unproven.proof.environment
            say_all([f"{where} never ran {images.version} here; a synthetic record says that it did."], "yellow")
            if not write:
                return Clearance(target.environment.name, True, ask)
            seed_proof(target, acting.configuration, images)
    return _cleared(acting, ask, reason)


def clear_images(
    acting: Acting,
    read: Callable[[], Starting],
    *,
    reason: str | None,
    profile: str | None,
    images: Resolution | None = None,
) -> Clearance:
    """The same for images that come back or start again, for which the environment's own record is enough.

    `read` says what would start, each time it is asked. Where templates are made of it, `images` has all that stand in
    these.
    """
    from portside.records.deployment_record import read_records
    from portside.records.proof import expect_proof_or_own

    target, as_shown = acting.target, _unchanged()

    def ask() -> Proof | None:
        _expect_committed(acting, images)
        if not target.environment.is_production:
            return None
        _expect_its_aws(acting, target)
        starting = as_shown(read())
        own = read_records(target.clients("ssm"), target.environment)
        return expect_proof_or_own(
            target, acting.configuration, starting.wanted, own, _reach(acting, profile), running=starting.running
        )

    return _cleared(acting, ask, reason)


def clear_task(
    acting: Acting, wanted: ServiceImage, services: Callable[[], Starting], *, reason: str | None, profile: str | None
) -> Clearance:
    """The same for a task that runs once, and for the services that are started again after it."""
    from portside.images.committed_locks import expect_committed_task
    from portside.records.deployment_record import read_records
    from portside.records.proof import NotProven, expect_proof_or_own, expect_task_proof

    target, as_shown = acting.target, _unchanged()

    def ask() -> Proof | None:
        _expect_committed(acting)
        if not target.is_local:
            expect_committed_task(target.environment, wanted)
        if not target.environment.is_production:
            return None
        _expect_its_aws(acting, target)
        proof, refused = None, list[NotProven]()
        try:
            proof = expect_task_proof(target, acting.configuration, wanted, _reach(acting, profile))
        except NotProven as unproven:
            refused.append(unproven)
        if proof is None or not proof.waived:
            starting, own = as_shown(services()), read_records(target.clients("ssm"), target.environment)
            try:
                expect_proof_or_own(
                    target,
                    acting.configuration,
                    starting.wanted,
                    own,
                    _reach(acting, profile),
                    running=starting.running,
                )
            except NotProven as unproven:
                refused.append(unproven)
        if len(refused) > 1:
            # The person who answers for the task answers for these too, and must see both.
            task, then = refused
            differences = (*task.proof.differences, *then.proof.differences)
            lacking = (*task.proof.lacking, *then.proof.lacking)
            task.proof = replace(task.proof, differences=differences, lacking=lacking)
            task.message = "\n  ".join([task.message, *then.proof.differences])
        if refused:
            raise refused[0]
        return proof

    return _cleared(acting, ask, reason)


def starting_services(acting: Acting, names: Sequence[str]) -> Callable[[], Starting]:
    """Reads what new tasks of services would run."""
    from portside.deploy import redeploy
    from portside.deploy.starting import read_starting
    from portside.plan.images import look_up

    target = acting.target
    chosen = [props for props in acting.services if props.container_name in names]

    def resolved(reference: str) -> ResolvedImage:
        return look_up([reference], reference.rpartition(":")[2], local=target.is_local).images[reference]

    return lambda: read_starting(target, redeploy.plan(target, chosen), resolved)


def _unchanged() -> Callable[[Starting], Starting]:
    """What would start, which must be the same each time that it is read: a person was shown the first."""
    shown: list[Starting] = []

    def compare(starting: Starting) -> Starting:
        if shown and starting.wanted != shown[0].wanted:
            raise UserError(
                "what would start has changed since it was shown: "
                + ", ".join(each.reference for each in starting.wanted if each not in shown[0].wanted),
                "Run the same command again.",
            )
        shown.append(starting)
        return starting

    return compare


def _reach(acting: Acting, profile: str | None) -> Callable[[Environment], Target]:
    from portside.aws.target import other_target

    def reach(proving: Environment) -> Target:
        found = other_target(acting.target, proving, profile=profile)
        _expect_its_aws(acting, found)
        return found

    return reach


def _expect_its_aws(acting: Acting, place: Target) -> None:
    """Raise `UsageError` where a record would be read from another AWS than the one that is deployed to.

    Settings such as AWS_ENDPOINT_URL_SSM, or endpoint_url in a profile, lead one service's calls elsewhere.
    """
    from portside.aws.clients import endpoint_of, is_same_aws

    if place.is_local:
        return
    read, deployed = endpoint_of(place.clients("ssm")), endpoint_of(acting.target.clients("cloudformation"))
    if not is_same_aws(read, deployed):
        raise UsageError(
            f"the record of {place.environment.name} would be read from {read}, but {deployed} is deployed to",
            "Remove what leads there: AWS_ENDPOINT_URL_SSM, or endpoint_url in a profile.",
        )


def _cleared(acting: Acting, ask: Callable[[], Proof | None], reason: str | None) -> Clearance:
    from portside.deploy.clearance import ask_for_clearance
    from portside.records.unproven import parse_reason

    target = acting.target
    cleared = ask_for_clearance(target.environment.name, ask, parse_reason(reason), is_rehearsal=target.is_local)
    is_plain = cleared.proof and not cleared.proof.waived
    say_all([cleared.sentence], None if is_plain else "yellow")
    return cleared


def confirm(question: str, expected: str) -> bool:
    """Ask at the terminal."""
    from portside.terminal import console

    return console.confirm(question, expected=expected)


def _expect_committed(acting: Acting, images: Resolution | None = None) -> None:
    """Raise `NotCommitted` for rules, and images of templates, that no commit has. A rehearsal can have such."""
    from portside.images.committed_locks import expect_committed, expect_committed_rules
    from portside.records.deployment_record import read_records

    target = acting.target

    def was_production() -> bool:
        records = read_records(target.clients("ssm"), target.environment)
        return any(record.proof or record.unproven for record in records)

    if not target.is_local:
        expect_committed_rules(acting.configuration, target.environment, was_production=was_production)
        if images is not None:
            expect_committed(target.environment, acting.services, images)
