"""Evidence as AWS would have given it, with what a test is about changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from portside.aws.configured import ConfiguredCall, ConfiguredSecret, ConfiguredService
from portside.aws.model import (
    Container,
    Database,
    Deployment,
    Event,
    RegisteredTarget,
    Service,
    Stack,
    StackFailure,
    Subnet,
    TargetGroup,
    Task,
    TaskDefinition,
)
from portside.aws.snapshot import RecordedDeployment, Snapshot
from portside.findings.verdict import Finding, judge
from tests.unit.operations_support import NOON, minutes_after_noon

ACCOUNT = "607346494281"
FAILED, RUNS = "ecs-svc/2", "ecs-svc/1"
DEFINITION = TaskDefinition(
    arn="definition:2",
    image="ghcr.io/sage-bionetworks/agora-app@sha256:12",
    command=(),
    ports=(4200,),
    memory=2048,
    health_command="CMD-SHELL curl -fsS http://localhost:4200/health || exit 1",
    secrets=(),
    execution_role=f"arn:aws:iam::{ACCOUNT}:role/agora-dev-app-ExecutionRole",
    task_role=f"arn:aws:iam::{ACCOUNT}:role/agora-dev-app-TaskRole",
)


def task(
    reason: str = "",
    *,
    code: str = "TaskFailedToStart",
    exit_code: int | None = None,
    container_reason: str = "",
    log: tuple[str, ...] = (),
    name: str = "agora-app",
    **more: Any,
) -> Task:
    """A task of the deployment that failed; without a reason a running task."""
    container = Container(name, "STOPPED" if reason else "RUNNING", exit_code, container_reason)
    found = Task(
        id="0123456789abcdef",
        definition=DEFINITION.arn,
        status="STOPPED" if reason else "RUNNING",
        created=minutes_after_noon(1),
        stopped=minutes_after_noon(2) if reason else None,
        stop_code=code if reason else "",
        stopped_reason=reason,
        deployment=FAILED if reason else RUNS,
        containers=(container,),
        log_group="group",
        log_stream="stream",
        log=log,
    )
    return replace(found, **more)


def exited(exit_code: int, *log: str, reason: str = "", **more: Any) -> Task:
    """A task whose program ended."""
    return task(
        "Essential container in task exited",
        code="EssentialContainerExited",
        exit_code=exit_code,
        container_reason=reason,
        log=log,
        **more,
    )


def gave_up() -> tuple[Event, ...]:
    """The events of a service whose deployment failed and was rolled back, the newest first."""
    return (
        Event(minutes_after_noon(4), f"(service S) (deployment {RUNS}) deployment completed."),
        Event(minutes_after_noon(3), f"(service S) rolling back to deployment {RUNS}."),
        Event(minutes_after_noon(3), f"(service S) (deployment {FAILED}) deployment failed: tasks failed to start."),
    )


def service(name: str = "agora-app", *tasks: Task, **more: Any) -> Service:
    """A service that runs stably; with tasks that failed, one whose last deployment failed by them."""
    failed = any(each.has_failed for each in tasks)
    found = Service(
        name=name,
        stack=f"agora-dev-{name.removeprefix('agora-')}",
        asked=ConfiguredService(
            image=f"ghcr.io/sage-bionetworks/{name}:edge",
            port=4200,
            cpu=512,
            memory=2048,
            tasks=1,
            public=False,
            health_path="/health",
            health_command="",
            secrets=(ConfiguredSecret("agora-sentry-dsn", "SENTRY_DSN", None),),
        ),
        cluster="cluster",
        ecs_name=f"agora-dev-{name}-Service-x",
        status="ACTIVE",
        desired=1,
        running=1,
        definition=DEFINITION.arn,
        events=gave_up() if failed else (),
        rollouts=(Deployment(RUNS, "PRIMARY", "COMPLETED", "", 0, "definition:1", NOON),),
        tasks=tasks,
        definitions=(DEFINITION,),
    )
    return replace(found, **more)


def asked(found: Service, **more: Any) -> Service:
    """The service, of which the configuration asks something else."""
    return replace(found, asked=replace(found.asked, **more))


def calling(found: Service, *callees: str) -> Service:
    """The service, which calls others."""
    return asked(found, calls=tuple(ConfiguredCall(callee, 3333) for callee in callees))


def target_group(state: str, description: str, **more: Any) -> TargetGroup:
    """The target group of a service with one target."""
    target = RegisteredTarget("10.0.0.4", 80, state, "", description)
    return replace(TargetGroup("arn:group", 80, "/health", "200", 5, (target,), True), **more)


def stack(name: str = "agora-dev-app", status: str = "UPDATE_COMPLETE", *reasons: str, **more: Any) -> Stack:
    """A stack, in which something failed for these reasons."""
    failures = tuple(
        StackFailure("Thing", more.get("kind", "AWS::EC2::EIP"), "UPDATE_FAILED", reason, minutes_after_noon(2))
        for reason in reasons
    )
    return Stack(name, status, more.get("reason", ""), minutes_after_noon(1), minutes_after_noon(1), failures)


def record(result: str, minutes: float, *digests: str) -> RecordedDeployment:
    """A deployment that began so many minutes after noon, with images of these digests."""
    began = minutes_after_noon(minutes)
    return RecordedDeployment(1, "deploy", "edge", "jane", result, began, minutes_after_noon(minutes + 1), digests)


def evidence(*services: Service, stacks: tuple[Stack, ...] = (), **more: Any) -> Snapshot:
    """An environment with these services; their stacks are healthy by default."""
    given = {each.name for each in stacks}
    usual = tuple(stack(each.stack) for each in services if each.stack not in given and each.status)
    found = Snapshot(
        environment="dev",
        app="agora",
        stack_prefix="agora-dev",
        account=ACCOUNT,
        region="us-east-1",
        is_local=False,
        at=minutes_after_noon(10),
        since=None,
        only=None,
        database=Database("agora-dev-docdb-v8", 27017, "cluster-1", "available", "arn:secret"),
        stacks=(*stacks, *usual),
        services=services,
        subnets=(Subnet("subnet-1", "10.0.0.0/26", "us-east-1a", 0),),
    )
    return replace(found, **more)


def verdict_on(*tasks: Task, **more: Any) -> Finding:
    """The first verdict on a service whose deployment failed by these tasks."""
    return judge(evidence(service("agora-app", *tasks, **more)))[0]
