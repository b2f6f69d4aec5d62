"""Deploying an environment: plan, confirm, execute, wait until it is stable, and report what runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from portside.aws import database_logs
from portside.aws.errors import aws_errors, is_denied, is_expired, is_missing
from portside.aws.health import health
from portside.aws.model import Service
from portside.aws.reader import Reader
from portside.aws.target import Target
from portside.commands import tool
from portside.config.configuration import Configuration
from portside.config.context_flags import PARALLEL, REREAD
from portside.config.environment import Environment
from portside.config.service_props import ServiceProps
from portside.config.stacks import StackKind, database_stacks, only_stack, service_stack, stacks_for, task_stack
from portside.deploy.cdk_runs import run_until_done, wait_until_settled
from portside.deploy.deployment_run import DeploymentFailed, DeploymentRun, reporting
from portside.deploy.jobs import as_recorded, run_due_jobs, runs_before_rollout
from portside.deploy.planning import plan
from portside.deploy.progress import Followed, following
from portside.deploy.stability import NotStable, wait_until_stable
from portside.deploy.stack_removal import remove_stacks
from portside.deploy.task_run import TaskFailed
from portside.errors import UserError
from portside.findings.early_evidence import make_ready
from portside.images.resolution import Resolution
from portside.images.synthesis_images import keep_groups
from portside.json_fields import JsonFields
from portside.plan.deployment_plan import DeploymentPlan, context_of_groups
from portside.plan.images import kept_folder
from portside.plan.plan import StackChange, without_stacks
from portside.records.deployment_record import ROLLBACK, USUAL, Terms, new_record, place_of, recorded
from portside.records.environment_lock import expect_unlocked, locked, read_lock
from portside.records.origin import Origin
from portside.records.stack_record import StackRecord, read_stack_record, write_stack_record
from portside.synthesis import cdk_cli, references
from portside.synthesis.assembly import Stack
from portside.synthesis.template_images import expect_images
from portside.terminal.console import say, step


@dataclass(frozen=True)
class ServiceSummary:
    """A service in the result of a deployment."""

    name: str
    image: str
    desired: int
    running: int
    health: str


@dataclass(frozen=True)
class Deployment(JsonFields):
    """The result of a deployment."""

    environment: str
    account: str
    local: bool
    seconds: float
    stacks: Mapping[str, str]
    services: tuple[ServiceSummary, ...]
    images: Resolution
    load_balancer_dns: str
    load_balancer_export: str
    urls: Mapping[str, str]
    """The address of the site, or of its stub on this machine."""
    folder: str = ""
    """The folder with its report."""


def execute(run: DeploymentRun, stacks: Sequence[Stack]) -> Deployment:
    """Deploy what was planned and wait until it is stable. Raises `DeploymentFailed` with the verdicts."""
    try:
        try:
            return _execute(run, stacks)
        except (cdk_cli.CdkFailed, NotStable, TaskFailed) as failure:
            run.diagnose()
            if isinstance(failure, TaskFailed) or not _passes(run, stacks, failure):
                raise DeploymentFailed(run, failure) from failure
        try:
            return _execute(run, stacks)
        except (cdk_cli.CdkFailed, NotStable, TaskFailed) as failure:
            run.diagnose()
            raise DeploymentFailed(run, failure) from failure
    except aws_errors() as error:
        unknown = _unknown(run, error)
        if is_missing(error):
            # A resource does not exist, so the deployment failed; reading it did not.
            run.diagnose()
            raise DeploymentFailed(run, unknown) from error
        raise unknown from error


def _passes(run: DeploymentRun, stacks: Sequence[Stack], failure: cdk_cli.CdkFailed | NotStable) -> bool:
    """Whether AWS itself failed in passing, and nothing is in progress there: then deploying again may go well."""
    if not run.failed_in_passing or not _waits_until_settled(run, [stack.name for stack in stacks], failure):
        return False
    say(f"Transient errors of AWS, so this deploys again: {'; '.join(run.reasons)}", "yellow")
    run.forget()
    return True


def _execute(run: DeploymentRun, stacks: Sequence[Stack]) -> Deployment:
    target = run.retrying
    names = [stack.name for stack in stacks]
    _deploy_around_jobs(run, [change.stack for change in run.changes if change.is_deployed], stacks)
    _update_stale_stacks(run, stacks)
    environment = target.environment
    for stack in database_stacks(environment):
        database_logs.keep_for(target.clients, environment.database_kind, stack.name, environment.log_retention_days)
    run.running = wait_until_stable(run)
    found = _reader(target, run.services).named(names)
    balancer = found.get(only_stack(environment, StackKind.LOAD_BALANCER).name)
    dns_name = balancer.outputs.get("LoadBalancerDNS", "") if balancer else ""
    exports = balancer.exports if balancer else ()
    return Deployment(
        environment=environment.name,
        account=environment.account,
        local=target.is_local,
        seconds=round(run.timeline.seconds, 1),
        stacks=run.actions,
        services=tuple(map(_summary, run.running)),
        images=run.images,
        load_balancer_dns=dns_name,
        load_balancer_export=next((name for name in exports if name.endswith("-load-balancer-dns")), ""),
        urls=_urls(target, dns_name) if dns_name else {},
    )


def _deploy_around_jobs(run: DeploymentRun, names: Sequence[str], stacks: Sequence[Stack]) -> None:
    """Deploy stacks, and run the jobs that precede a rollout before the stacks of services and other tasks change.

    A rollback runs none: programs for migrations fail on a database that a later image has migrated.
    """
    environment, jobs = run.target.environment, runs_before_rollout(run.services)
    if not jobs or run.terms.kind == ROLLBACK:
        _deploy(run, names)
        return
    own = {task_stack(environment, props.container_name).name for props in jobs}
    kinds = (StackKind.SERVICE, StackKind.TASK, StackKind.MONITORING)
    later = {each.name for each in stacks_for(environment, run.services) if each.kind in kinds} - own
    _deploy(run, [name for name in names if name not in later])
    _update_stale_stacks(run, [stack for stack in stacks if stack.name not in later])
    run.job_runs = run_due_jobs(run.retrying, jobs)
    _deploy(run, [name for name in names if name in later])


class OutcomeUnknown(UserError):
    """The deployment continues, but its progress can no longer be read."""

    code = "unseen"


def _unknown(run: DeploymentRun, error: Exception) -> UserError:
    target, name = run.target, run.target.environment.name
    again = "CloudFormation continues. See how it ended, then run the same command again: "
    again = f"{run.last_seen} {again}".lstrip()
    if is_expired(error):
        return OutcomeUnknown(
            f"the AWS credentials expired while {name} was being deployed: its result could not be read",
            f"Log in again. {again}{target.commands.tool('diagnose')}",
        )
    if is_denied(error):
        return OutcomeUnknown(
            f"these credentials cannot read the progress of the deployment of {name}: {error}",
            f"Give them the rights that {tool('role', name, local=False)} prints. "
            f"{again}{target.commands.tool('diagnose')}",
        )
    return OutcomeUnknown(
        f"the progress of the deployment of {name} could no longer be read: {error}",
        again + target.commands.tool("diagnose"),
    )


def _urls(target: Target, load_balancer_dns: str) -> dict[str, str]:
    if not target.is_local:
        return {"Site": target.environment.url or f"http://{load_balancer_dns}"}
    from portside.emulator.client import control

    balancers = control.load_balancers(target.environment.account, aws=target.local_aws)
    url = next((each["url"] for each in balancers if each["dns_name"] == load_balancer_dns), None)
    return {"Stand-in": url} if url else {}


def _summary(service: Service) -> ServiceSummary:
    images = {own.image for task in service.running_tasks if (own := task.container(service.name))}
    return ServiceSummary(
        service.name, " and ".join(sorted(images)) or "-", service.desired, service.running, str(health(service))
    )


def _reader(target: Target, services: Sequence[ServiceProps]) -> Reader:
    return Reader(target.clients, target.environment, services)


def _deploy(run: DeploymentRun, names: Sequence[str]) -> None:
    if not names:
        return
    target = run.target
    followed = Followed(
        title=f"{run.verb} {target.environment.name}",
        with_services=True,
        timeline=run.timeline,
        expected_seconds=run.terms.expected_seconds,
        note_failure=run.early.note_failure,
    )
    are_new = all(change.is_new for change in run.changes if change.stack in names)
    # The target without retries: it looks again, and must not be waited for at the end.
    reader = _reader(target, run.services)
    with following(reader, names, every_seconds=target.polling_seconds, followed=followed) as progress:
        run_until_done(
            lambda: cdk_cli.deploy(target, names, progress.hear, are_new=are_new),
            lambda failure: _waits_until_settled(run, names, failure),
        )


def _waits_until_settled(run: DeploymentRun, names: Sequence[str], failure: cdk_cli.CdkFailed | NotStable) -> bool:
    """Wait for CloudFormation after the CDK CLI has ended. Returns whether the CLI can be started again."""
    try:
        reader = _reader(run.retrying, run.services)
        states = wait_until_settled(reader, names, every_seconds=run.target.polling_seconds)
    except Exception as error:
        # The error that stopped the CLI is the one to show.
        failure.hint = "\n".join(filter(None, [failure.hint, _unknown(run, error).hint]))
        return False
    return states is not None and all(state.is_usable for state in states.values())


def _update_stale_stacks(run: DeploymentRun, stacks: Sequence[Stack]) -> None:
    target = run.retrying
    reader, ssm = _reader(target, run.services), target.clients("ssm")
    names = [stack.name for stack in stacks]
    states = reader.named(names)
    record = references.read_record(ssm, target.environment)
    excluded = {service_stack(target.environment, each).name for each in run.terms.left_out}
    stale = [name for name in references.stale_stacks(stacks, states, record) if name not in excluded]
    if stale:
        with step(f"Updating stacks that use old outputs of other stacks: {', '.join(stale)}"):
            context = {PARALLEL: "true", REREAD: ",".join(stale)} | context_of_groups(run.groups)
            made = cdk_cli.synthesize(target, run.images, context, lambda _: None, validate=False)
            expect_images(made, target.environment, run.services, run.images)
        _deploy(run, stale)
        states = reader.named(names)
    current = dict(record) | references.record_of(stacks, states)
    if current != record:
        references.write_record(ssm, target.environment, current)


def deploy(
    target: Target,
    configuration: Configuration,
    images: Resolution,
    origin: Origin,
    *,
    terms: Terms = USUAL,
    confirm: Callable[[Sequence[StackChange], Sequence[Stack]], bool],
) -> Deployment | None:
    """Plan a deployment and, if it is confirmed, execute it under the environment's lock; record and report it.

    `confirm` shows the plan and checks the templates; it raises `UserError` if the plan would fail. Returns None if it
    returns False.
    """
    ssm, name = target.clients("ssm"), target.environment.name
    services = configuration.services_of(name)
    expect_unlocked(ssm, target.environment, local=target.is_local)
    planned = plan(target, services, images, prune=terms.prune)
    stacks = planned.stacks
    expect_images(stacks, target.environment, services, images)
    changes = without_stacks(planned.changes, [service_stack(target.environment, each).name for each in terms.left_out])
    if not confirm(changes, stacks):
        return None
    if target.is_local:
        # A rehearsal ends within seconds of its first failure; on AWS that takes minutes.
        make_ready(target.clients)
    run = DeploymentRun(target, configuration, images, changes, origin, terms, groups=planned.groups or {})
    locations = {props.container_name: props.container_location for props in services}
    record = new_record(origin, images, locations, place_of(target.environment, is_local=target.is_local), terms)
    ssm = run.retrying.clients("ssm")
    try:
        with locked(ssm, target.environment, origin, terms.kind, local=target.is_local):
            # The proof of the images may have changed since the plan was shown.
            terms.recheck()
            stack_record = read_stack_record(ssm, target.environment)
            _write_changed(ssm, target.environment, stack_record, began := planned.record_at_begin(stack_record))
            with recorded(ssm, target.environment, record) as recording, reporting(run):
                try:
                    done = execute(run, stacks)
                except BaseException:
                    # Clean-up is tried once, without retries.
                    run.retries.give_up()
                    raise
                finally:
                    recording.jobs = as_recorded(run.job_runs)
                recording.ran = run.ran
            _prune(run.retrying, planned)
            _write_changed(ssm, target.environment, began, planned.record_at_end(began))
            keep_groups(name, planned.groups or {}, kept_folder() if target.is_local else None)
        if run.not_written:
            problem = run.not_written
            raise UserError(f"{name} is deployed and runs, but {problem.message}", problem.hint) from problem
        return replace(done, folder=run.folder)
    except KeyboardInterrupt:
        _report_interrupted(target, [stack.name for stack in stacks])
        raise


def _write_changed(ssm: Any, environment: Environment, before: StackRecord, after: StackRecord) -> None:
    if after != before:
        write_stack_record(ssm, environment, after)


def _prune(target: Target, planned: DeploymentPlan) -> None:
    """Delete stacks that are not configured, after the deployment was recorded."""
    if not planned.pruned:
        return
    names = ", ".join(stack.name for stack in planned.pruned)
    try:
        with step(f"Removing {names}"):
            remove_stacks(target, planned.pruned)
    except UserError as error:
        raise UserError(
            f"{target.environment.name} is deployed and runs, but not removed: {names}\n{error.message}",
            error.hint or "Fix the cause and run the same command again.",
        ) from error


def _report_interrupted(target: Target, names: Sequence[str]) -> None:
    name = target.environment.name
    try:
        states = _reader(target, ()).named(names).values()
        moving = [f"{state.name} ({state.status})" for state in states if not state.is_settled]
        lock = read_lock(target.clients("ssm"), target.environment)
    except aws_errors() as error:
        say(f"The state of CloudFormation could not be read: {error}", "yellow")
        return
    if moving:
        say(f"CloudFormation continues with {', '.join(moving)}.", "yellow")
    else:
        say("No stack is in progress in CloudFormation.")
    say(
        f"The lock is released. See the status: {target.commands.tool('diagnose')}"
        if lock is None
        else lock.sentence(name)
    )
