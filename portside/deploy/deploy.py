"""Deploying an environment: plan, ask, carry out, wait for the true end, and say what runs."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from portside.aws import database_logs
from portside.aws.errors import is_denied, is_expired, is_missing
from portside.aws.health import health
from portside.aws.model import Service
from portside.aws.reader import Reader
from portside.aws.stack_reading import read_templates
from portside.aws.target import Target
from portside.commands import tool
from portside.config.configuration import Form
from portside.config.context_flags import REREAD, SIDE_BY_SIDE
from portside.config.service_props import ServiceProps
from portside.config.stacks import StackKind, database_stacks, only_stack, service_stack, stacks_for
from portside.deploy.cdk_runs import run_to_the_end, wait_until_settled
from portside.deploy.deployment_run import DeploymentFailed, DeploymentRun, reporting
from portside.deploy.progress import following
from portside.deploy.stability import NotStable, wait_until_stable
from portside.deploy.stack_removal import remove_stacks
from portside.errors import UserError
from portside.findings.check import check_as_json
from portside.findings.early_evidence import make_ready
from portside.findings.finding import Finding
from portside.images.kept_groups import keep_groups
from portside.images.resolution import Resolution
from portside.plan.deployment_plan import DeploymentPlan, changes_of, context_of_groups, expect_ours, planned_groups
from portside.plan.images import kept_folder
from portside.plan.plan import LEAVE, NOTHING, StackChange, leaving_out, plan_deployment
from portside.plan.unconfigured import unconfigured_of
from portside.preflight.endpoints import endpoints_of, missing
from portside.records.deployment_record import USUAL, DeploymentRecord, Terms, new_record, place_of, recorded
from portside.records.environment_lock import expect_unlocked, locked, read_lock
from portside.records.origin import Origin
from portside.records.stack_record import StackRecord, read_stack_record, write_stack_record
from portside.synthesis import cdk_cli, references
from portside.synthesis.assembly import Stack
from portside.synthesis.template_images import expect_images
from portside.terminal.console import say, step

if TYPE_CHECKING:
    from portside.preflight.run import Verification


@dataclass(frozen=True)
class ServiceSummary:
    """A service as a person is shown it at the end."""

    name: str
    image: str
    desired: int
    running: int
    health: str


@dataclass(frozen=True)
class Deployment:
    """What has been deployed, and what runs now."""

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
    """Where a person can look at it: the site, or on this machine what stands in for it."""
    folder: str = ""
    """What is kept of it on this machine."""

    def as_json(self) -> dict[str, Any]:
        """The fields by name."""
        return asdict(self) | {"images": self.images.as_json()}


def plan(
    target: Target, services: Sequence[ServiceProps], images: Resolution, *, prune: bool = False
) -> DeploymentPlan:
    """Synthesize with these images, and compare with what is deployed; `prune` deletes what is not configured.

    Raises `UserError` where a stack of a configured name is another's.
    """
    environment, reader = target.environment, _reader(target, services)
    found = reader.stacks()
    names = [stack.name for stack in stacks_for(environment, services)]
    states = {name: found[name] for name in names if name in found}
    adopted = expect_ours(states.values(), environment)
    deployed = read_templates(
        target.clients("cloudformation"), [each.name for each in states.values() if each.is_usable]
    )
    unconfigured = unconfigured_of(target, services, found.values() if reader.lists_all else None)
    groups = planned_groups(target.clients("ssm"), environment, services, unconfigured)
    of_services = {service_stack(environment, props.container_name).name for props in services}
    known = (template for name, template in deployed.items() if name in of_services)
    context = {SIDE_BY_SIDE: "true"} if _endpoints_exist(known, services) else {}
    with step("Making and validating the templates"):
        stacks = cdk_cli.synthesize(target, images, context | context_of_groups(groups), lambda _: None)
    return DeploymentPlan(
        stacks=stacks,
        changes=(*plan_deployment(stacks, deployed.get, states), *changes_of(unconfigured, prune=prune)),
        unconfigured=unconfigured,
        adopted=adopted,
        groups=groups,
    )


def execute(run: DeploymentRun, stacks: Sequence[Stack]) -> Deployment:
    """Deploy what was planned and wait for its true end. Raises `DeploymentFailed` with the verdicts."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        try:
            return _execute(run, stacks)
        except (cdk_cli.CdkFailed, NotStable) as failure:
            run.diagnose()
            if not _passes(run, stacks, failure):
                raise DeploymentFailed(run, failure) from failure
        try:
            return _execute(run, stacks)
        except (cdk_cli.CdkFailed, NotStable) as failure:
            run.diagnose()
            raise DeploymentFailed(run, failure) from failure
    except (BotoCoreError, ClientError) as error:
        unseen = _unseen(run, error)
        if is_missing(error):
            # What a stack holds is not there: that is no matter of seeing.
            run.diagnose()
            raise DeploymentFailed(run, unseen) from error
        raise unseen from error


