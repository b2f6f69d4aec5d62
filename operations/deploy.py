"""Deploying an environment: plan, ask, carry out, wait for the true end, and say what runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from operations import cdk_cli, database_logs, references
from operations.assembly import Stack
from operations.deployment_record import DEPLOY, recorded
from operations.hold import expect_free, held
from operations.origin import Origin
from operations.plan import NOTHING, StackChange, plan_deployment
from operations.progress import following, step
from operations.service_states import ServiceState, read_services, stopped_reasons
from operations.stack_states import Failure, failures_since, physical_ids, read_stacks, read_template
from operations.target import Target
from src.context_flags import REREAD, SIDE_BY_SIDE
from src.errors import AgoraError
from src.form import stack_part
from src.resolution import Resolution
from src.service_props import ServiceProps

# CloudFormation has waited for every rollout by then; what is left is ECS's own bookkeeping.
_STEADY_WITHIN_SECONDS = 120


@dataclass(frozen=True)
class Deployment:
    """What has been deployed, and what runs now."""

    environment: str
    account: str
    local: bool
    seconds: float
    stacks: Mapping[str, str]
    services: tuple[ServiceState, ...]
    images: Resolution
    load_balancer_dns: str
    load_balancer_export: str
    urls: Mapping[str, str]
    """Where a person can look at it: the site, or on this machine what stands in for it."""

    def as_json(self) -> dict[str, Any]:
        """The fields by name."""
        return asdict(self) | {"images": self.images.as_json()}


def polling_seconds(target: Target) -> float:
    """How often to ask: AWS limits the calls of an account."""
    return 0.2 if target.is_local else 3.0


def plan(
    target: Target, services: Sequence[ServiceProps], images: Resolution
) -> tuple[tuple[Stack, ...], tuple[StackChange, ...]]:
    """Synthesize with these images, and compare with what is deployed."""
    cloudformation = target.clients("cloudformation")
    context = {SIDE_BY_SIDE: "true"} if _endpoints_exist(cloudformation, target, services) else {}
    with step("Making and validating the templates"):
        stacks = cdk_cli.synthesize(target, images, context, lambda _: None)
        states = read_stacks(cloudformation, [stack.name for stack in stacks])
        deployed = {name: read_template(cloudformation, name) for name, state in states.items() if state.is_usable}
    return stacks, plan_deployment(stacks, deployed.get)


def carry_out(
    target: Target,
    services: Sequence[ServiceProps],
    images: Resolution,
    stacks: Sequence[Stack],
    changes: Sequence[StackChange],
) -> Deployment:
    """Deploy what was planned and wait until every service is steady. Raises `DeploymentFailed` with the causes."""
    began, began_at = time.monotonic(), datetime.now(UTC)
    names = [stack.name for stack in stacks]
    cloudformation = target.clients("cloudformation")
    try:
        _deploy(target, names)
        _update_those_left_behind(target, images, stacks)
    except cdk_cli.CdkFailed as failure:
        raise DeploymentFailed(target, explain(target, names, began_at), failure) from failure
    environment = target.environment
    database_stack = environment.stack_name(environment.database_stack)
    database_logs.keep_for(target.clients, database_stack, environment.log_retention_days)
    running = _wait_until_steady(target, services)
    found = read_stacks(cloudformation, names)
    balancer = found[target.environment.stack_name("load-balancer")]
    return Deployment(
        environment=target.environment.name,
        account=target.environment.account,
        local=target.is_local,
        seconds=round(time.monotonic() - began, 1),
        stacks={change.stack: change.action for change in changes},
        services=tuple(running),
        images=images,
        load_balancer_dns=balancer.outputs.get("LoadBalancerDNS", ""),
        load_balancer_export=next((name for name in balancer.exports if name.endswith("-load-balancer-dns")), ""),
        urls=_urls(target, balancer.outputs.get("LoadBalancerDNS", "")),
    )


def _urls(target: Target, load_balancer_dns: str) -> dict[str, str]:
    if not target.is_local:
        return {"Site": f"https://{target.environment.fqdn}"}
    from local_aws import control

    balancers = control.load_balancers(target.environment.account, aws=target.local_aws)
    url = next((each["url"] for each in balancers if each["dns_name"] == load_balancer_dns), None)
    return {"Stand-in": url} if url else {}


def _deploy(target: Target, names: Sequence[str]) -> None:
    with following(target.clients("cloudformation"), names, every_seconds=polling_seconds(target)) as progress:
        cdk_cli.deploy(target, names, progress.hear)


def _update_those_left_behind(target: Target, images: Resolution, stacks: Sequence[Stack]) -> None:
    cloudformation, ssm = target.clients("cloudformation"), target.clients("ssm")
    names = [stack.name for stack in stacks]
    states = read_stacks(cloudformation, names)
    record = references.read_record(ssm, target.environment.name)
    stale = references.left_behind(stacks, states, record)
    if stale:
        with step(f"Updating stacks that run on old values of others: {', '.join(stale)}"):
            context = {SIDE_BY_SIDE: "true", REREAD: ",".join(stale)}
            cdk_cli.synthesize(target, images, context, lambda _: None, validate=False)
        _deploy(target, stale)
        states = read_stacks(cloudformation, names)
    current = references.record_of(stacks, states)
    if current != record:
        references.write_record(ssm, target.environment.name, current)


def _endpoints_exist(cloudformation: Any, target: Target, services: Sequence[ServiceProps]) -> bool:
    """Whether everything that a service may call has its Service Connect endpoint already.

    A task learns of endpoints when its deployment starts, so only new ones oblige callers to wait.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-connect-concepts-deploy.html
    """
    wanted = {target.environment.stack_name(stack_part(each.container_name)): each for each in services}
    states = read_stacks(cloudformation, list(wanted))
    return all(
        name in states
        and states[name].is_usable
        and (props.container_name, props.container_port) in _endpoints(read_template(cloudformation, name))
        for name, props in wanted.items()
    )


def _endpoints(template: Mapping[str, Any]) -> set[tuple[str, int]]:
    return {
        (alias["DnsName"], alias["Port"])
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::ECS::Service"
        for endpoint in resource["Properties"].get("ServiceConnectConfiguration", {}).get("Services", ())
        for alias in endpoint.get("ClientAliases", ())
    }


def _wait_until_steady(target: Target, services: Sequence[ServiceProps]) -> list[ServiceState]:
    until = time.monotonic() + _STEADY_WITHIN_SECONDS
    while True:
        states = read_services(target.clients, target.environment, services)
        if all(state.is_steady for state in states):
            return states
        if time.monotonic() > until:
            restless = ", ".join(f"{state.name} ({state.health})" for state in states if not state.is_steady)
            raise AgoraError(
                f"deployed, but after {_STEADY_WITHIN_SECONDS} s not steady: {restless}",
                "Look at the service's events in the ECS console, or run the same command again.",
            )
        time.sleep(polling_seconds(target))


def anything_to_do(changes: Sequence[StackChange]) -> bool:
    """Whether a plan changes anything."""
    return any(change.action != NOTHING for change in changes)


@dataclass(frozen=True)
class Cause:
    """Why a stack failed: the resource and CloudFormation's reason, and of a service why its tasks stopped."""

    failure: Failure
    tasks: tuple[str, ...] = ()