def _passes(run: DeploymentRun, stacks: Sequence[Stack], failure: cdk_cli.CdkFailed | NotStable) -> bool:
    """Whether AWS itself failed in passing, and nothing is in progress there: then deploying again may go well."""
    if not run.failed_in_passing or not _waits_until_settled(run, [stack.name for stack in stacks], failure):
        return False
    say(f"AWS failed in passing, so this deploys once more: {'; '.join(run.reasons)}", "yellow")
    run.forget()
    return True


def _execute(run: DeploymentRun, stacks: Sequence[Stack]) -> Deployment:
    target = run.patient
    names = [stack.name for stack in stacks]
    _deploy(run, [change.stack for change in run.changes if change.is_deployed])
    _update_those_left_behind(run, stacks)
    environment = target.environment
    for stack in database_stacks(environment):
        database_logs.keep_for(target.clients, stack.name, environment.log_retention_days)
    run.running = wait_until_stable(run)
    found = _reader(target, run.services).named(names)
    balancer = found[only_stack(environment, StackKind.LOAD_BALANCER).name]
    return Deployment(
        environment=environment.name,
        account=environment.account,
        local=target.is_local,
        seconds=round(run.timeline.seconds, 1),
        stacks=run.actions,
        services=tuple(map(_summary, run.running)),
        images=run.images,
        load_balancer_dns=balancer.outputs.get("LoadBalancerDNS", ""),
        load_balancer_export=next((name for name in balancer.exports if name.endswith("-load-balancer-dns")), ""),
        urls=_urls(target, balancer.outputs.get("LoadBalancerDNS", "")),
    )


class OutcomeUnknown(UserError):
    """How a deployment goes on can't be seen any longer; it goes on."""

    code = "unseen"


def _unseen(run: DeploymentRun, error: Exception) -> UserError:
    target, name = run.target, run.target.environment.name
    again = "What CloudFormation was doing goes on there. See how it ended, then run the same command again: "
    again = f"{run.last_seen} {again}".lstrip()
    if is_expired(error):
        return OutcomeUnknown(
            f"the AWS credentials expired while {name} was being deployed: how it ended can't be seen",
            f"Log in again. {again}{target.commands.tool('diagnose')}",
        )
    if is_denied(error):
        return OutcomeUnknown(
            f"these credentials may not see how {name} is being deployed: {error}",
            f"Give them the rights that {tool('role', name, local=False)} prints. "
            f"{again}{target.commands.tool('diagnose')}",
        )
    return OutcomeUnknown(
        f"how {name} is being deployed could not be seen any longer: {error}", again + target.commands.tool("diagnose")
    )


def _urls(target: Target, load_balancer_dns: str) -> dict[str, str]:
    if not target.is_local:
        return {"Site": f"https://{target.environment.fqdn}"}
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
    with following(
        # It looks again, and must not be waited for at the end.
        Reader(target.clients, target.environment, run.services),
        names,
        every_seconds=target.polling_seconds,
        title=f"{run.verb} {target.environment.name}",
        with_services=True,
        timeline=run.timeline,
        expected_seconds=run.expected_seconds,
        note_failure=run.early.note_failure,
    ) as progress:
        run_to_the_end(
            lambda: cdk_cli.deploy(target, names, progress.hear),
            lambda failure: _waits_until_settled(run, names, failure),
        )


def _waits_until_settled(run: DeploymentRun, names: Sequence[str], failure: cdk_cli.CdkFailed | NotStable) -> bool:
    """Follow what goes on in CloudFormation although the CDK's command line has ended; whether it can start again."""
    try:
        reader = _reader(run.patient, run.services)
        states = wait_until_settled(reader, names, every_seconds=run.target.polling_seconds)
    except Exception as error:
        # What stopped the command line is what a person has to see.
        failure.hint = "\n".join(filter(None, [failure.hint, _unseen(run, error).hint]))
        return False
    return states is not None and all(state.is_usable for state in states.values())


def _update_those_left_behind(run: DeploymentRun, stacks: Sequence[Stack]) -> None:
    target = run.patient
    reader, ssm = _reader(target, run.services), target.clients("ssm")
    names = [stack.name for stack in stacks]
    states = reader.named(names)
    record = references.read_record(ssm, target.environment.name)
    left_out = {service_stack(target.environment, each).name for each in run.left_out}
    stale = [name for name in references.left_behind(stacks, states, record) if name not in left_out]
    if stale:
        with step(f"Updating stacks that run on old values of others: {', '.join(stale)}"):
            context = {SIDE_BY_SIDE: "true", REREAD: ",".join(stale)} | context_of_groups(run.groups)
            made = cdk_cli.synthesize(target, run.images, context, lambda _: None, validate=False)
            expect_images(made, target.environment, run.services, run.images)
        _deploy(run, stale)
        states = reader.named(names)
    current = references.record_of(stacks, states)
    if current != record:
        references.write_record(ssm, target.environment.name, current)


def _endpoints_exist(deployed: Iterable[Mapping[str, Any]], services: Sequence[ServiceProps]) -> bool:
    """Whether everything that a service may call has its Service Connect endpoint already.

    A task learns of endpoints when its deployment starts, so only new ones oblige callers to wait.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-connect-concepts-deploy.html
    """
    existing = {endpoint for template in deployed for endpoint in endpoints_of(template)}
    return not missing(services, existing)


def anything_to_do(changes: Sequence[StackChange]) -> bool:
    """Whether a plan changes anything."""
    return any(change.action not in (NOTHING, LEAVE) for change in changes)