def explain(target: Target, names: Sequence[str], since: datetime) -> list[Cause]:
    """The first failures of each stack since a moment."""
    cloudformation = target.clients("cloudformation")
    return [
        Cause(failure, _task_reasons(target, failure, since))
        for name in read_stacks(cloudformation, names)
        for failure in failures_since(cloudformation, name, since)[:3]
        if failure.kind != "AWS::CloudFormation::Stack"
    ]


def _task_reasons(target: Target, failure: Failure, since: datetime) -> tuple[str, ...]:
    if failure.kind != "AWS::ECS::Service":
        return ()
    clusters = physical_ids(target.clients("cloudformation"), target.environment.stack_name("ecs"), "AWS::ECS::Cluster")
    prefix = f"{failure.stack}-{failure.logical_id}-"
    ecs = target.clients("ecs")
    return tuple(reason for cluster in clusters for reason in stopped_reasons(ecs, cluster, prefix, since))


class DeploymentFailed(AgoraError):
    """One or more stacks could not be deployed; CloudFormation has rolled them back."""

    def __init__(self, target: Target, causes: Sequence[Cause], cli: cdk_cli.CdkFailed) -> None:
        lines = [f"deploying {target.environment.name} {target.place} failed"]
        for cause in causes:
            lines.append(f"{cause.failure.stack}: {cause.failure.logical_id} ({cause.failure.kind})")
            lines += [f"  stopped task: {reason}" for reason in cause.tasks] or [f"  {cause.failure.reason}"]
        super().__init__("\n".join(lines), _what_to_do(causes) if causes else cli.hint)
        self.causes = tuple(causes)


def _what_to_do(causes: Sequence[Cause]) -> str:
    said = " ".join(
        [*(reason for cause in causes for reason in cause.tasks), *(cause.failure.reason for cause in causes)]
    )
    for sign, advice in _ADVICE.items():
        if sign in said:
            return advice
    return "The stacks that failed run what they ran before. Mend the cause and deploy again."


_ADVICE = {
    "CannotPullContainerError": "The registry has no such image: check GHCR_PACKAGE_VERSION and container_location.",
    "did not contain json key": "The secret lacks the field: add it in Secrets Manager, or mend json_field in app.py.",
    "unable to pull secrets": "Create the secret in this account's Secrets Manager, under the name in app.py.",
    "OutOfMemory": "Give the container more: container_memory_reservation, or memory, in app.py.",
    "ELB health checks": "The load balancer gets no good answer: look at the service's log, and at those it calls.",
    "health check": "The container runs but does not answer its health check: look at its log.",
    "exited with": "The container stops by itself: look at its log.",
    "ertificate": "Check CERTIFICATE_ID in app.py: the certificate must exist in this account and region.",
}


def deploy(
    target: Target,
    services: Sequence[ServiceProps],
    images: Resolution,
    origin: Origin,
    *,
    show: Callable[[Sequence[StackChange]], None],
    may_go_on: Callable[[Sequence[StackChange]], bool],
    kind: str = DEPLOY,
    instead_of: Iterable[str] = (),
) -> Deployment | None:
    """Plan, show the plan, and carry it out if that may be, held and recorded. None where it may not."""
    ssm, name = target.clients("ssm"), target.environment.name
    expect_free(ssm, name)
    stacks, changes = plan(target, services, images)
    show(changes)
    if not may_go_on(changes):
        return None
    with held(ssm, name, origin, kind), recorded(ssm, name, origin, images, kind=kind, instead_of=instead_of):
        return carry_out(target, services, images, stacks, changes)