def deploy(
    target: Target,
    form: Form,
    images: Resolution,
    origin: Origin,
    *,
    show: Callable[[Sequence[StackChange]], None],
    may_go_on: Callable[[Sequence[StackChange]], bool],
    check: Callable[[Sequence[Stack]], None] = lambda _: None,
    terms: Terms = USUAL,
    expected_seconds: float | None = None,
) -> Deployment | None:
    """Plan, show the plan, check it, and carry it out if it is confirmed: locked, recorded, reported. None where not.

    `check` raises `UserError` where the plan can't go well.
    """
    ssm, name = target.clients("ssm"), target.environment.name
    services = form.services_of(name)
    expect_unlocked(ssm, name, local=target.is_local)
    planned = plan(target, services, images, prune=terms.prune)
    stacks = planned.stacks
    expect_images(stacks, target.environment, services, images)
    changes = leaving_out(planned.changes, [service_stack(target.environment, each).name for each in terms.left_out])
    show(changes)
    check(stacks)
    if not may_go_on(changes):
        return None
    if target.is_local:
        # A rehearsal is over within seconds of its first failure; on AWS it takes minutes.
        make_ready(target.clients)
    run = DeploymentRun(target, form, images, changes, origin, terms.kind, expected_seconds, left_out=terms.left_out)
    run.groups = planned.groups or {}
    locations = {props.container_name: props.container_location for props in services}
    record = new_record(origin, images, locations, place_of(target.environment, is_local=target.is_local), terms)
    ssm = run.patient.clients("ssm")
    try:
        with locked(ssm, name, origin, terms.kind, local=target.is_local):
            # Someone may have changed what proves the images while a person read the plan.
            terms.recheck()
            stack_record = read_stack_record(ssm, name)
            _remember(ssm, name, stack_record, began := planned.record_at_begin(stack_record))
            with recorded(ssm, name, record) as recording, reporting(run):
                try:
                    done = execute(run, stacks)
                except BaseException:
                    # What remains to be done is tried, and not waited for.
                    run.patience.give_up()
                    raise
                recording.ran = run.ran
            _prune(run.patient, planned)
            _remember(ssm, name, began, planned.record_at_end(began))
            keep_groups(name, planned.groups or {}, kept_folder() if target.is_local else None)
        if run.not_written:
            problem = run.not_written
            raise UserError(f"{name} is deployed and runs, but {problem.message}", problem.hint) from problem
        return replace(done, folder=run.folder)
    except KeyboardInterrupt:
        _say_what_goes_on(target, [stack.name for stack in stacks])
        raise


def _remember(ssm: Any, name: str, before: StackRecord, after: StackRecord) -> None:
    if after != before:
        write_stack_record(ssm, name, after)


def _prune(target: Target, planned: DeploymentPlan) -> None:
    """Delete what is not configured. What was deployed runs by then, and is on record."""
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


def _say_what_goes_on(target: Target, names: Sequence[str]) -> None:
    from botocore.exceptions import BotoCoreError, ClientError

    name = target.environment.name
    try:
        states = _reader(target, ()).named(names).values()
        moving = [f"{state.name} ({state.status})" for state in states if not state.is_settled]
        lock = read_lock(target.clients("ssm"), name)
    except (BotoCoreError, ClientError) as error:
        say(f"What goes on in CloudFormation could not be seen: {error}", "yellow")
        return
    if moving:
        say(f"CloudFormation goes on with {', '.join(moving)}.", "yellow")
    else:
        say("No stack is in progress in CloudFormation.")
    say(
        f"The lock is released. See the status: {target.commands.tool('diagnose')}"
        if lock is None
        else lock.sentence(name)
    )


class NotReady(UserError):
    """What was checked before a deployment says that it can't go well; nothing was changed."""

    def __init__(self, target: Target, failed: Sequence[Finding]) -> None:
        subjects = ", ".join(check.subject for check in failed)
        super().__init__(
            f"nothing was deployed to {target.environment.name}: {subjects}",
            "\n".join(dict.fromkeys([check.fix for check in failed if check.fix]))
            + "\nOr deploy all the same, with --no-verify.",
        )
        self.failed = tuple(failed)

    def as_json(self) -> dict[str, Any]:
        """The message, and the checks that failed."""
        return {"message": self.message, "hint": self.hint, "checks": [check_as_json(check) for check in self.failed]}


def expect_nothing_in_the_way(target: Target, found: Verification) -> None:
    """Raise `NotReady` where a check failed by which the deployment would fail too."""
    if found.in_the_way:
        raise NotReady(target, found.in_the_way)


def usual_seconds(records: Sequence[DeploymentRecord]) -> float | None:
    """How long the environment's healthy deployments of other images took: their median, None where there were none.

    Those that had nothing to do, and were over at once, tell nothing of the next one. `records` are the latest first.
    """
    healthy = [record for record in records if record.is_healthy and not record.synthetic and record.seconds]
    before = [*(record.digests for record in healthy[1:]), None]
    took = [record.seconds for record, digests in zip(healthy, before, strict=False) if record.digests != digests]
    return statistics.median(took) if took else None
